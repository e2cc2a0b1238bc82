"""A viewer who comes while somebody else keeps the camera's encoder running must not wait for its next key frame."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from tests.support.demo import Demo
from tests.system.media_viewer import AiortcViewer

pytestmark = pytest.mark.system

IDR_INTERVAL_S = 4.0  # the simulated camera's default, as cameras ship
JOINS = 3


@pytest.mark.nightly
async def test_a_cold_join_asks_for_a_key_frame(demo: Demo) -> None:
    camera = demo.camera()
    account = f"rtsp://{camera['username']}:{camera['password']}@"
    address = camera["rtsp_url"].replace("rtsp://", account, 1)
    command = ["ffmpeg", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", address, "-f", "null", "-"]
    headers = {"Authorization": f"Bearer {demo.person('operator')['token']}", "Content-Type": "application/sdp"}
    other = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    waits = []
    try:
        async with httpx.AsyncClient(base_url=demo.api, headers=headers, timeout=20) as client:
            for _ in range(JOINS):
                demo.wait(lambda: demo.truth(camera)["watchers"] == 1, 20.0, "the service still pulls")
                async with AiortcViewer() as viewer:
                    offer = await viewer.offer()
                    began = time.monotonic()
                    answer = await client.post(f"/cameras/{camera['id']}/whep", content=offer)
                    await viewer.take(answer.text)
                    await viewer.frame(10)
                    waits.append(time.monotonic() - began)
                    await client.delete(client.base_url.join(answer.headers["location"]))
    finally:
        other.kill()
        await other.wait()
    # Without asking, three joins in a row within 1.5 s of a 4 s interval would be luck of one in twenty.
    assert max(waits) < 1.5 < IDR_INTERVAL_S, waits
