"""What a viewer's RTCP says, as far as a sender of video cares. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from streams.rtp.clock import round_trip_s


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
    return [item for part in RtcpPacket.parse(packet) for item in _read(part, ssrc, now_ntp)]


def _read(packet: AnyRtcpPacket, ssrc: int, now_ntp: int) -> Iterator[Feedback]:
    if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
        for block in packet.reports:
            if block.ssrc == ssrc:
                rtt_s = round_trip_s(now_ntp, block.lsr, block.dlsr)
                loss = block.fraction_lost / 256
                yield Reported(loss, block.packets_lost, block.highest_sequence, rtt_s, block.lsr)
    elif isinstance(packet, RtcpPsfbPacket):
        if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            yield KeyWanted()
        elif packet.fmt == RTCP_PSFB_APP and packet.fci[:4] == b"REMB":
            yield Estimate(float(unpack_remb_fci(packet.fci)[0]))
    elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK and packet.media_ssrc == ssrc:
        yield Lost(packet.lost)
