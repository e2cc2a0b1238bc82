"""How fast a stream is, over the last seconds. Pure; time is an argument."""

from __future__ import annotations

from collections import deque


class RateMeter:
    """Bytes over a window of `window_s`."""

    def __init__(self, window_s: float = 3.0) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, int]] = deque(maxlen=1024)
        self._bytes = 0

    def add(self, size: int, now_s: float) -> None:
        """Note `size` bytes at `now_s`."""
        if len(self._seen) == self._seen.maxlen:
            self._drop()
        self._seen.append((now_s, size))
        self._bytes += size
        while self._seen[0][0] < now_s - self._window_s:
            self._drop()

    def _drop(self) -> None:
        self._bytes -= self._seen.popleft()[1]

    @property
    def bits_per_s(self) -> float:
        """The rate; 0 while less than half a second was seen."""
        if len(self._seen) < 2:
            return 0.0
        lasted_s = self._seen[-1][0] - self._seen[0][0]
        return self._bytes * 8 / lasted_s if lasted_s >= 0.5 else 0.0
