"""A camera's sound over real sockets: by TCP and by UDP, from worker to worker, and as far as a re-stream's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest

from simulators.clock import SystemClock
from simulators.sound import Microphone
from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import StreamSource, Transport
from streams.rtsp.server import RtspServer
from streams.rtsp.source import Subscription
from tests.support.rtsp_kit import until
from tests.system.media_scene import LoopSource
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of

pytestmark = pytest.mark.system


class TalkingSource(LoopSource):
    """A camera that beeps."""

    def __init__(self) -> None:
        super().__init__()
        self.microphone = Microphone("PCMA", SystemClock())
        self.listeners = 0

    @property
    def audio(self) -> AudioFormat:
        return self.microphone.format

    def subscribe_sound(self, sink: Callable[[AudioPacket], None]) -> Subscription:
        self.listeners += 1
        return self.microphone.subscribe(sink)


@asynccontextmanager
async def talking_camera(**options: object) -> AsyncIterator[tuple[RtspServer, TalkingSource]]:
    source = TalkingSource()
    server = RtspServer(lambda _: source, credentials=None, realm="", **options)  # type: ignore[arg-type]
    await server.start("127.0.0.1", 0)
    try:
        yield server, source
    finally:
        await server.close()


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.UDP])
async def test_sound_comes_beside_the_video_and_ends_with_it(transport: Transport) -> None:
    heard: list[AudioPacket] = []
    async with talking_camera() as (server, source):
        client = RtspClient(
            f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1", "", "", transport=transport, wants_audio=True
        )
        await client.open()
        assert client.audio == AudioFormat("PCMA")
        units = []
        playing = asyncio.create_task(client.play(units.append, on_sound=heard.append))
        await until(lambda: len(heard) > 30 and len(units) > 10, 5)
        await client.close()
        await playing
        await until(lambda: not source.microphone._takers, 2)
    assert {len(packet.payload) for packet in heard} == {160}
    steps = [after.timestamp - before.timestamp for before, after in pairwise(heard)]
    # The simulated microphone leaves out what it is too late for, as on a machine that is busy with other tests.
    assert all(step > 0 and step % 160 == 0 for step in steps)
    assert steps.count(160) >= 0.8 * len(steps)


async def test_without_being_wanted_it_is_not_asked_for() -> None:
    async with talking_camera() as (server, source):
        client = RtspClient(f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1", "", "")
        await client.open()
        assert client.audio is None
        units = []
        playing = asyncio.create_task(client.play(units.append, on_sound=lambda _: None))
        await until(lambda: len(units) > 10, 5)
        await client.close()
        await playing
        assert source.listeners == 0


async def test_a_viewer_hears_it_through_two_workers() -> None:
    async with talking_camera() as (server, source), pool_of(2, spread_after=1) as (pool, _):
        stream = StreamSource("cam-1/main", f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1", audio=True)
        async with AiortcViewer(sound=True) as first, AiortcViewer(sound=True) as second:
            for number, viewer in enumerate((first, second)):
                await viewer.watch(pool, f"session-{number}", stream)
                await viewer.frames(5)
                frames = await viewer.hear(75)
                sound = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(int)
                assert np.abs(sound).max() > 12_000
                assert 0.2 < float(np.mean(np.abs(sound) > 1_000)) < 0.7, "half of each second"
        assert (source.subscriptions, source.listeners) == (1, 1), "the camera sees one pull"


async def test_a_viewer_of_a_camera_that_may_not_be_heard_gets_no_sound() -> None:
    async with talking_camera() as (server, source), pool_of(1) as (pool, _), AiortcViewer(sound=True) as viewer:
        stream = StreamSource("cam-1/main", f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1")
        answer = await pool.open_session("session-1", stream, await viewer.offer())
        assert ("m=audio 0 " in answer.sdp, "m=video 0 " in answer.sdp) == (True, False)
        await until(lambda: source.subscriptions == 1, 5)
        assert source.listeners == 0
