"""From the camera's glass to the screen: the simulator's clock in the picture against Chromium's; Janus beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench import report
from bench.browser import Browser, browser
from bench.frames import ages_ms
from bench.house import house, simulated_camera
from bench.janus import janus
from bench.relays import target_of
from bench.ways import Janus, Whep

_WATCH_S, _QUICK_WATCH_S = 30.0, 4.0
_SETTLE_S = 3.0  # the picture catches up with live
_PICTURE_S = 15.0
_LIMIT_MS = 150.0


async def _watch(page: Browser, way: Whep | Janus, seconds: float) -> tuple[list[float], int]:
    """Ages of the pictures, in ms, and how many could not be read."""
    await page.watch(way, _PICTURE_S)
    await asyncio.sleep(_SETTLE_S)
    await page.take()
    await asyncio.sleep(seconds)
    frames = (await page.take()).frames
    await page.leave()
    ages = ages_ms(frames)
    return ages, len(frames) - len(ages)


def table(ours: tuple[list[float], int], theirs: tuple[list[float], int]) -> str:
    """What `make bench` prints."""
    rows = []
    peer_ms = report.percentile(theirs[0], 0.5)
    for name, (ages, unread), limit in (("camctl", ours, f"{_LIMIT_MS:g}"), ("Janus, as shipped", theirs, "-")):
        against = report.ratio(report.percentile(ages, 0.5), peer_ms) if ages is ours[0] else "-"
        rows.append([name, str(len(ages)), *report.spread(ages, 0), limit, against, str(unread)])
    head = ("in ms", "pictures", "p50", "p95", "p99", "limit p50", "ratio", "unread")
    notes = (
        "from the simulator's drawing of a picture, by the clock strip in it, until Chromium expects it on the screen",
        "(expectedDisplayTime); encoding, decoding in software and the relay share the machine's cores",
    )
    return report.table("glass: camera to screen over a good link (1280x720, 2 Mb/s)", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    seconds = _QUICK_WATCH_S if quick else _WATCH_S
    async with (
        simulated_camera(folder) as camera,
        house([camera.item()], folder) as running,
        browser(running.url) as page,
    ):
        ours = await _watch(page, target_of(running).way, seconds)
        async with janus(camera.rtsp_login_url, folder) as (url, _):
            return table(ours, await _watch(page, Janus(url), seconds))
