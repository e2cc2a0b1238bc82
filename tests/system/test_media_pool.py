from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
import pytest

from streams.errors import StreamError, StreamFault
from streams.pool import MediaPool, PortInUseError, SessionNotFoundError, StaleEtagError, StreamSource, place
from tests.system.media_scene import HEIGHT, WIDTH, LoopSource, camera, encoded_loop, source_of
from tests.system.media_viewer import AiortcViewer

pytestmark = pytest.mark.system
Event = dict[str, Any]


@contextlib.asynccontextmanager
async def pool_of(workers: int = 2, **more: Any) -> AsyncIterator[tuple[MediaPool, list[Event]]]:
    encoded_loop()
    events: list[Event] = []
    pool = MediaPool(workers, "127.0.0.1", 0, ["127.0.0.1"], on_event=events.append, **more)
    await pool.start()
    try:
        yield pool, events
    finally:
        await pool.close()


async def until(condition: Callable[[], object], timeout_s: float = 8) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # the condition is anything
            await asyncio.sleep(0.01)


def on_other_worker(key: str) -> str:
    """The name of a stream that another one of two workers has."""
    return next(name for name in (f"cam-{number}/main" for number in range(99)) if place(name, 2) != place(key, 2))


async def test_viewers_of_streams_on_both_workers_see_pictures() -> None:
    async with camera() as (server, scene), pool_of() as (pool, events), contextlib.AsyncExitStack() as stack:
        keys = ["cam-1/main", "cam-1/main", on_other_worker("cam-1/main")]
        viewers = [await stack.enter_async_context(AiortcViewer()) for _ in keys]
        for number, (viewer, key) in enumerate(zip(viewers, keys, strict=True)):
            await viewer.watch(pool, f"s{number}", source_of(server, key))
        for viewer in viewers:
            frames = await viewer.frames(30)
            assert {(frame.width, frame.height) for frame in frames} == {(WIDTH, HEIGHT)}
            red = frames[-1].to_ndarray(format="rgb24")[60:180].max(axis=(0, 1))
            assert red[0] > 150
        assert scene.subscriptions == 2  # one pull for each stream, however many watch
        stats = await pool.stats()
        assert sorted(item["live_sessions"] for item in stats) == [1, 2]
        assert all(item["srtp_in_place"] for item in stats)
        assert sum(item["packets_sent"] for item in stats) > 100
        await pool.close_session("s0")
        await until(lambda: ("s0", "closed") in {(e.get("session_id"), e.get("state")) for e in events})
        with pytest.raises(SessionNotFoundError):
            await pool.close_session("s0")


async def test_the_camera_is_left_when_nobody_watches() -> None:
    async with camera() as (server, scene), pool_of(1, linger_s=0.2) as (pool, events), AiortcViewer() as viewer:
        await viewer.watch(pool, "s", source_of(server))
        await viewer.frames(3)
        await pool.close_session("s")
        await until(lambda: not scene.sinks)
        await until(lambda: events[-1].get("state") == "idle")


@pytest.mark.parametrize(
    ("password", "port", "fault"),
    [("wrong", None, StreamFault.BAD_CREDENTIALS), ("rahasia", 1, StreamFault.UNREACHABLE)],
)
async def test_why_there_is_no_picture(password: str, port: int | None, fault: StreamFault) -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), AiortcViewer() as viewer:
        source = source_of(server, password=password)
        if port:
            source = StreamSource("cam-9/main", f"rtsp://127.0.0.1:{port}/main", "127.0.0.1")
        with pytest.raises(StreamError) as caught:
            await pool.open_session("s", source, await viewer.offer())
        assert caught.value.fault is fault
        assert "wrong" not in caught.value.detail
        await until(lambda: any(event.get("fault") == fault.value for event in events))


async def test_bad_offers_and_unknown_sessions() -> None:
    async with camera() as (server, scene), pool_of(1) as (pool, _):
        with pytest.raises(StreamError) as caught:
            await pool.open_session("s", source_of(server), "nonsense")
        assert caught.value.fault is StreamFault.BAD_OFFER
        assert scene.subscriptions == 0
        with pytest.raises(SessionNotFoundError):
            await pool.patch_session("s", "a=end-of-candidates\r\n")


async def test_patches_trickle_restart_and_go_stale() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, _), AiortcViewer() as viewer:
        answer = await pool.open_session("s", source_of(server), await viewer.offer())
        trickled = await pool.patch_session("s", "a=end-of-candidates\r\n", answer.etag)
        assert (trickled.etag, trickled.sdp_fragment) == (answer.etag, "")
        fresh = "a=ice-ufrag:another\r\na=ice-pwd:0123456789012345678901\r\n"
        restarted = await pool.patch_session("s", fresh, "*")
        assert restarted.etag != answer.etag
        assert f" 127.0.0.1 {pool.ports[0]} typ host" in restarted.sdp_fragment
        with pytest.raises(StaleEtagError):
            await pool.patch_session("s", fresh, answer.etag)


