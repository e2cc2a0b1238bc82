"""RTCP (RFC 3550 section 6): sender and receiver reports, BYE, and the statistics that a receiver reports."""

from __future__ import annotations

import struct
from typing import NamedTuple

from streams.rtp.clock import Unwrapper, ntp_middle
from streams.rtp.frames import VIDEO_CLOCK_HZ
from streams.rtp.packet import RtpError

_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IQIII")


class ReportBlock(NamedTuple):
    """How well one sender is received: fraction in 1/256, jitter in timestamp units, the two last in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


class SenderReport(NamedTuple):
    """A sender's clock: `ntp` (64 bits) and `rtp_timestamp` are the same moment."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(NamedTuple):
    """What one receiver says of the senders it hears."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class Bye(NamedTuple):
    """These sources have left."""

    ssrcs: tuple[int, ...]


Report = SenderReport | ReceiverReport | Bye


def parse_rtcp(data: bytes) -> list[Report]:
    """The reports in a compound packet; other kinds (SDES, APP, feedback) are skipped.

    Raises:
        RtpError: it is no RTCP, or shorter than it says.
    """
    reports: list[Report] = []
    offset = 0
    while offset < len(data):
        if len(data) - offset < 4:
            raise RtpError(f"RTCP packet is cut at offset {offset}")
        first, kind, words = struct.unpack_from("!BBH", data, offset)
        end = offset + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise RtpError(f"no RTCP packet at offset {offset}")
        body = data[offset + 4 : end]
        report = _parse_one(kind, first & 0x1F, body, offset)
        if report is not None:
            reports.append(report)
        offset = end
    return reports


def _parse_one(kind: int, count: int, body: bytes, offset: int) -> Report | None:
    try:
        if kind == _SR:
            ssrc, ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(body)
            return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, _parse_blocks(body, 24, count))
        if kind == _RR:
            (ssrc,) = struct.unpack_from("!I", body)
            return ReceiverReport(ssrc, _parse_blocks(body, 4, count))
        if kind == _BYE:
            return Bye(struct.unpack_from(f"!{count}I", body))
    except struct.error as error:
        raise RtpError(f"RTCP packet of type {kind} at offset {offset} is too short") from error
    return None


def _parse_blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_parse_block(body, start + _BLOCK.size * index) for index in range(count))


def _parse_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, offset)
    cumulative = loss & 0xFF_FFFF
    if cumulative & 0x80_0000:
        cumulative -= 0x100_0000
    return ReportBlock(ssrc, loss >> 24, cumulative, highest, jitter, last_sr, delay)


def _build_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    parts = []
    for block in blocks:
        lost = min(max(block.cumulative_lost, -0x80_0000), 0x7F_FFFF) & 0xFF_FFFF
        loss = block.fraction_lost << 24 | lost
        rest = (block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr)
        parts.append(_BLOCK.pack(block.ssrc, loss, *(value & 0xFFFF_FFFF for value in rest)))
    return b"".join(parts)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name
    return _packet(_SDES, 1, item + b"\0" * (4 - len(item) % 4))


def build_sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound packet: the sender report and the name that ties a sender's streams together (SDES CNAME)."""
    counts = (report.rtp_timestamp, report.packets, report.octets)
    numbers = _SENDER.pack(report.ssrc, report.ntp, *(value & 0xFFFF_FFFF for value in counts))
    body = numbers + _build_blocks(report.blocks)
    return _packet(_SR, len(report.blocks), body) + _description(report.ssrc, cname)


def build_receiver_report(report: ReceiverReport, cname: str) -> bytes:
    """A compound packet: the receiver report and SDES CNAME."""
    body = struct.pack("!I", report.ssrc) + _build_blocks(report.blocks)
    return _packet(_RR, len(report.blocks), body) + _description(report.ssrc, cname)


def build_bye(*ssrcs: int) -> bytes:
    """A compound packet that says that these leave: an empty receiver report and BYE (section 6.6)."""
    return _packet(_RR, 0, struct.pack("!I", ssrcs[0])) + _packet(
        _BYE, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs)
    )


class ReceptionStatistics:
    """What a receiver knows of one sender (RFC 3550 appendix A.3 and A.8); all times in monotonic seconds."""

    def __init__(self, clock_hz: int = VIDEO_CLOCK_HZ) -> None:
        self.received = 0
        self._clock_hz = clock_hz
        self._sequence = Unwrapper(16)
        self._first: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._before = (0, 0)
        self._last_sr = 0
        self._last_sr_at_s: float | None = None

    @property
    def lost(self) -> int:
        """Packets that were sent and never came; negative when some came twice."""
        return self._expected - self.received

    @property
    def highest_sequence(self) -> int:
        """The highest sequence number seen, 16 bits."""
        return self._highest & 0xFFFF

    @property
    def _expected(self) -> int:
        return 0 if self._first is None else self._highest - self._first + 1

    def packet(self, sequence: int, timestamp: int, arrived_s: float) -> None:
        """Note one packet."""
        number = self._sequence.unwrap(sequence)
        if self._first is None:
            self._first = self._highest = number
        elif number > self._highest:
            self._highest = number
        self.received += 1
        transit = arrived_s * self._clock_hz - timestamp
        if self._transit is not None:
            step = abs(transit - self._transit)
            if step < 1 << 31:  # else the timestamp has wrapped
                self._jitter += (step - self._jitter) / 16
        self._transit = transit

    def sender_report(self, report: SenderReport, arrived_s: float) -> None:
        """Note the sender's clock, for the round trip that it computes from our report."""
        self._last_sr = ntp_middle(report.ntp)
        self._last_sr_at_s = arrived_s

    def block(self, ssrc: int, now_s: float) -> ReportBlock:
        """The report on `ssrc` for the interval since the last call."""
        expected, received = self._expected - self._before[0], self.received - self._before[1]
        self._before = (self._expected, self.received)
        lost = expected - received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        delay = 0 if self._last_sr_at_s is None else round((now_s - self._last_sr_at_s) * 65536)
        jitter = int(self._jitter)
        return ReportBlock(ssrc, fraction, self.lost, self._highest & 0xFFFF_FFFF, jitter, self._last_sr, delay)
