"""The packets of the last seconds of a stream, to send again what a viewer missed. Shares its bytes with the cache."""

from __future__ import annotations

from bisect import bisect_right

from streams.rtp.gop import Frame

KEEP_S = 2.0  # a phone on a bad link asks again and again for a second and more
_MAX_BYTES = 16 << 20
_COMPACT = 256


class History:
    """Frames by the index of their packets, as far back as `keep_s`, at most `max_bytes` of payload."""

    def __init__(self, *, keep_s: float = KEEP_S, max_bytes: int = _MAX_BYTES) -> None:
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._frames: list[Frame] = []
        self._firsts: list[int] = []
        self._gone = 0  # how many at the beginning of the lists do not count any more
        self._bytes = 0

    def push(self, frame: Frame) -> None:
        """Take the stream's next frame and let go of those that are too old or too many."""
        self._frames.append(frame)
        self._firsts.append(frame.first_index)
        self._bytes += frame.size
        oldest_s = frame.arrived_s - self._keep_s
        while self._gone < len(self._frames) - 1:
            first = self._frames[self._gone]
            if first.arrived_s >= oldest_s and self._bytes <= self._max_bytes:
                break
            self._bytes -= first.size
            self._gone += 1
        if self._gone > _COMPACT:
            del self._frames[: self._gone]
            del self._firsts[: self._gone]
            self._gone = 0

    def find(self, index: int) -> tuple[Frame, int] | None:
        """The frame that holds packet `index` and the packet's place in it; None when it is not kept."""
        at = bisect_right(self._firsts, index, self._gone) - 1
        if at < self._gone:
            return None
        frame = self._frames[at]
        position = index - frame.first_index
        return (frame, position) if position < len(frame.payloads) else None

    def clear(self) -> None:
        """Forget everything."""
        self._frames, self._firsts = [], []
        self._gone = self._bytes = 0
