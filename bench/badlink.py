"""A phone on a bad link: first picture, how far behind live, freezes with and without RTX, changes of quality.

Chromium runs behind a link box (tests/support/link_box.py); it has no segmentation offload, so packets are lost singly.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench import report
from bench.browser import Browser, Join, JoinError, Seen, browser
from bench.frames import FREEZE_MS, Frame, behind_ms, first_of_height, frozen_share
from bench.house import house, simulated_camera
from bench.links import box
from bench.receiver import Receiver, skip_rtp
from bench.relays import target_of
from bench.ways import Whep
from tests.support.link_box import LinkBox

_BAD, _LOSSY, _GOOD, _NARROW = "bad", "lossy", "lte", "narrow"  # of tests/support/link_box_model.py
_MAIN, _SUB = 720, 360  # heights of the simulator's two streams
_PICTURE_S = 20.0
_BEHIND_AFTER_MS = 3000.0
_POLL_S = 0.25
_LIMITS = {"first": 1000.0, "behind": 400.0, "frozen": 2.0, "sub": 4.0, "main": 15.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done."""

    joins: int = 20
    smooth_s: float = 40.0
    cuts: int = 3
    sub_within_s: float = 12.0
    main_within_s: float = 30.0


_FULL = Plan()
_QUICK = Plan(joins=2, smooth_s=6.0, cuts=1, sub_within_s=6.0, main_within_s=6.0)


@dataclass(slots=True)
class Cut:
    """A link that became narrow and healed: seconds until the other quality was on the screen; NaN: never."""

    sub_s: float = math.nan
    main_s: float = math.nan
    note: str = ""


@dataclass(slots=True)
class Found:
    """All that was seen."""

    joins: list[Join] = field(default_factory=list)
    behind_ms: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    smooth: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)


class Phone:
    """The page, its link, and the pictures that it has shown since it began to watch."""

    def __init__(self, page: Browser, link: LinkBox, way: Whep) -> None:
        self._page = page
        self._link = link
        self._way = way
        self.frames: list[Frame] = []

    async def use(self, profile: str, seed: int = 1) -> float:
        """Another link from now on; when that was, in ms since 1970."""
        await asyncio.to_thread(self._link.use, profile, seed)
        return time.time() * 1e3

    async def watch(self, *, rtx: bool = True) -> Join:
        """Begin; raises JoinError when no picture comes."""
        self.frames = []
        return await self._page.watch(self._way, _PICTURE_S, rtx=rtx, holds=True)

    async def take(self) -> Seen:
        """What was shown since the last time; `frames` grows by it."""
        seen = await self._page.take()
        self.frames += seen.frames
        return seen

    async def leave(self) -> None:
        """Stop watching."""
        await self._page.leave()

    async def until_height(self, height: int, since_ms: float, within_s: float) -> float:
        """Seconds from a moment until a picture of this height is shown; NaN when none is in time."""
        deadline = since_ms / 1e3 + within_s
        while math.isnan(first_of_height(self.frames, height, since_ms)) and time.time() < deadline:
            await asyncio.sleep(_POLL_S)
            await self.take()
        return first_of_height(self.frames, height, since_ms) / 1e3


async def _joins(phone: Phone, found: Found, count: int) -> None:
    """First pictures on the bad link, and how far behind live they are some seconds later."""
    for number in range(count):
        await phone.use(_BAD, number + 1)
        try:
            found.joins.append(await phone.watch())
        except JoinError as error:
            found.failed.append(str(error))
            continue
        await asyncio.sleep(_BEHIND_AFTER_MS / 1e3 + 0.5)
        await phone.take()
        found.behind_ms.append(behind_ms(phone.frames, phone.frames[0].shown_ms + _BEHIND_AFTER_MS))
        await phone.leave()


async def _smooth(phone: Phone, seconds: float, *, rtx: bool) -> tuple[float, dict[str, Any]]:
    """The share of time in freezes on the lossy link, in percent, and Chromium's own counts."""
    await phone.use("clean")
    await phone.watch(rtx=rtx)
    await asyncio.sleep(2.0)
    from_ms = await phone.use(_LOSSY)
    await asyncio.sleep(seconds)
    stats = (await phone.take()).stats
    share = frozen_share(phone.frames, from_ms, from_ms + seconds * 1e3)
    await phone.leave()
    return 100 * share, stats


