"""Viewers and steering come and go for a long time; nothing of them may stay. Run by `make nightly`."""

from __future__ import annotations

import asyncio
import os
import time

import httpx
import psutil
import pytest

from tests.support.demo import Demo
from tests.system.media_viewer import AiortcViewer

pytestmark = [pytest.mark.system, pytest.mark.nightly, pytest.mark.timeout(3 * 3600)]

SOAK_S = float(os.environ.get("SOAK_S", "1800"))
WARM_UP_SHARE = 0.2
MOST_GROWTH = 1.15
LINGER_S = 15.0


def figures(demo: Demo) -> tuple[int, int]:
    """Resident bytes and open descriptors of the service's process tree."""
    root = psutil.Process(demo.ready["pid"])
    tree = [root, *root.children(recursive=True)]
    return sum(p.memory_info().rss for p in tree), sum(p.num_fds() for p in tree)


async def watch_once(client: httpx.AsyncClient, camera_id: str, *, says_goodbye: bool) -> None:
    """A viewer that joins, sees pictures, and leaves, with or without a word."""
    async with AiortcViewer() as viewer:
        offer = await viewer.offer()
        sdp = {"Content-Type": "application/sdp"}
        answer = await client.post(f"/cameras/{camera_id}/whep", content=offer, headers=sdp)
        assert answer.status_code == 201, answer.text
        await viewer.take(answer.text)
        await viewer.frames(5, timeout_s=15)
        if says_goodbye:
            assert (await client.delete(client.base_url.join(answer.headers["location"]))).status_code == 200


async def test_nothing_stays_of_those_who_left(demo: Demo) -> None:
    token = demo.person("operator")["token"]
    headers = {"Authorization": f"Bearer {token}"}
    began = time.monotonic()
    baseline: tuple[int, int] | None = None
    async with httpx.AsyncClient(base_url=demo.api, headers=headers, timeout=20) as client:
        while time.monotonic() - began < SOAK_S:
            await asyncio.gather(
                *(watch_once(client, c["id"], says_goodbye=i % 2 == 0) for i, c in enumerate(demo.ready["cameras"]))
            )
            for camera in demo.ready["cameras"]:
                move = await client.post(f"/cameras/{camera['id']}/ptz/move", json={"pan": 0.1, "hold_ms": 200})
                assert move.status_code == 202, move.text
            await client.get(f"/cameras/{demo.ready['cameras'][0]['id']}/snapshot.jpg")
            if baseline is None and time.monotonic() - began > SOAK_S * WARM_UP_SHARE:
                baseline = figures(demo)
        await asyncio.sleep(LINGER_S)
    assert baseline is not None
    memory, descriptors = figures(demo)
    assert memory <= baseline[0] * MOST_GROWTH, f"{baseline[0]:,} bytes after warm-up, {memory:,} at the end"
    assert descriptors <= baseline[1] + 8
    for camera in demo.ready["cameras"]:
        assert not demo.is_moving(camera)
