"""What arrived at many viewers: packets, bytes, and what sequence numbers say is missing. Pure; works in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD_BYTES = 12
_HALF = 0x8000


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is RTP, not STUN, DTLS or RTCP (RFC 7983, section 7; RFC 5761, section 4)."""
    return len(data) >= HEAD_BYTES and 128 <= data[0] < 192 and not 192 <= data[1] < 224


@dataclass(frozen=True, slots=True)
class Heads:
    """RTP headers, a row for each packet in the order of arrival; `viewers` says whose, `sizes` how large it was."""

    viewers: NDArray[np.int64]
    bytes: NDArray[np.uint8]
    sizes: NDArray[np.int64]

    def only(self, which: NDArray[Any]) -> Heads:
        """Some of them."""
        return Heads(self.viewers[which], self.bytes[which], self.sizes[which])

    @property
    def are_rtp(self) -> NDArray[np.bool_]:
        """Which of them are RTP, as `is_rtp` says."""
        first, second = self.bytes[:, 0], self.bytes[:, 1]
        is_rtcp = (second >= 192) & (second < 224)
        return (self.sizes >= HEAD_BYTES) & (first >= 128) & (first < 192) & ~is_rtcp

    @property
    def are_last(self) -> NDArray[np.bool_]:
        """Which end a picture (marker bit)."""
        marked: NDArray[np.bool_] = self.bytes[:, 1] >= 128
        return marked

    def words(self, at: int) -> NDArray[np.int64]:
        """The 32 bits at an offset: 4 is the timestamp, 8 the SSRC."""
        return np.ascontiguousarray(self.bytes[:, at : at + 4]).view(">u4")[:, 0].astype(np.int64)

    @property
    def sequences(self) -> NDArray[np.int64]:
        """Sequence numbers."""
        return np.ascontiguousarray(self.bytes[:, 2:4]).view(">u2")[:, 0].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Count:
    """Sums over a time, or since the beginning. `expected` is what was sent as far as sequence numbers tell."""

    packets: int = 0
    expected: int = 0
    bytes: int = 0

    def __sub__(self, other: Count) -> Count:
        return Count(self.packets - other.packets, self.expected - other.expected, self.bytes - other.bytes)

    @property
    def lost(self) -> int:
        """Packets that did not come; late ones count as lost until they do."""
        return max(0, self.expected - self.packets)


class Tally:
    """The first RTP stream of each of `viewers` viewers; other streams of theirs (retransmission) are left out."""

    def __init__(self, viewers: int) -> None:
        self._ssrc = np.full(viewers, -1, dtype=np.int64)
        self.highest = np.zeros(viewers, dtype=np.int64)
        self.packets = np.zeros(viewers, dtype=np.int64)
        self._expected = np.zeros(viewers, dtype=np.int64)
        self._bytes = np.zeros(viewers, dtype=np.int64)

    def add(self, heads: Heads) -> NDArray[np.bool_]:
        """Count RTP packets, protected or not, for headers are in the clear; says which are of the first streams."""
        ssrcs, sequences = heads.words(8), heads.sequences
        unknown = np.flatnonzero(self._ssrc[heads.viewers] < 0)
        if len(unknown):
            viewers, first = np.unique(heads.viewers[unknown], return_index=True)
            self._ssrc[viewers] = ssrcs[unknown[first]]
            self.highest[viewers] = sequences[unknown[first]] - 1
        is_main: NDArray[np.bool_] = ssrcs == self._ssrc[heads.viewers]
        main, sequences = heads.only(is_main), sequences[is_main]
        steps = (sequences - self.highest[main.viewers] + _HALF) % (2 * _HALF) - _HALF
        furthest = np.zeros_like(self.highest)
        np.maximum.at(furthest, main.viewers, steps)
        self._expected += furthest
        self.highest = (self.highest + furthest) % (2 * _HALF)
        self.packets += np.bincount(main.viewers, minlength=len(self.packets))
        np.add.at(self._bytes, main.viewers, main.sizes)
        return is_main

    def ssrc(self, viewer: int) -> int | None:
        """The SSRC of a viewer's first stream; None before any packet."""
        return int(self._ssrc[viewer]) if self._ssrc[viewer] >= 0 else None

    @property
    def count(self) -> Count:
        """What came up to now."""
        return Count(int(self.packets.sum()), int(self._expected.sum()), int(self._bytes.sum()))

    @property
    def lost(self) -> NDArray[np.int64]:
        """Packets that did not come, viewer by viewer."""
        lost: NDArray[np.int64] = np.maximum(self._expected - self.packets, 0)
        return lost


class FirstKey:
    """When a viewer's first key picture is whole: one of at least `least_packets` packets, without a gap.

    A browser can show nothing before it; what is in the packets is encrypted, but a key picture is known by its size.
    """

    def __init__(self, least_packets: int) -> None:
        self._least_packets = least_packets
        self._timestamp = b""
        self._first = 0
        self._packets = 0
        self.at_s: float | None = None

    def add(self, packet: bytes, now_s: float) -> None:
        """Look at the next RTP packet."""
        sequence = int.from_bytes(packet[2:4], "big")
        if packet[4:8] != self._timestamp:
            self._timestamp, self._first, self._packets = packet[4:8], sequence, 0
        self._packets += 1
        is_whole = (sequence - self._first) & 0xFFFF == self._packets - 1
        if packet[1] >= 128 and is_whole and self._packets >= self._least_packets and self.at_s is None:
            self.at_s = now_s
