"""A tiny real source for tests of streams.rtsp: encoded once by x264 or x265, played in a loop to all subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
import numpy as np

from streams.rtp.codecs import codec_of
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.nal import split_annex_b
from streams.rtsp.client import RtspClient
from streams.rtsp.server import RtspServer

FPS = 25
GOP = 10
WIDTH, HEIGHT = 160, 96


ENCODERS = {
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": str(GOP)}),
    "H265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": f"keyint={GOP}:min-keyint={GOP}:repeat-headers=1:log-level=none:pools=1",
        },
    ),
}


@cache
def encoded_units(count: int = 30, codec_name: str = "H264", b_frames: int = 0) -> tuple[AccessUnit, ...]:
    """Noise, so that key frames need several packets; parameter sets are in band."""
    codec_class = codec_of(codec_name)
    name, options = ENCODERS[codec_name]
    codec = cast("av.VideoCodecContext", av.CodecContext.create(name, "w"))
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
    codec.gop_size = GOP
    with_b_frames = {"preset": "veryfast", "x264-params": f"bframes={b_frames}:b-adapt=0:b-pyramid=none:scenecut=0"}
    codec.options = with_b_frames if b_frames else options
    packets = []
    for index in range(count):
        picture = np.random.default_rng(index).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = index
        packets += codec.encode(frame)
    units = []
    for packet in [*packets, *codec.encode(None)]:
        nals = tuple(split_annex_b(bytes(packet)))
        is_key = any(codec_class.syntax.kind(nal) in codec_class.syntax.keys for nal in nals)
        units.append(AccessUnit(nals, (packet.pts or 0) * 90000 // FPS, is_key, codec=codec_name))
    return tuple(units)


def decode_count(units: list[AccessUnit]) -> int:
    """How many pictures a decoder makes of these units; raises when it meets a broken one."""
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(codec_of(units[0].codec).decoder, "r"))
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
    """A `MediaSource`. `in_band` False strips parameter sets from the units: only the description has them.

    With `b_frames` the units come in decoding order, their timestamps back and forth.
    """

    def __init__(self, *, in_band: bool = True, codec: str = "H264", b_frames: int = 0) -> None:
        units = encoded_units(30, codec, b_frames)
        sets = self.parameter_sets = codec_of(codec).only_sets(units[0].nals)
        if not in_band:
            units = tuple(replace(unit, nals=tuple(nal for nal in unit.nals if nal not in sets)) for unit in units)
        self.units = units
        self.subscriptions: list[_Subscription] = []
        self.sent = 0
        self.codec = codec

    async def describe(self) -> VideoFormat:
        return VideoFormat(self.codec, self.parameter_sets)

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> _Subscription:
        subscription = _Subscription(self, sink)
        self.subscriptions.append(subscription)
        return subscription

    def step(self) -> AccessUnit:
        """Give one more unit to all subscribers."""
        rounds, index = divmod(self.sent, len(self.units))
        timestamp = self.units[index].timestamp + rounds * len(self.units) * 90000 // FPS
        unit = replace(self.units[index], timestamp=timestamp, arrived_s=time.monotonic())
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


async def play(client: RtspClient, count: int, within_s: float = 5.0) -> list[AccessUnit]:
    """At least so many units of an open client, unless the stream ends sooner; the client is closed then."""
    units: list[AccessUnit] = []
    playing = asyncio.create_task(client.play(units.append))
    try:
        await until(lambda: len(units) >= count or playing.done(), within_s)
    finally:
        await client.close()
    await playing
    return units


async def pull(client: RtspClient, count: int) -> list[AccessUnit]:
    """Open the client and play it."""
    await client.open()
    return await play(client, count)
