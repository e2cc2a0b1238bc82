"""H.264 over RTP (RFC 6184): access units out of packets, and packets out of access units."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from streams.rtp.clock import Timeline
from streams.rtp.frames import AccessUnit
from streams.rtp.nal import AUD, IDR, PPS, SEI, SPS, ParameterSets, is_picture, nal_type, split_annex_b, starts_picture
from streams.rtp.packet import RtpPacket

_STAP_A, _FU_A = 24, 28
_MAX_MISORDER = 100  # RFC 3550 appendix A.1: further back is a restart, not a late packet
_MAX_NALS = 1024
MAX_UNIT_BYTES = 4 << 20
MAX_PAYLOAD = 1188  # with 12 bytes of RTP header a packet of 1200, which fits every path with room for SRTP
_NOTHING: tuple[AccessUnit, ...] = ()


class Depacketiser:
    """Packets of one H.264 stream, in order of arrival, to whole access units.

    A unit ends with the marker bit or when the timestamp changes. After a loss the broken unit and everything up to the
    next key unit (one with an IDR picture) is dropped, so that what comes out can always be decoded; the same holds for
    the beginning. Memory is bounded by `max_unit_bytes`. Late and doubled packets are ignored: reordering is the
    transport's business.

    `losses` counts breaks of continuity, `dropped` the units that were thrown away.
    """

    def __init__(self, parameter_sets: Iterable[bytes] = (), *, max_unit_bytes: int = MAX_UNIT_BYTES) -> None:
        self.losses = 0
        self.dropped = 0
        self.parameter_sets = ParameterSets(parameter_sets)
        self._max_unit_bytes = max_unit_bytes
        self._timeline = Timeline()
        self._sequence: int | None = None
        self._waiting = True
        self._timestamp: int | None = None
        self._done_timestamp: int | None = None
        self._arrived_s = 0.0
        self._clear()

    def restart(self) -> None:
        """The sender began anew (another SSRC): sequence and timestamp have new bases; wait for a key unit."""
        self._sequence = None
        self._timeline.restart()
        self._lose()
        self._clear()
        self._timestamp = self._done_timestamp = None

    def push(self, packet: RtpPacket, arrived_s: float = 0.0) -> tuple[AccessUnit, ...]:
        """Take one packet; the units that it completes, at most two (one by its timestamp, one by its marker)."""
        if not self._follow(packet, arrived_s):
            return _NOTHING
        units = _NOTHING
        if packet.timestamp != self._timestamp:
            units = self._finish()
            self._timestamp = packet.timestamp
            self._arrived_s = arrived_s
        if not self._broken:
            self._take(packet.payload)
        if packet.marker:
            if self._fragments:
                self._end_fragments()
            # Some cameras mark SPS and PPS too: a unit without a picture goes on.
            if self._has_picture or self._broken:
                units += self._finish()
        return units

    def _follow(self, packet: RtpPacket, arrived_s: float) -> bool:
        """Note the sequence number; False for a packet that comes late or twice."""
        last, self._sequence = self._sequence, packet.sequence
        if last is None:
            self._begin(packet, arrived_s)
            return True
        step = (packet.sequence - last) & 0xFFFF
        if step == 1:
            return True
        if step == 0 or step >= 0x1_0000 - _MAX_MISORDER:
            self._sequence = last
            return False
        self._lose()
        if packet.timestamp != self._timestamp:
            self._begin(packet, arrived_s)
        return True

    def _begin(self, packet: RtpPacket, arrived_s: float) -> None:
        """Start a unit at a packet before which others are missing; broken if it starts amid a NAL unit."""
        self._clear()
        self._timestamp, self._arrived_s = packet.timestamp, arrived_s
        self._broken = not _starts_nal(packet.payload)

    def _lose(self) -> None:
        self.losses += 1
        self._abandon()

    def _abandon(self) -> None:
        """Give the current unit up and wait for a key unit."""
        if self._size:
            self.dropped += 1
        self._clear()
        self._broken = self._waiting = True

    def _clear(self) -> None:
        self._nals: list[bytes] = []
        self._fragments: list[bytes] = []
        self._size = 0
        self._has_picture = self._has_start = self._has_idr = self._broken = False

    def _take(self, payload: bytes) -> None:
        kind = nal_type(payload)
        self._size += len(payload)
        if self._size > self._max_unit_bytes:
            self._lose()
        elif kind == _FU_A:
            self._fragment(payload)
        else:
            if self._fragments:
                self._end_fragments()
            if kind == _STAP_A:
                self._aggregate(payload)
            elif 0 < kind < _STAP_A:
                self._nal(payload)
            elif payload:  # STAP-B, MTAP, FU-B: interleaved mode, which nobody negotiates with us
                self._lose()

    def _aggregate(self, payload: bytes) -> None:
        offset = 1
        while offset + 2 < len(payload):
            size = payload[offset] << 8 | payload[offset + 1]
            end = offset + 2 + size
            if size == 0:
                return  # zero padding, seen behind aggregates
            if end > len(payload):
                self._lose()
                return
            self._nal(payload[offset + 2 : end])
            offset = end

    def _fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            return
        header = payload[1]
        if header & 0x80:
            if self._fragments:
                self._end_fragments()
            self._fragments = [bytes([payload[0] & 0xE0 | header & 0x1F])]
        elif not self._fragments:
            self._lose()
            return
        self._fragments.append(payload[2:])
        if header & 0x40:
            self._end_fragments()

    def _end_fragments(self) -> None:
        # Also when the end bit never came although no packet is missing: some encoders forget it.
        nal = b"".join(self._fragments)
        self._fragments = []
        self._nal(nal)

    def _nal(self, nal: bytes) -> None:
        kind = nal_type(nal)
        if not is_picture(kind) and b"\0\0\1" in nal:
            # Cheap cameras send a whole byte stream, start codes and all, as one unit that begins with the SPS.
            for part in split_annex_b(b"\0\0\1" + nal):
                self._add(nal_type(part), part)
        elif kind:
            self._add(kind, nal)

    def _add(self, kind: int, nal: bytes) -> None:
        if len(self._nals) >= _MAX_NALS:
            self._lose()
        if self._broken:
            return
        if is_picture(kind):
            if not self._has_picture:
                self._has_start = starts_picture(nal)
            self._has_picture = True
            self._has_idr |= kind == IDR
        elif kind in (SPS, PPS):
            self.parameter_sets.note(nal)
        self._nals.append(nal)

    def _finish(self) -> tuple[AccessUnit, ...]:
        """Close the current unit and give it out if it can be decoded after what was given out before."""
        if self._fragments:
            self._end_fragments()
        nals, timestamp = tuple(self._nals), self._timestamp
        has_picture, broken = self._has_picture, self._broken
        # A camera that marks every slice splits a picture in several units; only the first may be joined at.
        is_key = self._has_idr and self._has_start and timestamp != self._done_timestamp
        self._clear()
        if broken or not has_picture or timestamp is None:
            return _NOTHING
        complete = self.parameter_sets.complete(nals) if is_key else nals
        if complete is None or (self._waiting and not is_key):
            self.dropped += 1
            self._waiting = True
            return _NOTHING
        self._waiting = False
        self._done_timestamp = timestamp
        return (AccessUnit(complete, self._timeline.at(timestamp, self._arrived_s), is_key, self._arrived_s),)


def _starts_nal(payload: bytes) -> bool:
    """Whether a payload begins a NAL unit: everything but a later fragment."""
    return nal_type(payload) != _FU_A or (len(payload) > 1 and payload[1] >= 0x80)


def packetise(nals: Sequence[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """The RTP payloads of one access unit, in order; the last one gets the marker bit.

    Neighbouring SPS, PPS, SEI and delimiters share a STAP-A when they fit. What exceeds `max_payload` is cut into FU-A
    fragments of exactly `max_payload` bytes with a short tail: runs of equal size can be sent as one UDP GSO block.
    """
    if max_payload < 3:
        raise ValueError("max_payload must leave room for a fragment's header")
    payloads: list[bytes] = []
    group: list[bytes] = []
    group_size = 1
    for nal in nals:
        if not nal:
            continue
        small = nal[0] & 0x1F in (SEI, SPS, PPS, AUD)
        if group and not (small and group_size + 2 + len(nal) <= max_payload):
            payloads.append(_aggregate(group))
            group, group_size = [], 1
        if small and 3 + len(nal) <= max_payload:
            group.append(nal)
            group_size += 2 + len(nal)
        elif len(nal) <= max_payload:
            payloads.append(nal)
        else:
            payloads += _fragments(nal, max_payload)
    if group:
        payloads.append(_aggregate(group))
    return payloads


def _aggregate(nals: list[bytes]) -> bytes:
    """One NAL unit as it is, several as a STAP-A (section 5.7.1): F is OR, NRI the maximum."""
    if len(nals) == 1:
        return nals[0]
    forbidden = max(nal[0] & 0x80 for nal in nals)
    importance = max(nal[0] & 0x60 for nal in nals)
    parts = [bytes([forbidden | importance | _STAP_A])]
    for nal in nals:
        parts += [struct.pack("!H", len(nal)), nal]
    return b"".join(parts)


def _fragments(nal: bytes, max_payload: int) -> list[bytes]:
    indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
    step = max_payload - 2
    payloads = []
    for offset in range(1, len(nal), step):
        start = 0x80 if offset == 1 else 0
        end = 0x40 if offset + step >= len(nal) else 0
        payloads.append(bytes((indicator, start | end | kind)) + nal[offset : offset + step])
    return payloads