async def _cut(phone: Phone, plan: Plan, seed: int) -> Cut:
    """A good link becomes narrow, and good again."""
    began_ms = await phone.use(_GOOD, seed)
    await phone.watch()
    try:
        if math.isnan(await phone.until_height(_MAIN, began_ms, plan.main_within_s)):
            return Cut(note="the main stream never came")
        await asyncio.sleep(3.0)
        cut_ms = await phone.use(_NARROW, seed)
        sub_s = await phone.until_height(_SUB, cut_ms, plan.sub_within_s)
        await asyncio.sleep(3.0)
        healed_ms = await phone.use(_GOOD, seed)
        if math.isnan(sub_s):
            return Cut(note=f"no sub stream within {plan.sub_within_s:g} s")
        return Cut(sub_s, await phone.until_height(_MAIN, healed_ms, plan.main_within_s))
    finally:
        await phone.leave()


def _part(name: str, values: list[float], limit: float, digits: int = 0) -> list[str]:
    known = [each for each in values if not math.isnan(each)]
    cells = [report.number(report.percentile(known, share), digits) for share in (0.5, 0.95, 1.0)]
    against = report.ratio(report.percentile(known, 0.95), limit) if len(known) == len(values) else "-"
    return [name, f"{len(known)}/{len(values)}", *cells, f"{limit:g}", against]


def table(found: Found) -> str:
    """What `make bench` prints."""
    frozen = [(f"frozen, {name}, in % of the time", share) for name, (share, _) in found.smooth.items()]
    rows = [
        _part("first picture: from the POST, in ms", [each.picture_ms for each in found.joins], _LIMITS["first"]),
        _part("behind live 3 s after it, in ms", found.behind_ms, _LIMITS["behind"]),
        *(_part(name, [share], _LIMITS["frozen"], 2) for name, share in frozen),
        _part("on sub after the cut to 700 kb/s, in s", [each.sub_s for each in found.cuts], _LIMITS["sub"], 1),
        _part("back on main after healing, in s", [each.main_s for each in found.cuts], _LIMITS["main"], 1),
    ]  # fmt: skip
    notes = [
        "n: of those tried; ratio: p95 divided by the limit",
        "first picture, behind: 3 Mb/s, 80 ms round trip, 1 % lost each way; the camera is pulled already",
        "frozen: 3 % lost each way, 60 ms round trip, 20 ms jitter",
        f"frozen: gaps of more than {FREEZE_MS:g} ms between shown pictures, which count whole",
    ]
    counts = (
        "freezeCount",
        "totalFreezesDuration",
        "nackCount",
        "retransmittedPacketsReceived",
        "packetsLost",
        "holds",
    )
    for name, (_, stats) in found.smooth.items():
        notes.append(f"{name}, by Chromium: {', '.join(f'{count} {stats.get(count, 0)}' for count in counts)}")
    notes += [f"no picture: {each.splitlines()[0]}" for each in found.failed]
    notes += [f"cut {number}: {each.note}" for number, each in enumerate(found.cuts, 1) if each.note]
    head = ("", "n", "p50", "p95", "max", "limit", "ratio")
    return report.table("badlink: Chromium behind a bad link (camera: 2 Mb/s and 400 kb/s)", head, rows, notes)


async def _measure(phone: Phone, plan: Plan) -> Found:
    found = Found()
    await phone.use("clean")
    await phone.watch()  # Chromium's own first time
    await phone.leave()
    await _joins(phone, found, plan.joins)
    for name, rtx in (("RTX on", True), ("RTX off", False)):
        found.smooth[name] = await _smooth(phone, plan.smooth_s, rtx=rtx)
    found.cuts = [await _cut(phone, plan, seed + 1) for seed in range(plan.cuts)]
    return found


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    skip_rtp()
    with box() as link:
        async with (
            simulated_camera(folder) as camera,
            house([camera.item()], folder, host="0.0.0.0", udp_host=link.host, advertise=[link.host]) as running,
            browser(running.url.replace("127.0.0.1", link.host), link.command()) as page,
            httpx.AsyncClient() as client,
            Receiver(target_of(running).way) as other,  # keeps the camera pulled
        ):
            await other.prepare()
            await other.open(client)
            url = f"{running.camera.replace('127.0.0.1', link.host)}/whep"
            way = Whep(url, running.headers)
            return table(await _measure(Phone(page, link, way), _QUICK if quick else _FULL))
