"""Viewers of all kinds and steering come and go for a long time; nothing of them may stay. Run by `make nightly`.

`SOAK_S` shortens it for a try.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from tests.support.demo import Demo
from tests.system.media_viewer import AiortcViewer

pytestmark = [pytest.mark.system, pytest.mark.nightly, pytest.mark.timeout(3 * 3600)]

SOAK_S = float(os.environ.get("SOAK_S", "1800"))
WARM_UP_SHARE = 0.2
MOST_GROWTH = 1.15
SETTLE_S = 30.0  # the linger of a pull, and the time that one who never connects is waited for
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


class Figures(NamedTuple):
    """Resident bytes and descriptors of the service's process tree; tasks and sessions of its media workers."""

    memory: int
    descriptors: int
    tasks: int
    sessions: int


async def figures(demo: Demo, client: httpx.AsyncClient) -> Figures:
    root = psutil.Process(demo.ready["pid"])
    tree = [root, *root.children(recursive=True)]
    text = (await client.get(f"{demo.url}/metrics")).text
    tasks, sessions = (
        sum(int(float(value)) for value in re.findall(rf"^{name}{{.*}} (\S+)$", text, re.MULTILINE))
        for name in ("camctl_media_tasks", "camctl_media_sessions")
    )
    return Figures(sum(p.memory_info().rss for p in tree), sum(p.num_fds() for p in tree), tasks, sessions)


async def post(client: httpx.AsyncClient, camera_id: str, viewer: AiortcViewer) -> httpx.Response:
    answer = await client.post(f"/cameras/{camera_id}/whep", content=await viewer.offer(), headers=SDP)
    assert answer.status_code == 201, answer.text
    return answer


async def delete(client: httpx.AsyncClient, answer: httpx.Response) -> None:
    assert (await client.delete(client.base_url.join(answer.headers["location"]))).status_code == 200


async def says_goodbye(client: httpx.AsyncClient, camera_id: str) -> None:
    async with AiortcViewer() as viewer:
        answer = await post(client, camera_id, viewer)
        await viewer.take(answer.text)
        await viewer.frames(5, timeout_s=15)
        await delete(client, answer)


async def just_goes(client: httpx.AsyncClient, camera_id: str) -> None:
    async with AiortcViewer() as viewer:
        await viewer.take((await post(client, camera_id, viewer)).text)
        await viewer.frames(5, timeout_s=15)


async def never_connects(client: httpx.AsyncClient, camera_id: str) -> None:
    async with AiortcViewer() as viewer:
        await post(client, camera_id, viewer)


async def leaves_at_once(client: httpx.AsyncClient, camera_id: str) -> None:
    """Amid the handshake."""
    async with AiortcViewer() as viewer:
        answer = await post(client, camera_id, viewer)
        await viewer.take(answer.text)
        await delete(client, answer)


async def steers_by_datagram(client: httpx.AsyncClient, camera_id: str) -> None:
    async with AiortcViewer(data=True) as viewer:
        await viewer.take((await post(client, camera_id, viewer)).text)
        channel = await viewer.opened(15)
        for number in range(20):
            channel.send(f'{{"type": "ping", "seq": {number}}}')
        await viewer.frames(5, timeout_s=15)


async def restarts_ice(client: httpx.AsyncClient, camera_id: str) -> None:
    async with AiortcViewer() as viewer:
        answer = await post(client, camera_id, viewer)
        await viewer.take(answer.text)
        await viewer.frames(2, timeout_s=15)
        fresh = "a=ice-ufrag:another\r\na=ice-pwd:0123456789012345678901\r\n"
        place = client.base_url.join(answer.headers["location"])
        restarted = await client.patch(place, content=fresh, headers={**FRAGMENT, "If-Match": "*"})
        assert restarted.status_code == 200, restarted.text
        await viewer.frames(5, timeout_s=15)


async def is_refused(client: httpx.AsyncClient, camera_id: str) -> None:
    answer = await client.post(f"/cameras/{camera_id}/whep", content="v=0\r\n", headers=SDP)
    assert answer.status_code == 400, answer.text


async def takes_a_snapshot(client: httpx.AsyncClient, camera_id: str) -> None:
    answer = await client.get(f"/cameras/{camera_id}/snapshot.jpg")
    assert answer.status_code == 200, answer.text


async def watches_mp4(client: httpx.AsyncClient, camera_id: str) -> None:
    url = str(client.base_url).replace("http", "ws", 1) + f"cameras/{camera_id}/feed"
    sign_in = {"Authorization": client.headers["Authorization"]}
    async with connect(url, additional_headers=sign_in, max_size=None) as socket, asyncio.timeout(15):
        binary = 0
        while binary < 10:
            binary += isinstance(await socket.recv(), bytes)


async def watches_jpegs(client: httpx.AsyncClient, camera_id: str) -> None:
    async with client.stream("GET", f"/cameras/{camera_id}/jpegs") as answer, asyncio.timeout(15):
        assert answer.status_code == 200
        async for data in answer.aiter_bytes():
            if b"image/jpeg" in data:
                return


async def steers(client: httpx.AsyncClient, camera_id: str) -> None:
    move = await client.post(f"/cameras/{camera_id}/ptz/move", json={"pan": 0.1, "hold_ms": 200})
    assert move.status_code == 202, move.text


# Every way to watch has its place here.
KINDS: tuple[Callable[[httpx.AsyncClient, str], Awaitable[None]], ...] = (
    says_goodbye, just_goes, never_connects, leaves_at_once, steers_by_datagram, restarts_ice, is_refused,
    takes_a_snapshot, watches_mp4, watches_jpegs, steers,
)  # fmt: skip


async def test_nothing_stays_of_those_who_left(demo: Demo, record_property: Callable[[str, object], None]) -> None:
    headers = {"Authorization": f"Bearer {demo.person('operator')['token']}"}
    cameras = demo.ready["cameras"]
    began = time.monotonic()
    rounds = 0
    baseline: Figures | None = None
    async with httpx.AsyncClient(base_url=demo.api, headers=headers, timeout=20) as client:
        while time.monotonic() - began < SOAK_S:
            for kind in KINDS:
                await asyncio.gather(*(kind(client, camera["id"]) for camera in cameras))
            rounds += 1
            if baseline is None and time.monotonic() - began > SOAK_S * WARM_UP_SHARE:
                await asyncio.sleep(SETTLE_S)
                baseline = await figures(demo, client)
        await asyncio.sleep(SETTLE_S)
        assert baseline is not None
        end = await figures(demo, client)
    record_property("figures", f"{rounds} rounds of {len(KINDS)} kinds: {baseline} after warm-up, {end} at the end")
    assert end.memory <= baseline.memory * MOST_GROWTH, f"{baseline} after warm-up, {end} at the end"
    assert end.descriptors <= baseline.descriptors + 8
    assert (end.tasks, end.sessions) == (baseline.tasks, 0)
    for camera in cameras:
        assert not demo.is_moving(camera)
