"""What a viewer's RTCP says, as far as a sender of video cares (RFC 3550, RFC 4585, RFC 5104). Pure.

Each viewer sends some of it every second, so nothing is made of what does not matter.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from streams.rtp.clock import round_trip_s

_SR, _RR, _RTPFB, _PSFB = 200, 201, 205, 206
_NACK, _PLI, _FIR, _APP = 1, 1, 4, 15
_HEADER = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_BLOCKS_AT = {_SR: 28, _RR: 8}  # after the header, the sender's SSRC, and its own figures
_LOST = struct.Struct("!HH")
_MANTISSA_BITS = 18


@dataclass(frozen=True, slots=True)
class Reported:
    """How our video is received: loss since the last report (0 to 1), packets lost and highest number since ever.

    `rtt_s` is the round trip (None: unknown), `last_sr` the NTP middle of the SR that it answers.
    """

    loss: float
    lost: int
    highest: int
    rtt_s: float | None
    last_sr: int


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """The viewer cannot decode on (PLI, or FIR)."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Packets that the viewer misses (generic NACK)."""

    sequences: list[int]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the viewer believes that its link carries (draft-alvestrand-rmcat-remb-03)."""

    bits_per_s: float


Feedback = Reported | KeyWanted | Lost | Estimate


def read_feedback(packet: bytes, ssrc: int, now_ntp: int) -> list[Feedback]:
    """The feedback on our stream `ssrc` in a compound packet that came at `now_ntp` (64 bits).

    Raises:
        ValueError, struct.error: it is no RTCP, or damaged.
    """
    found: list[Feedback] = []
    at = 0
    while at < len(packet):
        first, kind, words = _HEADER.unpack_from(packet, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(packet):
            raise ValueError(f"no RTCP packet at offset {at}")
        part = packet[at:end]
        if first & 0x20:
            part = part[: -part[-1]]
        if kind in _BLOCKS_AT:
            found += _reports(part, kind, first & 0x1F, ssrc, now_ntp)
        elif kind == _PSFB:
            found += _about_pictures(part, first & 0x1F)
        elif kind == _RTPFB and first & 0x1F == _NACK:
            found += _losses(part, ssrc)
        at = end
    return found


def _reports(part: bytes, kind: int, count: int, ssrc: int, now_ntp: int) -> Iterator[Reported]:
    for number in range(count):
        block, loss, highest, _, last_sr, delay = _BLOCK.unpack_from(part, _BLOCKS_AT[kind] + _BLOCK.size * number)
        if block == ssrc:
            lost = (loss & 0xFF_FFFF) - ((loss & 0x80_0000) << 1)  # 24 bits with a sign
            yield Reported((loss >> 24) / 256, lost, highest, round_trip_s(now_ntp, last_sr, delay), last_sr)


def _about_pictures(part: bytes, kind: int) -> Iterator[KeyWanted | Estimate]:
    if kind in (_PLI, _FIR):
        yield KeyWanted()
    elif kind == _APP and part[12:16] == b"REMB":
        (value,) = struct.unpack_from("!I", part, 16)
        exponent, mantissa = value >> _MANTISSA_BITS & 0x3F, value & ((1 << _MANTISSA_BITS) - 1)
        yield Estimate(float(mantissa << exponent))


def _losses(part: bytes, ssrc: int) -> Iterator[Lost]:
    (about,) = struct.unpack_from("!I", part, 8)
    if about == ssrc:
        sequences = []
        for first, more in _LOST.iter_unpack(part[12:]):
            sequences += [first, *((first + bit + 1) & 0xFFFF for bit in range(16) if more >> bit & 1)]
        yield Lost(sequences)
