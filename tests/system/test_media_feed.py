"""Feeds of a media worker as the parent has them: one for all viewers, nothing hidden in them, gone with the worker."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import signal

import av
import pytest

from streams.errors import StreamError, StreamFault
from streams.feed_relay import FeedViewer
from streams.mp4 import Piece
from streams.pool import MediaPool
from tests.system.media_scene import LoopSource, camera, source_of
from tests.system.test_media_hide import BLUE, DELAY_S, GREEN, ColourSource, colour_of
from tests.system.test_media_pool import pool_of, until

pytestmark = pytest.mark.system


class Collector:
    def __init__(self, viewer: FeedViewer) -> None:
        self.viewer = viewer
        self.pieces: list[Piece] = []
        self.task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        while True:
            self.pieces.append(await self.viewer.next())

    def pictures(self) -> list[av.VideoFrame]:
        """What a player shows that begins anew with every init segment."""
        shown: list[av.VideoFrame] = []
        starts = [number for number, piece in enumerate(self.pieces) if piece.is_init] + [len(self.pieces)]
        for begin, end in itertools.pairwise(starts):
            data = b"".join(piece.data for piece in self.pieces[begin:end])
            if end - begin > 1:
                with av.open(io.BytesIO(data)) as container:
                    shown += list(container.decode(video=0))
        return shown

    async def close(self) -> None:
        self.viewer.close()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def _drain(viewer: FeedViewer) -> None:
    while True:
        await viewer.next()


async def streams_of(pool: MediaPool) -> dict[str, object]:
    (stats,) = await pool.stats()
    return {"feeds": stats["feeds"], "units": stats["feed_units"]}


async def test_viewers_share_one_feed_and_the_pull_ends_after_the_last() -> None:
    async with camera(LoopSource()) as (server, scene), pool_of(1, linger_s=0.5) as (pool, events):
        first = Collector(await pool.open_feed(source_of(server)))
        await until(lambda: len(first.pieces) > 30)
        second = Collector(await pool.open_feed(source_of(server)))
        await until(lambda: len(second.pieces) > 60)
        assert scene.subscriptions == 1
        assert [piece.is_init for piece in second.pieces[:2]] == [True, False]
        assert second.pieces[1].is_key
        made = (await streams_of(pool))["units"]
        assert isinstance(made, int)
        assert made <= len(first.pieces) + 5, "pictures are made into pieces once, not once per viewer"
        assert first.pieces[-1] is second.pieces[-1] or first.pieces[-2] is second.pieces[-1]
        await first.close()
        assert (await streams_of(pool))["feeds"] == 1
        await second.close()
        assert (await streams_of(pool))["feeds"] == 0
        await until(lambda: not scene.sinks)
        assert len(second.pictures()) == len(second.pieces) - 1
        assert events[-1]["type"] == "stream_state"


async def test_nothing_of_a_hidden_stream_reaches_a_feed() -> None:
    source = ColourSource()
    async with camera(source) as (server, _), pool_of(1) as (pool, _):
        held = Collector(await pool.open_feed(source_of(server)))
        await until(lambda: len(held.pieces) > 10)
        pool.hide("cam-1/", True)
        seen = len(held.pieces)
        source.look_at(GREEN)
        await asyncio.sleep(1.0)
        assert len(held.pieces) == seen
        late = Collector(await pool.open_feed(source_of(server)))
        source.look_at(GREEN)  # a key picture that will come after the unhiding
        await asyncio.sleep(DELAY_S / 2)
        source.look_at(BLUE)
        pool.hide("cam-1/", False)
        await asyncio.sleep(0.6)
        source.key_wanted()
        await until(lambda: len(held.pieces) > seen + 10 and len(late.pieces) > 10)
        assert held.pieces[seen].is_init, "players begin anew after a hidden while"
        assert {colour_of(picture) for picture in held.pictures()} == {"red", "blue"}
        assert {colour_of(picture) for picture in late.pictures()} == {"blue"}
        await held.close()
        await late.close()


async def test_a_feed_ends_with_its_worker_and_comes_back_with_the_next() -> None:
    async with camera(LoopSource()) as (server, _), pool_of(1) as (pool, _):
        viewer = await pool.open_feed(source_of(server))
        await viewer.next()
        os.kill(pool.pids[0], signal.SIGKILL)
        with pytest.raises(StreamError) as caught:
            await asyncio.wait_for(_drain(viewer), 5)
        assert caught.value.fault is StreamFault.CLOSED
        viewer.close()
        await until(lambda: pool.is_ready)
        again = Collector(await pool.open_feed(source_of(server)))
        await until(lambda: len(again.pieces) > 5)
        await pool.close_stream("cam-1/main")
        with pytest.raises(StreamError), contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(again.task, 5)


async def test_why_there_is_no_feed() -> None:
    async with camera(LoopSource()) as (server, scene), pool_of(1) as (pool, _):
        with pytest.raises(StreamError) as caught:
            await pool.open_feed(source_of(server, password="wrong"))
        assert caught.value.fault is StreamFault.BAD_CREDENTIALS
        assert (await streams_of(pool))["feeds"] == 0
        assert not scene.sinks
