"""RTP packets that came by UDP, put back in order before they are used. Pure: time is an argument."""

from __future__ import annotations

import struct

_FIRST = struct.Struct("!BxHxxxxI")  # version and flags, sequence number, SSRC
_WINDOW = 1024  # further from what is due than this is another numbering, not another order
_HEADER_BYTES = 12


class ReorderBuffer:
    """Gives packets out in the order of their sequence numbers, each once.

    While one is missing, those behind it wait: at most `max_packets` of them, and none longer than `max_s` seconds;
    then the missing one is given up. What comes after it was given up, or twice, is left out and counted as `late`.
    A sender that begins anew, with another SSRC or numbers far away, is followed from its second packet in a row on, so
    that a single stray packet disturbs nothing. What is no RTP is given out at once, for the receiver to judge.
    """

    def __init__(self, *, max_packets: int = 128, max_s: float = 0.1) -> None:
        self.late = 0
        self.given_up = 0
        self._max_packets = max_packets
        self._max_s = max_s
        self._ssrc: int | None = None
        self._next = 0
        self._waiting: dict[int, tuple[bytes, float]] = {}
        self._stray: tuple[int, int, bytes] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def due_s(self) -> float | None:
        """When `expire` has something to do; None while nothing waits."""
        first = next(iter(self._waiting.values()), None)  # in the order in which they came
        return None if first is None else first[1] + self._max_s

    def push(self, data: bytes, now_s: float) -> list[bytes]:
        """Take the next packet that came; what can be given out now, in order."""
        if len(data) < _HEADER_BYTES or data[0] >> 6 != 2:
            return [data, *self.expire(now_s)]
        _, sequence, ssrc = _FIRST.unpack_from(data)
        if self._ssrc is None:
            self._ssrc, self._next = ssrc, sequence
        ahead = (sequence - self._next) & 0xFFFF
        if ssrc != self._ssrc or _WINDOW < ahead < 0x1_0000 - _WINDOW:
            return self._begin_anew(ssrc, sequence, data) + self.expire(now_s)
        self._stray = None
        if ahead >= 0x8000 or sequence in self._waiting:
            self.late += 1
            return self.expire(now_s)
        self._waiting[sequence] = (data, now_s)
        ready = self._ready() if ahead == 0 else []
        while len(self._waiting) > self._max_packets:
            ready += self._give_up()
        return ready + self.expire(now_s)

    def expire(self, now_s: float) -> list[bytes]:
        """Give up what has been waited for too long; what can be given out because of that."""
        ready: list[bytes] = []
        while (due_s := self.due_s) is not None and due_s <= now_s:
            ready += self._give_up()
        return ready

    def _begin_anew(self, ssrc: int, sequence: int, data: bytes) -> list[bytes]:
        stray, self._stray = self._stray, (ssrc, sequence, data)
        if stray is None or (stray[0], (stray[1] + 1) & 0xFFFF) != (ssrc, sequence):
            return []
        ready: list[bytes] = []
        while self._waiting:
            ready += self._give_up()
        self._stray = None
        self._ssrc, self._next = ssrc, (sequence + 1) & 0xFFFF
        return [*ready, stray[2], data]

    def _give_up(self) -> list[bytes]:
        """Go on with the first packet that is there."""
        first = min(self._waiting, key=lambda sequence: (sequence - self._next) & 0xFFFF)
        self.given_up += (first - self._next) & 0xFFFF
        self._next = first
        return self._ready()

    def _ready(self) -> list[bytes]:
        """All that waits without a gap."""
        ready = []
        while (entry := self._waiting.pop(self._next, None)) is not None:
            ready.append(entry[0])
            self._next = (self._next + 1) & 0xFFFF
        return ready
