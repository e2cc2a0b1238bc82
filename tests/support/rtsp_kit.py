"""A tiny real H.264 source for tests of streams.rtsp: encoded once by x264, played in a loop to whoever subscribes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.nal import IDR, PPS, SPS, nal_type, split_annex_b
from streams.rtsp.server import RtspServer

FPS = 25
GOP = 10
WIDTH, HEIGHT = 160, 96


@cache
def encoded_units(count: int = 30) -> tuple[AccessUnit, ...]:
    """Noise, so that key frames need several packets; SPS and PPS are in band."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
    codec.gop_size = GOP
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": str(GOP)}
    units = []
    for index in range(count):
        picture = np.random.default_rng(index).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = index
        for packet in codec.encode(frame):
            nals = tuple(split_annex_b(bytes(packet)))
            units.append(AccessUnit(nals, packet.pts * 90000 // FPS, any(nal_type(nal) == IDR for nal in nals)))
    return tuple(units)


def decode_count(units: list[AccessUnit]) -> int:
    """How many pictures a decoder makes of these units; raises when it meets a broken one."""
    decoder = av.CodecContext.create("h264", "r")
    pictures = 0
    for unit in units:
        stream = b"".join(b"\0\0\0\1" + nal for nal in unit.nals)
        pictures += len(decoder.decode(av.Packet(stream)))
    return pictures + len(decoder.decode(None))


class _Subscription:
    def __init__(self, source: LoopSource, sink: Callable[[AccessUnit], None]) -> None:
        self.source, self.sink = source, sink

    def close(self) -> None:
        if self in self.source.subscriptions:
            self.source.subscriptions.remove(self)


class LoopSource:
    """A `MediaSource`. `in_band` False strips SPS and PPS from the units: only the description has them."""

    def __init__(self, *, in_band: bool = True) -> None:
        units = encoded_units()
        self.parameter_sets = tuple(nal for nal in units[0].nals if nal_type(nal) in (SPS, PPS))
        if not in_band:
            units = tuple(
                AccessUnit(tuple(nal for nal in unit.nals if nal_type(nal) not in (SPS, PPS)), 0, unit.is_key)
                for unit in units
            )
        self.units = units
        self.subscriptions: list[_Subscription] = []
        self.sent = 0
        self.codec = "H264"

    async def describe(self) -> VideoFormat:
        return VideoFormat(self.codec, self.parameter_sets)

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> _Subscription:
        subscription = _Subscription(self, sink)
        self.subscriptions.append(subscription)
        return subscription

    def step(self) -> AccessUnit:
        """Give one more unit to all subscribers."""
        looped = self.units[self.sent % len(self.units)]
        unit = AccessUnit(looped.nals, self.sent * 90000 // FPS, looped.is_key, time.monotonic())
        self.sent += 1
        for subscription in tuple(self.subscriptions):
            subscription.sink(unit)
        return unit

    async def run(self, *, speed: float = 1.0) -> None:
        while True:
            self.step()
            await asyncio.sleep(1 / FPS / speed)


@asynccontextmanager
async def serving(
    source: LoopSource, *, speed: float = 1.0, credentials: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[RtspServer]:
    """`source` as rtsp://127.0.0.1:<port>/main while the block runs."""
    server = RtspServer({"main": source}.get, credentials=credentials, realm="test camera", **options)
    await server.start("127.0.0.1", 0)
    running = asyncio.create_task(source.run(speed=speed))
    try:
        yield server
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await server.close()


async def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait for a condition, or fail."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # conditions of parts that know nothing of tests
            await asyncio.sleep(0.01)