async def test_a_snapshot_pulls_the_camera_if_nobody_watches() -> None:
    async with camera() as (server, scene), pool_of(1) as (pool, _):
        first, second = await asyncio.gather(pool.snapshot(source_of(server)), pool.snapshot(source_of(server)))
        assert first[:2] == b"\xff\xd8"
        assert first == second
        assert scene.subscriptions == 1


async def test_close_stream_ends_its_sessions_and_its_pull() -> None:
    async with camera() as (server, scene), pool_of(1) as (pool, events), AiortcViewer() as viewer:
        await viewer.watch(pool, "s", source_of(server))
        await viewer.frames(2)
        await pool.close_stream("cam-1/main")
        await until(lambda: not scene.sinks)
        assert any(event.get("reason") == "the stream was closed" for event in events)


async def test_a_killed_worker_is_replaced_and_its_viewers_are_told() -> None:
    async with camera() as (server, _), pool_of() as (pool, events), contextlib.AsyncExitStack() as stack:
        other = on_other_worker("cam-1/main")
        lost, spared = [await stack.enter_async_context(AiortcViewer()) for _ in range(2)]
        await lost.watch(pool, "lost", source_of(server))
        await spared.watch(pool, "spared", source_of(server, other))
        await asyncio.gather(lost.frames(2), spared.frames(2))
        victim = pool.pids[place("cam-1/main", 2)]
        assert pool.is_ready
        os.kill(victim, signal.SIGKILL)
        await until(lambda: not pool.is_ready)
        await until(lambda: any(e.get("session_id") == "lost" and e.get("state") == "closed" for e in events))
        assert len(await spared.frames(30)) == 30
        async with AiortcViewer() as again:
            await until(lambda: victim not in pool.pids and pool.is_ready)
            await again.watch(pool, "again", source_of(server))
            await again.frames(5)
        assert not any(e.get("session_id") == "spared" and e.get("state") == "closed" for e in events)
        assert not pool.failed.done()


async def test_a_worker_that_keeps_dying_fails_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.keeper._DEATHS", 2)
    async with pool_of(1) as (pool, _):
        before = pool.pids
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: pool.pids != before)
        os.kill(pool.pids[0], signal.SIGKILL)
        async with asyncio.timeout(8):
            with pytest.raises(RuntimeError, match="died 2 times"):
                await asyncio.shield(pool.failed)


async def test_closing_the_pool_ends_its_workers_and_says_goodbye() -> None:
    async with camera() as (server, scene), pool_of() as (pool, events), AiortcViewer() as viewer:
        await viewer.watch(pool, "s", source_of(server))
        await viewer.frames(2)
        drained = asyncio.create_task(viewer.drain())
        pids = pool.pids
        await pool.close()
        assert not any(psutil.pid_exists(pid) for pid in pids)
        await drained
        await until(lambda: not scene.sinks)
        assert any(event.get("session_id") == "s" and event.get("state") == "closed" for event in events)


async def test_a_port_in_use_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        pool = MediaPool(1, "127.0.0.1", port, ["127.0.0.1"])
        with pytest.raises(PortInUseError, match=str(port)) as caught:
            await pool.start()
        assert caught.value.port == port


async def test_malformed_datagrams_leave_viewers_undisturbed() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), AiortcViewer() as viewer:
        await viewer.watch(pool, "s", source_of(server))
        await viewer.frames(2)
        noise = random.Random(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for number in range(600):
                data = noise.randbytes(noise.randrange(0, 1400))
                if number % 3 == 0:
                    data = b"\0\1\0\x08\x21\x12\xa4\x42" + data
                stranger.sendto(data, ("127.0.0.1", pool.ports[0]))
                if number % 50 == 0:
                    await asyncio.sleep(0.01)
        frames = await viewer.frames(50)
        times = [frame.pts for frame in frames]
        assert times == sorted(times)
        (stats,) = await pool.stats()
        assert stats["datagrams_malformed"] + stats["datagrams_strange"] >= 500
        assert not any(event["type"] == "session_state" and event.get("state") == "closed" for event in events)


async def test_the_picture_comes_back_after_the_camera_restarts() -> None:
    async with pool_of(1) as (pool, events), AiortcViewer() as viewer:
        async with camera() as (server, _):
            port, source = server.port, source_of(server)
            await viewer.watch(pool, "s", source)
            await viewer.frames(5)
        await until(lambda: events[-1].get("state") == "waiting")
        async with camera(LoopSource(), port=port):
            before = (await viewer.frames(1))[0].pts
            frames = await viewer.frames(40, timeout_s=15)
            times = [frame.pts for frame in frames]
            assert times == sorted(times)
            assert times[-1] > before


def test_a_worker_ends_with_its_parent() -> None:
    """A parent that is killed cannot clean up; its workers have to notice."""
    import subprocess
    import sys

    program = (
        "import asyncio, sys\n"
        "from streams.pool import MediaPool\n"
        "async def main():\n"
        "    pool = MediaPool(2, '127.0.0.1', 0, ['127.0.0.1'])\n"
        "    await pool.start()\n"
        "    print(*pool.pids, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        workers = [psutil.Process(pid) for pid in pids]
        parent.kill()
        parent.wait()
        _, alive = psutil.wait_procs(workers, timeout=8)
        assert not alive
