"""One steady view that begins just before every counter of RTP wraps, on both sides. Run by `make nightly`: 8 hours.

`STEADY_S` shortens it for a try; sequence numbers wrap after about two seconds on both sides,
timestamps after ten on the camera's and twenty on the viewer's.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any

import pytest

from streams.rtp.frames import VIDEO_CLOCK_HZ
from tests.support.demo import ROOT
from tests.system.media_scene import FPS, camera, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of

STEADY_S = float(os.environ.get("STEADY_S", "28800"))
pytestmark = [pytest.mark.system, pytest.mark.nightly, pytest.mark.timeout(STEADY_S + 600)]

SEQUENCE = 0xFFFF - 500
TIMESTAMP = (1 << 32) - 10 * VIDEO_CLOCK_HZ
WARM_UP_S = min(600.0, STEADY_S / 4)
MOST_GROWTH = 1.05
MOST_STILL_S = 2.0
LINGER_S = 0.5


class Dice:
    """In place of `secrets`: numbers just below their wrap."""

    def __init__(self, really: Any) -> None:
        self._really = really

    def randbits(self, bits: int) -> int:
        return TIMESTAMP if bits == 32 else SEQUENCE

    def __getattr__(self, name: str) -> Any:
        return getattr(self._really, name)


# The worker is the real program; only what its viewers' numbers begin with is not left to chance.
WORKER = """
import sys, streams.rtp.fanout as fanout
from tests.system.test_steady import Dice
from streams.worker_main import main
fanout.secrets = Dice(fanout.secrets)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def before_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera's numbers and the viewers' begin just before they wrap."""
    import streams.rtsp.session as serving

    really = asyncio.create_subprocess_exec

    async def instead(_python: str, _m: str, _module: str, *arguments: str, **options: Any) -> Process:
        options["env"] = options["env"] | {"PYTHONPATH": str(ROOT)}
        return await really(sys.executable, "-c", WORKER, *arguments, **options)

    monkeypatch.setattr(serving, "secrets", Dice(serving.secrets))
    monkeypatch.setattr("streams.process.asyncio.create_subprocess_exec", instead)


async def watch(viewer: AiortcViewer, until_s: float) -> tuple[int, float]:
    """Look at every frame; how many there were, and the longest time without one."""
    count, last_pts, longest_s, last_s = 0, -1, 0.0, time.monotonic()
    while (now_s := time.monotonic()) < until_s:
        frame = await viewer.frame(10)
        assert frame.pts is not None
        assert frame.pts > last_pts, f"time ran back from {last_pts} to {frame.pts} after {count} frames"
        assert last_pts < 0 or frame.pts - last_pts < MOST_STILL_S * VIDEO_CLOCK_HZ
        count, last_pts = count + 1, frame.pts
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
    return count, longest_s


async def test_a_view_of_many_hours_goes_on_through_every_wrap(
    before_wraps: None, record_property: Callable[[str, object], None]
) -> None:
    async with camera() as (server, scene), pool_of(1, linger_s=LINGER_S) as (pool, events):
        (empty,) = await pool.stats()
        async with AiortcViewer() as viewer:
            await viewer.watch(pool, "s", source_of(server))
            await viewer.frames(5)
            watching = asyncio.create_task(watch(viewer, time.monotonic() + STEADY_S))
            await asyncio.sleep(WARM_UP_S)
            (warm,) = await pool.stats()
            frames, longest_s = await watching
            (end,) = await pool.stats()
            receiver: Any = viewer.connection.getReceivers()[0]
            (seen,) = receiver._RTCRtpReceiver__remote_streams.values()  # the viewer's own statistics
        await asyncio.sleep(LINGER_S + 1.0)
        (left,) = await pool.stats()
    record_property("figures", f"{frames} frames in {STEADY_S:g} s, at most {longest_s:.2f} s apart")
    record_property("figures", "; ".join(map(words, (empty, warm, end, left))))
    stream = end["streams"][0]
    packets = stream["packets_sent"]
    assert scene.subscriptions == 1, "the pull was lost"
    assert (stream["ingest_lost"], stream["ingest_malformed"], stream["connects"]) == (0, 0, 1)
    assert frames >= 0.95 * FPS * STEADY_S
    assert longest_s < MOST_STILL_S
    assert (seen.base_seq, seen.cycles >> 16) == (SEQUENCE, (SEQUENCE + packets) >> 16), "no wrap of numbers"
    assert STEADY_S < 25 or seen._last_timestamp < TIMESTAMP, "no wrap of timestamps"
    assert end["rss_bytes"] <= warm["rss_bytes"] * MOST_GROWTH
    assert end["tasks"] == warm["tasks"]
    assert (left["tasks"], left["descriptors"], left["sessions"]) == (empty["tasks"], empty["descriptors"], 0)
    assert not [event for event in events if event.get("state") == "waiting"]


def words(stats: dict[str, Any]) -> str:
    return f"{stats['rss_bytes'] >> 10} KB, {stats['tasks']} tasks, {stats['descriptors']} descriptors"
