"""H.264 over RTP (RFC 6184, packetization modes 0 and 1): access units out of packets, and packets out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.rtp import payloads
from streams.rtp.depacketiser import MAX_UNIT_BYTES
from streams.rtp.depacketiser import Depacketiser as _Depacketiser
from streams.rtp.nal import H264
from streams.rtp.payloads import MAX_PAYLOAD

__all__ = ["MAX_PAYLOAD", "MAX_UNIT_BYTES", "Depacketiser", "packetise"]


class Depacketiser(_Depacketiser):
    """Packets of one H.264 stream to access units; see `streams.rtp.depacketiser.Depacketiser`."""

    def __init__(self, parameter_sets: Iterable[bytes] = (), *, max_unit_bytes: int = MAX_UNIT_BYTES) -> None:
        super().__init__(H264, parameter_sets, max_unit_bytes=max_unit_bytes)


def packetise(nals: Sequence[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """The RTP payloads of one access unit, in order; see `streams.rtp.payloads.packetise`."""
    return payloads.packetise(H264, nals, max_payload)
