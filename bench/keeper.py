"""Another client of the camera: keeps its encoder running and notes when its key frames came."""

from __future__ import annotations

import asyncio
import bisect
import itertools
import statistics
import threading
import time
from types import TracebackType
from typing import Self

import av

_OPEN_S = 10
_KEYS_S = 40.0


class Keeper:
    """Pulls an RTSP stream through FFmpeg's library in a thread; `keys` says when key frames came (wall clock)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._pull, name="keeper", daemon=True)
        self.keys: list[float] = []
        self._media_s: list[float] = []  # the same key frames by the camera's clock

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, _OPEN_S)

    def _pull(self) -> None:
        try:
            with av.open(self._url, options={"rtsp_transport": "tcp"}, timeout=_OPEN_S) as container:
                for packet in container.demux(video=0):
                    if packet.is_keyframe:
                        self._media_s.append(float((packet.pts or 0) * packet.time_base))
                        self.keys.append(time.time())
                    if self._stop.is_set():
                        return
        except (OSError, ValueError) as error:  # PyAV's errors are both
            self._error = error

    def check(self) -> None:
        """Raises OSError when the pull has ended."""
        if self._error or not self._thread.is_alive():
            raise OSError(f"the client that keeps the camera's encoder running has ended: {self._error}")

    async def interval_s(self, steps: int) -> float:
        """The median of the next `steps` times between key frames, by the camera's clock; waits for them.

        Raises:
            TimeoutError: they did not come.
        """
        first = len(self.keys)
        async with asyncio.timeout(_KEYS_S):
            while len(self.keys) <= first + steps:
                self.check()
                await asyncio.sleep(0.05)
        seen = self._media_s[first : first + steps + 1]
        return statistics.median(late - early for early, late in itertools.pairwise(seen))

    def wait_from(self, at_s: float) -> float:
        """Seconds from a wall-clock time until the next key frame came; NaN while it has not."""
        index = bisect.bisect_left(self.keys, at_s)
        return self.keys[index] - at_s if index < len(self.keys) else float("nan")
