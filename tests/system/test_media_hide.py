"""What is hidden does not leave, by pixels and packet counts: the camera sends red, then secret green, then blue."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av import VideoFrame

from streams.errors import StreamError, StreamFault
from streams.pool import MediaPool
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.nal import split_annex_b
from tests.system.media_scene import LoopSource, LoopSubscription, camera, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of, until

pytestmark = pytest.mark.system

FPS, GOP = 25, 25
RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)
DELAY_S = 0.3  # what this camera takes from light to packet


@functools.cache
def flat(colour: tuple[int, int, int]) -> tuple[tuple[bytes, ...], ...]:
    """One GOP of one colour, with a little noise so that every picture has something to say."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.gop_size, encoder.max_b_frames = GOP, 0
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0:threads=1"}
    random = np.random.default_rng(3)
    packets = []
    for number in range(GOP):
        noise = random.integers(0, 30, (180, 320, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(np.array(colour, dtype=np.uint8) + noise, format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(tuple(split_annex_b(bytes(packet))) for packet in packets)


class ColourSource(LoopSource):
    """Sees one colour; after a change of it, and when asked, a key picture is next. Sends everything `DELAY_S` late."""

    def __init__(self) -> None:
        super().__init__()
        self._colour, self._at = RED, 0
        for colour in (RED, GREEN, BLUE):
            flat(colour)

    async def describe(self) -> VideoFormat:
        return VideoFormat("H264", tuple(nal for nal in flat(RED)[0] if nal[0] & 0x1F in (7, 8)))

    def look_at(self, colour: tuple[int, int, int]) -> None:
        self._colour, self._at = colour, 0

    def key_wanted(self) -> None:
        self._at = 0

    async def _play(self) -> None:
        loop, number = asyncio.get_running_loop(), 0
        began_s = loop.time()
        while True:
            nals, is_key = flat(self._colour)[self._at % GOP], self._at % GOP == 0
            unit = AccessUnit(nals, number * 90_000 // FPS, is_key, loop.time() + DELAY_S)
            loop.call_later(DELAY_S, self._give, unit)
            self._at += 1
            number += 1
            await asyncio.sleep(max(0.0, began_s + number / FPS - loop.time()))

    def _give(self, unit: AccessUnit) -> None:
        for sink in tuple(self.sinks):
            sink(unit)

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> LoopSubscription:
        self._at = 0
        return super().subscribe(sink)


def colour_of(frame: VideoFrame) -> str:
    mean = frame.to_ndarray(format="rgb24").mean(axis=(0, 1))
    return ("red", "green", "blue")[int(mean.argmax())]


async def collect(viewer: AiortcViewer, seen: list[str]) -> None:
    with contextlib.suppress(Exception):  # the end of the track
        while True:
            seen.append(colour_of(await viewer.frame(60)))


async def sent(pool: MediaPool) -> int:
    return sum([stats["packets_sent"] for stats in await pool.stats()])


async def test_nothing_of_a_hidden_stream_leaves_and_viewers_go_on_with_the_next_key_picture() -> None:
    source = ColourSource()
    async with camera(source) as (server, _), pool_of(1) as (pool, events), contextlib.AsyncExitStack() as stack:
        early, late = [await stack.enter_async_context(AiortcViewer()) for _ in range(2)]
        red, blue = [[], []]  # type: list[str], list[str]
        await early.watch(pool, "early", source_of(server))
        collecting = [asyncio.create_task(collect(early, red))]
        await until(lambda: len(red) > 5)

        pool.hide("cam-1/", True)
        pool.hide("cam-1/", True)
        before = await sent(pool)
        source.look_at(GREEN)
        await late.watch(pool, "late", source_of(server))
        collecting.append(asyncio.create_task(collect(late, blue)))
        with pytest.raises(StreamError) as caught:
            await pool.snapshot(source_of(server))
        assert caught.value.fault is StreamFault.HIDDEN
        await asyncio.sleep(1.5)
        (stats,) = await pool.stats()
        assert stats["live_sessions"] == 2
        assert stats["streams"][0]["hidden"]
        # Sender reports and DTLS of the new viewer go on; a second of pictures would be 25 packets and more.
        assert stats["packets_sent"] - before < 20

        events.clear()
        source.look_at(GREEN)  # a key picture that will come after the unhiding
        await asyncio.sleep(DELAY_S / 2)
        source.look_at(BLUE)
        pool.hide("cam-1/", False)
        await until(lambda: any(event["type"] == "key_wanted" for event in events))
        source.key_wanted()
        await until(lambda: red.count("blue") > 5 and blue.count("blue") > 5)
        jpeg = av.CodecContext.create("mjpeg", "r").decode(av.Packet(await pool.snapshot(source_of(server))))[0]
        assert isinstance(jpeg, VideoFrame)
        assert colour_of(jpeg) == "blue"
        assert set(blue) == {"blue"}, "who came while it was hidden sees nothing of before"
        assert set(red) == {"red", "blue"}
        assert not any(event.get("state") == "closed" for event in events)
        for task in collecting:
            task.cancel()


async def test_hiding_holds_for_a_worker_that_restarts_and_leaves_other_cameras_alone() -> None:
    async with camera(ColourSource()) as (server, _), pool_of(1) as (pool, _), contextlib.AsyncExitStack() as stack:
        pool.hide("cam-1/", True)
        pool.hide("cam-2/", True)
        pool.hide("cam-2/", False)
        victim = pool.pids[0]
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in pool.pids and pool.is_ready)
        hidden, shown = [await stack.enter_async_context(AiortcViewer()) for _ in range(2)]
        await hidden.watch(pool, "hidden", source_of(server, "cam-1/main"))
        await shown.watch(pool, "shown", source_of(server, "cam-10/main"))
        assert len(await shown.frames(25)) == 25
        by_key: dict[str, Any] = {item["key"]: item for stats in await pool.stats() for item in stats["streams"]}
        assert [by_key[key]["hidden"] for key in ("cam-1/main", "cam-10/main")] == [True, False]
        assert by_key["cam-1/main"]["cached_bytes"] == 0
        with pytest.raises(TimeoutError):
            await hidden.frame(0.5)
        pool.hide("cam-1/", False)
        assert len(await hidden.frames(5)) == 5
