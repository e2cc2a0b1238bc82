"""Who dies without a word: a viewer is noticed within ten seconds, and a worker does not outlive its parent."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from streams.pool import MediaPool
from tests.support.demo import ROOT
from tests.system.media_scene import camera, source_of
from tests.system.test_media_pool import pool_of, until

pytestmark = pytest.mark.system

NOTICED_S = 10.0
ENDED_S = 8.0


async def python(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdin=PIPE, stdout=PIPE)


async def heard(process: Process) -> Any:
    assert process.stdout
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def tell(process: Process, message: object) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(message).encode() + b"\n")
    await process.stdin.drain()


async def test_a_killed_viewer_is_gone_within_ten_seconds_and_its_camera_is_left(
    record_property: Callable[[str, object], None],
) -> None:
    async with camera() as (server, scene), pool_of(1, linger_s=0.2) as (pool, events):
        viewer = await python("-m", "tests.system.lone_viewer")
        try:
            answer = await pool.open_session("s", source_of(server), await heard(viewer))
            await tell(viewer, answer.sdp)
            assert await heard(viewer) == "live"
            viewer.kill()
            killed_s = time.monotonic()
            await until(lambda: events[-1].get("state") == "idle", NOTICED_S + 5)
        finally:
            if viewer.returncode is None:
                viewer.kill()
            await viewer.wait()
        took_s = time.monotonic() - killed_s
        record_property("figures", f"a killed viewer was noticed, and its camera left, {took_s:.1f} s after its death")
        closed = [event for event in events if event.get("state") == "closed"]
        assert [event["reason"] for event in closed] == ["silent"]
        assert took_s - 0.2 <= NOTICED_S
        assert not scene.sinks


PARENT = """
import asyncio, json, sys
from streams.pool import MediaPool, StreamSource

async def main():
    source = StreamSource(**json.loads(sys.stdin.readline()))
    pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"])
    await pool.start()
    print(json.dumps(pool.pids), flush=True)
    answer = await pool.open_session("s", source, json.loads(sys.stdin.readline()))
    print(json.dumps(answer.sdp), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_worker_amid_its_work_ends_with_its_killed_parent_and_says_goodbye() -> None:
    async with camera() as (server, scene):
        parent, viewer = await asyncio.gather(python("-c", PARENT), python("-m", "tests.system.lone_viewer"))
        try:
            source = source_of(server)
            fields = ("key", "url", "address", "username", "password")
            await tell(parent, {name: getattr(source, name) for name in fields})
            (pid,) = await heard(parent)
            worker = psutil.Process(pid)
            await tell(parent, await heard(viewer))
            await tell(viewer, await heard(parent))
            assert await heard(viewer) == "live"
            parent.kill()
            _, alive = await asyncio.to_thread(psutil.wait_procs, [worker], ENDED_S)
            assert not alive
            async with asyncio.timeout(5):
                assert await viewer.wait() == 0  # its track ended: BYE and close_notify
            await until(lambda: not scene.sinks)
        finally:
            for process in (parent, viewer):
                if process.returncode is None:
                    process.kill()
                await process.wait()


async def test_a_worker_whose_loop_hangs_ends_with_its_parent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wire's end cannot be heard by a loop that hangs; a thread hears it."""
    hang = "import time, streams.webrtc.mux as mux; mux.UdpMux.start = lambda self: time.sleep(600)"
    await _starts_and_is_left(monkeypatch, hang)


async def _starts_and_is_left(monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    program = f"{before}\nimport sys\nfrom streams.worker_main import main\nsys.exit(main(sys.argv[1:]))"
    started: list[Process] = []
    really = asyncio.create_subprocess_exec

    async def instead(_python: str, _m: str, _module: str, *arguments: str, **options: Any) -> Process:
        started.append(await really(sys.executable, "-c", program, *arguments, **options))
        return started[-1]

    monkeypatch.setattr("streams.launch.asyncio.create_subprocess_exec", instead)
    monkeypatch.setattr("streams.process._START_S", 3.0)
    monkeypatch.setattr("streams.launch._STOP_S", ENDED_S)
    pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"])
    with pytest.raises(RuntimeError, match="did not come up"):
        await pool.start()
    (worker,) = started
    assert worker.returncode == 1  # by its own hand: a signal of the parent's would be negative
