"""How long a viewer waits: WHEP POST to the first decoded picture in Chromium, beside the camera's next key frame."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from pathlib import Path

import httpx

from bench import report
from bench.browser import Browser, Join, browser
from bench.house import House, SimulatedCamera, house, simulated_camera
from bench.keeper import Keeper
from bench.receiver import Receiver, skip_rtp
from bench.ways import Whep

_RUNS, _QUICK_RUNS = 20, 3
_QUICK_IDR_S = 1.0
_PICTURE_S = 15.0
_LINGER_S = 0.2  # so that a camera nobody watches is let go at once, and the next join is cold
_LEAST_STEP_S = 0.5
_SETTLE_S = 1.0


def step_s(interval_s: float, runs: int) -> float:
    """How far apart `runs` joins are, so that they meet every part of the key-frame interval equally often."""
    share = next(n for n in range(1, 1000) if math.gcd(n, runs) == 1 and interval_s * n / runs >= _LEAST_STEP_S)
    return interval_s * share / runs


async def _watchers(client: httpx.AsyncClient, camera: SimulatedCamera) -> int:
    base = "/".join(camera.onvif_url.split("/")[:3])
    return int((await client.get(f"{base}/simulator/state")).json()["streams"]["main"]["watchers"])


async def _until_watchers(client: httpx.AsyncClient, camera: SimulatedCamera, wanted: int) -> None:
    async with asyncio.timeout(_PICTURE_S):
        while await _watchers(client, camera) != wanted:  # noqa: ASYNC110  # it is another process that changes it
            await asyncio.sleep(0.02)


async def _warm(page: Browser, running: House, keeper: Keeper, runs: int) -> tuple[list[Join], float]:
    """Joins while another viewer watches, spread over the key-frame interval; and that interval in seconds."""
    joins = []
    async with httpx.AsyncClient() as client, Receiver(Whep(f"{running.camera}/whep", running.headers)) as viewer:
        await viewer.prepare()
        await viewer.open(client)
        interval_s = await keeper.interval_s(1)  # the service has seen a key frame by then, too
        began_s, step = time.monotonic(), step_s(interval_s, runs)
        for index in range(runs):
            await asyncio.sleep(max(0.0, began_s + index * step - time.monotonic()))
            joins.append(await page.join(running.camera, running.token, _PICTURE_S))
    return joins, interval_s


async def _cold(page: Browser, running: House, camera: SimulatedCamera, interval_s: float, runs: int) -> list[Join]:
    """Joins while the service does not pull the camera, whose encoder runs for somebody else, at any of its phases."""
    joins = []
    async with httpx.AsyncClient(timeout=5) as client:
        for index in range(runs):
            await _until_watchers(client, camera, 1)
            # A join ends at a key frame, or has caused one: from there its successor goes by the whole interval.
            await asyncio.sleep(interval_s * ((index * 7) % runs + 0.5) / runs)
            joins.append(await page.join(running.camera, running.token, _PICTURE_S))
    return joins


def _table(warm: list[Join], cold: list[Join], interval_s: float, no_cache_ms: list[float]) -> str:
    half_ms = interval_s * 1e3 / 2

    def row(name: str, values: list[float], limit_ms: float = math.nan) -> list[str]:
        against = report.ratio(report.percentile(values, 0.5), limit_ms)
        return [name, str(len(values)), *report.spread(values), against]

    return report.table(
        f"join: from WHEP POST to the first decoded picture in Chromium, in ms (key frame every {interval_s:.2f} s)",
        ("", "n", "p50", "p95", "p99", "ratio"),
        [
            row("warm: the camera is pulled already", [j.picture_ms for j in warm], half_ms),
            row("   of it until the answer", [j.answer_ms for j in warm]),
            row("cold: nobody pulls it, its encoder runs", [j.picture_ms for j in cold], half_ms),
            row("   of it until the answer", [j.answer_ms for j in cold]),
            row("limit without a cache: the camera's next key frame, warm runs", no_cache_ms),
            row("before that, from the click to the POST", [j.offer_ms for j in (*warm, *cold)]),
        ],
        (f"ratio: p50 divided by half the key-frame interval ({half_ms:.0f} ms), the mean wait without a cache",),
    )


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    runs = _QUICK_RUNS if quick else _RUNS
    skip_rtp()
    async with contextlib.AsyncExitStack() as stack:
        settings = {"idr_interval_s": _QUICK_IDR_S} if quick else {}
        camera = await stack.enter_async_context(simulated_camera(folder, **settings))
        keeper = await stack.enter_async_context(Keeper(camera.rtsp_login_url))
        running = await stack.enter_async_context(house([camera.item()], folder, linger_s=_LINGER_S))
        page = await stack.enter_async_context(browser(running.url))
        await page.join(running.camera, running.token, _PICTURE_S)  # Chromium's own first time
        warm, interval_s = await _warm(page, running, keeper, runs)
        await asyncio.sleep(_SETTLE_S)
        cold = await _cold(page, running, camera, interval_s, runs)
        keeper.check()
        waits = [keeper.wait_from(each.posted_at_s) for each in warm]
        return _table(warm, cold, interval_s, [1e3 * wait for wait in waits if math.isfinite(wait)])
