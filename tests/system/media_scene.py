"""What the media tests share: an encoded loop as a camera's stream, and an RTSP server that serves it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np

from streams.pool import StreamSource
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.nal import split_annex_b
from streams.rtsp.server import RtspServer

WIDTH, HEIGHT, FPS, GOP_S = 640, 360, 25, 2
_TICKS = 90_000 // FPS


@functools.cache
def encoded_loop(bit_rate: int = 2_000_000, height: int = HEIGHT) -> tuple[tuple[bytes, ...], ...]:
    """One GOP of a noisy, moving scene, as NAL units per picture; the first is a key picture with SPS and PPS."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH * height // HEIGHT, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, FPS), Fraction(FPS), bit_rate
    encoder.gop_size, encoder.max_b_frames = FPS * GOP_S, 0
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0:threads=1"}
    random = np.random.default_rng(7)
    noise = random.integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    units: list[tuple[bytes, ...]] = []
    for number in range(FPS * GOP_S):
        picture = np.roll(noise, number * 9, axis=1) + 60
        picture[40:200, (number * 10) % 500 : (number * 10) % 500 + 120] = (200, 40, 40)
        step = HEIGHT // height
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[::step, ::step]), format="rgb24")
        frame.pts = number
        units += [tuple(split_annex_b(bytes(packet))) for packet in encoder.encode(frame)]
    units += [tuple(split_annex_b(bytes(packet))) for packet in encoder.encode(None)]
    return tuple(units)


class LoopSource:
    """A `MediaSource` that plays the loop in real time, as long as anybody is subscribed."""

    def __init__(self, units: tuple[tuple[bytes, ...], ...] = ()) -> None:
        self._units = units or encoded_loop()
        self._wants_key = False
        self.sinks: set[Callable[[AccessUnit], None]] = set()
        self.subscriptions = 0
        self._task: asyncio.Task[None] | None = None

    async def describe(self) -> VideoFormat:
        return VideoFormat("H264", tuple(nal for nal in self._units[0] if nal[0] & 0x1F in (7, 8)))

    def want_key(self) -> None:
        """Begin the loop anew with the next picture, as an encoder that was asked for a key picture."""
        self._wants_key = True

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> LoopSubscription:
        self.subscriptions += 1
        self.sinks.add(sink)
        if self._task is None:
            self._task = asyncio.create_task(self._play())
        return LoopSubscription(self, sink)

    def stop_if_idle(self) -> None:
        if not self.sinks and self._task:
            self._task.cancel()
            self._task = None

    async def _play(self) -> None:
        loop, units, number, place = asyncio.get_running_loop(), self._units, 0, 0
        began_s = loop.time()
        while True:
            place = 0 if self._wants_key else place % len(units)
            self._wants_key = False
            unit = AccessUnit(units[place], number * _TICKS, place == 0, loop.time())
            place += 1
            for sink in tuple(self.sinks):
                sink(unit)
            number += 1
            await asyncio.sleep(max(0.0, began_s + number / FPS - loop.time()))


class LoopSubscription:
    def __init__(self, source: LoopSource, sink: Callable[[AccessUnit], None]) -> None:
        self._source, self._sink = source, sink

    def close(self) -> None:
        self._source.sinks.discard(self._sink)
        self._source.stop_if_idle()


@asynccontextmanager
async def camera(source: LoopSource | None = None, port: int = 0) -> AsyncIterator[tuple[RtspServer, LoopSource]]:
    """A camera that asks for user "viewer" and password "rahasia" and serves every path."""
    source = source or LoopSource()
    server = RtspServer(lambda path: source, credentials={"viewer": "rahasia"}, realm="camera")
    await server.start("127.0.0.1", port)
    try:
        yield server, source
    finally:
        await server.close()


def source_of(server: RtspServer, key: str = "cam-1/main", password: str = "rahasia") -> StreamSource:
    return StreamSource(key, f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1", "viewer", password)
