"""What arrived of one RTP stream: packets, bytes, and what sequence numbers say is missing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

_HALF = 0x8000


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is RTP, not STUN, DTLS or RTCP (RFC 7983, section 7; RFC 5761, section 4)."""
    return len(data) >= 12 and 128 <= data[0] < 192 and not 192 <= data[1] < 224


@dataclass(slots=True)
class Count:
    """Sums over a time, or since the beginning. `expected` is what was sent as far as sequence numbers tell."""

    packets: int = 0
    expected: int = 0
    bytes: int = 0

    def __add__(self, other: Self) -> Count:
        return Count(self.packets + other.packets, self.expected + other.expected, self.bytes + other.bytes)

    def __sub__(self, other: Self) -> Count:
        return Count(self.packets - other.packets, self.expected - other.expected, self.bytes - other.bytes)

    @property
    def lost(self) -> int:
        """Packets that did not come; late ones count as lost until they do."""
        return max(0, self.expected - self.packets)


class Tally:
    """All RTP that one socket received, SSRC by SSRC."""

    def __init__(self) -> None:
        self._packets = 0
        self._bytes = 0
        self._expected = 0
        self._highest: dict[bytes, int] = {}

    def add(self, data: bytes) -> None:
        """Count one RTP packet, protected or not: its header is in the clear."""
        self._packets += 1
        self._bytes += len(data)
        ssrc, sequence = data[8:12], data[2] << 8 | data[3]
        highest = self._highest.get(ssrc)
        step = 1 if highest is None else (sequence - highest) & 0xFFFF
        if step < _HALF:
            self._highest[ssrc] = sequence
            self._expected += step

    @property
    def count(self) -> Count:
        """What came up to now."""
        return Count(self._packets, self._expected, self._bytes)
