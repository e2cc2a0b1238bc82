"""The re-stream of the media workers: who may play what, and what ends it; the client is our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from streams.errors import StreamError, StreamFault
from streams.pool import (
    MediaPool,
    RestreamAccount,
    RestreamLimits,
    RestreamPortError,
    RestreamSettings,
    StreamSource,
    place,
)
from streams.rtp.frames import AccessUnit
from streams.rtsp.auth import hashes_of
from streams.rtsp.client import RtspClient
from streams.rtsp.server import RtspServer
from tests.support.rtsp_kit import decode_count
from tests.system.media_scene import LoopSource, camera, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_hide import GREEN, RED, ColourSource
from tests.system.test_media_pool import Event, pool_of, until

pytestmark = pytest.mark.system

HERE, THERE = (  # streams whose owners are the first worker, which serves the re-stream, and the second
    next(key for key in (f"cam-{number}/main" for number in range(99)) if place(key, 2) == worker) for worker in (0, 1)
)
SECRET = "rahasia-perekam"


def account(name: str, *keys: str, secret: str = SECRET) -> RestreamAccount:
    return RestreamAccount(name, hashes_of(name, "camctl", secret), frozenset(keys))


@contextlib.asynccontextmanager
async def restreaming(
    server: RtspServer, *accounts: RestreamAccount, limits: RestreamLimits | None = None
) -> AsyncIterator[tuple[MediaPool, list[Event]]]:
    async def find(key: str) -> StreamSource:
        if key not in (HERE, THERE):
            raise StreamError(StreamFault.NOT_FOUND, "there is no such stream")
        return source_of(server, key)

    settings = RestreamSettings("127.0.0.1", 0, "camctl", limits or RestreamLimits())
    async with pool_of(2, restream=settings, find_source=find) as (pool, events):
        pool.set_restream_accounts({item.name: item for item in accounts})
        yield pool, events


class Recorder:
    """A client of the re-stream that keeps what comes."""

    def __init__(self, pool: MediaPool, key: str, name: str = "nvr", secret: str = SECRET) -> None:
        self.client = RtspClient(f"rtsp://127.0.0.1:{pool.restream_port}/{key}", "127.0.0.1", name, secret)
        self.units: list[AccessUnit] = []
        self.ended_s = 0.0
        self.fault: StreamFault | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Recorder:
        await self.client.open()
        self._task = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        assert self._task
        await self._task

    async def _play(self) -> None:
        try:
            await self.client.play(self.units.append)
        except StreamError as error:
            self.fault = error.fault
        self.ended_s = time.monotonic()

    async def has(self, count: int, timeout_s: float = 10) -> None:
        await until(lambda: len(self.units) >= count, timeout_s)


async def refusal(pool: MediaPool, key: str, name: str = "nvr", secret: str = SECRET) -> StreamFault:
    recorder = Recorder(pool, key, name, secret)
    try:
        async with recorder:
            await until(lambda: recorder.fault)
    except StreamError as error:
        return error.fault
    assert recorder.fault
    return recorder.fault


async def test_recorders_and_a_viewer_share_one_pull_whichever_worker_has_it() -> None:
    for key in (HERE, THERE):
        async with (
            camera() as (server, scene),
            restreaming(server, account("nvr", HERE, THERE)) as (pool, _),
            AiortcViewer() as viewer,
            Recorder(pool, key) as first,
        ):
            await first.has(30)
            await viewer.watch(pool, "s", source_of(server, key))
            assert len(await viewer.frames(10)) == 10
            async with Recorder(pool, key) as late:
                await late.has(60)
                steps = [b.timestamp - a.timestamp for a, b in zip(late.units, late.units[1:], strict=False)]
            assert decode_count(late.units[:40]) == 40
            assert late.units[0].is_key
            assert steps[0] == 90, "the kept pictures are 1 ms apart"
            assert 3000 <= steps[-1] <= 4200, "then as the camera sends"
            assert steps == sorted(steps, key=lambda step: step > 1000), "all the kept ones first"
            assert scene.subscriptions == 1
            assert sum(stats["restream_sessions"] for stats in await pool.stats()) == 1
            for process in map(psutil.Process, pool.pids):
                told = [*process.cmdline(), *process.environ().values()]
                assert not any(secret in word for word in told for secret in (pool._exchange._secret, SECRET))


async def raw_challenge(pool: MediaPool) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", pool.restream_port)
    writer.write(f"DESCRIBE rtsp://127.0.0.1/{HERE} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return answer


async def test_what_is_refused() -> None:
    limits = RestreamLimits(sessions=3, sessions_per_account=2)
    accounts = (account("nvr", HERE), account("other", HERE))
    async with camera() as (server, scene), restreaming(server, *accounts, limits=limits) as (pool, _):
        assert await refusal(pool, THERE) is StreamFault.NOT_FOUND
        assert await refusal(pool, "cam-none/main") is StreamFault.NOT_FOUND
        assert await refusal(pool, HERE, secret="salah") is StreamFault.BAD_CREDENTIALS
        assert await refusal(pool, HERE, name="stranger") is StreamFault.BAD_CREDENTIALS
        challenge = await raw_challenge(pool)
        assert " 401 " in challenge
        assert challenge.count("WWW-Authenticate: Digest") == 2
        assert "Basic" not in challenge
        assert scene.subscriptions == 0
        async with Recorder(pool, HERE) as first, Recorder(pool, HERE) as second:
            await asyncio.gather(first.has(1), second.has(1))
            assert await refusal(pool, HERE) is StreamFault.BUSY
            async with Recorder(pool, HERE, "other") as third:
                await third.has(1)
                assert await refusal(pool, HERE, "other") is StreamFault.BUSY


async def withdraw(pool: MediaPool) -> None:
    """A withdrawn stream, a new secret and a removed account end within a second, and nobody else's session does."""
    full, other = account("nvr", HERE, THERE), account("other", THERE)
    changes: list[dict[str, RestreamAccount]] = [
        {"nvr": account("nvr", HERE)},
        {"nvr": account("nvr", HERE, THERE, secret="another")},
        {},
    ]
    pool.set_restream_accounts({"nvr": full, "other": other})
    async with Recorder(pool, THERE, "other") as spared:
        for change in changes:
            pool.set_restream_accounts({"nvr": full, "other": other})
            async with Recorder(pool, THERE) as recorder:
                await recorder.has(3)
                changed_s = time.monotonic()
                pool.set_restream_accounts({**change, "other": other})
                await until(lambda recorder=recorder: recorder.ended_s)
                assert recorder.ended_s - changed_s < 1.0
        count = len(spared.units)
        await spared.has(count + 10)
        assert not spared.ended_s


