"""Places for viewers are short: over real WHEP, the operator gets one, the partner gets the reason and a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiortc.mediastreams import MediaStreamError

from tests.support.service import Service, running, write_config
from tests.system.media_scene import camera
from tests.system.media_viewer import AiortcViewer

pytestmark = pytest.mark.system

OWNER = "PT Contoh"
SDP = {"Content-Type": "application/sdp"}


@contextlib.asynccontextmanager
async def place(folder: Path) -> AsyncIterator[tuple[Service, httpx.AsyncClient, httpx.AsyncClient]]:
    """A service with one camera and two places; an operator's client and a partner's."""
    async with camera() as (server, _):
        feed = {
            "id": "feed", "name": "Jl. Sabang", "area": "31.71.07", "owner": OWNER,
            "rtsp": {"main": f"rtsp://127.0.0.1:{server.port}/main"}, "username": "viewer", "password": "rahasia",
        }  # fmt: skip
        places = {"sessions_per_camera": 2, "reserve_share": 0.0, "sessions_per_person": 5, "busy_lag_ms": 5000}
        config = write_config(folder, [feed], media=places)
        people = {
            "operator": ("--role", "operator", "--area", "31"),
            "partner": ("--role", "partner", "--area", "31", "--organisation", OWNER),
        }
        with contextlib.ExitStack() as stack:
            service = await asyncio.to_thread(stack.enter_context, running(folder, config, people))
            options = {"base_url": service.api, "timeout": 20}
            async with (
                httpx.AsyncClient(headers=service.headers("operator"), **options) as operator,
                httpx.AsyncClient(headers=service.headers("partner"), **options) as partner,
            ):
                yield service, operator, partner
            await asyncio.to_thread(stack.close)


async def join(client: httpx.AsyncClient, viewer: AiortcViewer) -> httpx.Response:
    answer = await client.post("/cameras/feed/whep", content=await viewer.offer(), headers=SDP)
    if answer.status_code == 201:
        await viewer.take(answer.text)
    return answer


async def test_an_operator_takes_the_newest_partners_place(tmp_path: Path) -> None:
    async with place(tmp_path) as (service, operator, partner), contextlib.AsyncExitStack() as stack:
        first, second, third, late = [await stack.enter_async_context(AiortcViewer()) for _ in range(4)]
        for viewer in (first, second):
            assert (await join(partner, viewer)).status_code == 201
            await viewer.frames(3)
        full = await join(partner, late)
        assert (full.status_code, full.json()["type"]) == (503, "urn:camctl:problem:no-place")
        assert (full.json()["full"], full.headers["retry-after"]) == ("camera", "10")

        assert (await join(operator, third)).status_code == 201
        await third.frames(3)
        with pytest.raises(MediaStreamError):  # BYE and close_notify, at once
            await second.frames(500, timeout_s=5)
        await first.frames(10)  # the older one stays

        again = await join(partner, late)  # the same sign-in that lost its place
        assert (again.status_code, again.json()["type"]) == (503, "urn:camctl:problem:gave-way")
        assert again.headers["retry-after"] == "10"
        metrics = (await operator.get(f"{service.url}/metrics")).text
        assert 'camctl_video_admissions_total{outcome="shed",rank="partner"} 1.0' in metrics
        assert 'camctl_video_admissions_total{outcome="refused-camera",rank="partner"} 2.0' in metrics
        assert "camctl_video_sessions 2.0" in metrics
