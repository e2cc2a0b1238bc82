"""Cameras that cost next to nothing: one encoded loop, served over RTSP on as many paths as are asked for.

    python -m bench.loop_camera IDR_INTERVAL_S

Serves rtsp://127.0.0.1:PORT/main... (2 Mb/s) and /sub... (300 kb/s), 25 pictures a second, over TCP and UDP; every
path that begins so is a camera of its own. The first line on standard output is {"port", "key_bytes", "kbps"}. Each
line {"sent": true} on standard input is answered by {"sent": [[timestamp, at_ns, is_key], ...]}: what the camera
"main" sent since the last one, `at_ns` being the wall clock just before its packets were written. Timestamps go on
from loop to loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable

from bench.loop import FPS, MAIN, SUB, Pictures, encode, size_of
from bench.program import answer, lines_of_stdin
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtsp.server import RtspServer

_TICKS = VIDEO_CLOCK_HZ // FPS
_REMEMBERED = FPS * 600
_MAX_CLIENTS = 512


class LoopSource:
    """A `MediaSource` that plays the loop in real time while anybody is subscribed."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._sinks: set[Callable[[AccessUnit], None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self.sent: deque[tuple[int, int, bool]] = deque(maxlen=_REMEMBERED)

    async def describe(self) -> VideoFormat:
        """See `MediaSource`."""
        return VideoFormat("H264", tuple(nal for nal in self._pictures[0] if nal[0] & 0x1F in (7, 8)))

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> LoopSubscription:
        """See `MediaSource`."""
        self._sinks.add(sink)
        if self._task is None:
            self._task = asyncio.create_task(self._play())
        return LoopSubscription(self, sink)

    def unsubscribe(self, sink: Callable[[AccessUnit], None]) -> None:
        """The opposite of `subscribe`; idempotent."""
        self._sinks.discard(sink)

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            place = self._number % len(self._pictures)
            unit = AccessUnit(self._pictures[place], self._number * _TICKS, place == 0, loop.time())
            if self._sinks:
                self.sent.append((unit.timestamp, time.time_ns(), unit.is_key))
            for sink in tuple(self._sinks):
                sink(unit)
            self._number += 1
            due_s += 1 / FPS
            await asyncio.sleep(max(0.0, due_s - loop.time()))


class LoopSubscription:
    """One client's share."""

    def __init__(self, source: LoopSource, sink: Callable[[AccessUnit], None]) -> None:
        self._source, self._sink = source, sink

    def close(self) -> None:
        """End it; idempotent."""
        self._source.unsubscribe(self._sink)


class Cameras:
    """All sources by path; each comes to be when it is first asked for."""

    def __init__(self, idr_interval_s: float) -> None:
        self.loops = {"main": encode(MAIN, idr_interval_s), "sub": encode(SUB, idr_interval_s)}
        self._sources: dict[str, LoopSource] = {}

    def source(self, path: str) -> LoopSource | None:
        """The source of a path; None for one that begins with neither kind."""
        kind = next((each for each in self.loops if path.startswith(each)), None)
        if kind is None:
            return None
        if path not in self._sources:
            self._sources[path] = LoopSource(self.loops[kind])
        return self._sources[path]

    def take_sent(self) -> list[tuple[int, int, bool]]:
        """What the camera "main" sent since the last call."""
        source = self.source("main")
        taken = list(source.sent) if source else []
        if source:
            source.sent.clear()
        return taken


def _hurry() -> None:
    """Ahead of the viewers on the same core, or the camera's lateness would look like the relay's."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


async def main() -> None:
    """Serve until the parent is gone."""
    cameras = Cameras(float(sys.argv[1]))
    _hurry()
    server = RtspServer(cameras.source, credentials=None, realm="bench", max_clients=_MAX_CLIENTS)
    await server.start("127.0.0.1", 0)
    sizes = {kind: [size_of(each) for each in loop] for kind, loop in cameras.loops.items()}
    kbps = {kind: sum(each) * 8 * FPS / len(each) / 1000 for kind, each in sizes.items()}
    answer(port=server.port, key_bytes=sizes["main"][0], kbps=kbps)
    questions = lines_of_stdin()
    while await questions.get() is not None:
        answer(sent=cameras.take_sent())
    await server.close()


if __name__ == "__main__":
    asyncio.run(main())