async def test_a_withdrawn_right_ends_it_and_a_hidden_picture_goes_blank() -> None:
    scene = ColourSource()
    async with camera(scene) as (server, _), restreaming(server) as (pool, events):
        await withdraw(pool)
        pool.set_restream_accounts({"nvr": account("nvr", THERE)})
        camera_prefix = f"{THERE.partition('/')[0]}/"
        async with Recorder(pool, THERE) as recorder:
            await recorder.has(10)
            pool.hide(camera_prefix, True)
            await asyncio.sleep(0.2)
            before = len(recorder.units)
            scene.look_at(GREEN)
            await asyncio.sleep(1.0)
            assert len(recorder.units) == before
            scene.look_at(RED)
            await asyncio.sleep(0.4)
            events.clear()
            pool.hide(camera_prefix, False)
            await until(lambda: any(event["type"] == "key_wanted" for event in events))
            scene.key_wanted()
            await recorder.has(before + 10)
            assert recorder.units[before].is_key


async def test_workers_may_die_under_a_recorder() -> None:
    async with camera(LoopSource()) as (server, scene), restreaming(server, account("nvr", THERE)) as (pool, _):
        async with Recorder(pool, THERE) as recorder:
            await recorder.has(5)
            os.kill(pool.pids[1], signal.SIGKILL)  # the stream's owner: a pause
            await until(lambda: scene.subscriptions == 2)
            count = len(recorder.units)
            await recorder.has(count + 20)
            assert not recorder.ended_s
            times = [unit.timestamp for unit in recorder.units]
            assert times == sorted(times)
            port = pool.restream_port
            os.kill(pool.pids[0], signal.SIGKILL)  # who serves it: the end, and the same port and account at once
            await until(lambda: recorder.ended_s)
        async with Recorder(pool, THERE) as again:
            await again.has(5)
            assert pool.restream_port == port
            await pool.close_stream(THERE)
            await until(lambda: again.ended_s)
            await until(lambda: not scene.sinks)


async def test_a_taken_port_is_named() -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"], restream=RestreamSettings("127.0.0.1", port))
    with pytest.raises(RestreamPortError, match=str(port)):
        await pool.start()
    await pool.close()
    listening.close()
    await listening.wait_closed()
