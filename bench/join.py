"""How long a viewer waits: WHEP POST to the first decoded picture in Chromium; beside Janus and the next key frame."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import report
from bench.browser import Browser, Join, browser
from bench.house import House, SimulatedCamera, feed_item, house, simulated_camera
from bench.janus import janus
from bench.keeper import Keeper
from bench.receiver import Receiver, skip_rtp
from bench.relays import target_of
from bench.ways import Janus, Whep

_RUNS, _QUICK_RUNS = 20, 3
_QUICK_IDR_S = 1.0
_PICTURE_S = 15.0
_LINGER_S = 0.2  # so that a camera nobody watches is let go at once, and the next join is cold
_LEAST_STEP_S = 0.5
_SETTLE_S = 1.0
_FEED = "feed"  # the same camera by its RTSP address alone: nobody can ask it for a key frame
_LIMIT_WARM_MS, _LIMIT_COLD_MS = 100.0, 700.0


@dataclass(slots=True)
class Joins:
    """All that was seen; `interval_s` is the camera's time between key frames."""

    interval_s: float
    warm: list[Join] = field(default_factory=list)
    cold: list[Join] = field(default_factory=list)
    cold_unasked: list[Join] = field(default_factory=list)
    janus: list[Join] = field(default_factory=list)
    next_key_ms: list[float] = field(default_factory=list)


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


async def _spread(page: Browser, way: Whep | Janus, interval_s: float, runs: int) -> list[Join]:
    """Joins at a camera that is pulled already, spread over the key-frame interval."""
    joins = []
    began_s, step = time.monotonic(), step_s(interval_s, runs)
    for index in range(runs):
        await asyncio.sleep(max(0.0, began_s + index * step - time.monotonic()))
        joins.append(await page.join(way, _PICTURE_S))
    return joins


async def _warm(page: Browser, way: Whep, keeper: Keeper, runs: int) -> Joins:
    """Joins while another viewer watches."""
    async with httpx.AsyncClient() as client, Receiver(way) as viewer:
        await viewer.prepare()
        await viewer.open(client)
        interval_s = await keeper.interval_s(1)  # the service has seen a key frame by then, too
        return Joins(interval_s, await _spread(page, way, interval_s, runs))


async def _cold(page: Browser, way: Whep, camera: SimulatedCamera, interval_s: float, runs: int) -> list[Join]:
    """Joins while the service does not pull the camera, whose encoder runs for somebody else, at any of its phases."""
    joins = []
    async with httpx.AsyncClient(timeout=5) as client:
        for index in range(runs):
            await _until_watchers(client, camera, 1)
            # A join ends at a key frame, or has caused one: from there its successor goes by the whole interval.
            await asyncio.sleep(interval_s * ((index * 7) % runs + 0.5) / runs)
            joins.append(await page.join(way, _PICTURE_S))
    return joins


async def _peer(page: Browser, camera: SimulatedCamera, folder: Path, interval_s: float, runs: int) -> list[Join]:
    """Joins at Janus, which pulls all the time and begins a viewer at the camera's next key frame."""
    async with janus(camera.rtsp_login_url, folder) as (url, _):
        await asyncio.sleep(interval_s)
        return await _spread(page, Janus(url), interval_s, runs)


def table(seen: Joins) -> str:
    """What `make bench` prints."""
    half_ms = seen.interval_s * 1e3 / 2
    peer_ms = report.percentile([each.picture_ms for each in seen.janus], 0.5)

    def row(name: str, joins: list[Join], limit_ms: float = math.nan) -> list[str]:
        values = [each.picture_ms for each in joins]
        p50_ms = report.percentile(values, 0.5)
        ratios = [report.ratio(p50_ms, against) for against in (peer_ms, half_ms)]
        return [name, str(len(values)), *report.spread(values), report.number(limit_ms, 0), *ratios]

    def part(name: str, values: list[float]) -> list[str]:
        return [name, str(len(values)), *report.spread(values), "-", "-", "-"]

    ours = (*seen.warm, *seen.cold, *seen.cold_unasked)
    rows = [
        row("warm: the camera is pulled already", seen.warm, _LIMIT_WARM_MS),
        part("   of it until the answer", [each.answer_ms for each in seen.warm]),
        row("cold: nobody pulls it, its encoder runs", seen.cold, _LIMIT_COLD_MS),
        part("   of it until the answer", [each.answer_ms for each in seen.cold]),
        row("cold, camera cannot be asked for a key frame", seen.cold_unasked),
        row("peer: Janus, which pulls all the time", seen.janus),
        part("the camera's next key frame after the POST, warm runs", seen.next_key_ms),
        part("before that, from the click to the POST", [each.offer_ms for each in ours]),
    ]
    return report.table(
        f"join: from the POST to the first picture in Chromium, in ms (key frame every {seen.interval_s:.2f} s)",
        ("", "n", "p50", "p95", "p99", "limit p95", "to Janus", "to half interval"),
        rows,
        (
            "to Janus: p50 divided by Janus' p50; Janus: from its watch request, the session having been made before",
            f"to half interval: p50 divided by {half_ms:.0f} ms, the mean wait without a cache",
        ),
    )


async def _measure(
    page: Browser, running: House, camera: SimulatedCamera, keeper: Keeper, folder: Path, runs: int
) -> Joins:
    way = target_of(running).way
    assert isinstance(way, Whep)
    await page.join(way, _PICTURE_S)  # Chromium's own first time
    seen = await _warm(page, way, keeper, runs)
    await asyncio.sleep(_SETTLE_S)
    seen.cold = await _cold(page, way, camera, seen.interval_s, runs)
    feed = Whep(f"{running.api}/cameras/{_FEED}/whep", running.headers)
    seen.cold_unasked = await _cold(page, feed, camera, seen.interval_s, runs)
    keeper.check()
    waits_s = [keeper.wait_from(each.posted_at_s) for each in seen.warm]
    seen.next_key_ms = [1e3 * wait for wait in waits_s if math.isfinite(wait)]
    seen.janus = await _peer(page, camera, folder, seen.interval_s, runs)
    return seen


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    skip_rtp()
    async with contextlib.AsyncExitStack() as stack:
        settings = {"idr_interval_s": _QUICK_IDR_S} if quick else {}
        camera = await stack.enter_async_context(simulated_camera(folder, **settings))
        keeper = await stack.enter_async_context(Keeper(camera.rtsp_login_url))
        items = [camera.item(), feed_item(camera.rtsp_login_url, _FEED)]
        running = await stack.enter_async_context(house(items, folder, linger_s=_LINGER_S))
        page = await stack.enter_async_context(browser(running.url))
        return table(await _measure(page, running, camera, keeper, folder, _QUICK_RUNS if quick else _RUNS))
