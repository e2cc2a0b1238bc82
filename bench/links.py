"""How often a finger that is held down is let go by the link: false stops over a mobile link, datagrams beside TCP."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench import report
from bench.house import House, SimulatedCamera, house, simulated_camera
from bench.program import Program, ProgramError
from tests.support.link_box import LinkBox, link_box, why_no_link_box
from tests.support.verdict import Event, ages, interruptions

_HOLD_S, _QUICK_HOLD_S = 600.0, 60.0
_SLICE_S = 60.0  # the simulator's log holds two thousand events
_AFTER_S = 2.0
_ASK_S = 60.0
_CUTS, _QUICK_CUTS = 10, 2
_OUTAGE_S = 1.5
_STEP = 0.001  # of pan, from move to move: what a velocity on the wire can tell apart
_STALE_S = 0.3
_SILENCE = re.compile(r'^camctl_stops_total\{.*reason="silence".*\} ([0-9.e+]+)$', re.MULTILINE)
_SUB = {"width": 640, "height": 360, "fps": 15, "bitrate_kbps": 400}


@dataclass(frozen=True, slots=True)
class Held:
    """A finger held for a while: what stopped the camera meanwhile, and what the link did."""

    lane: str
    held_s: float
    stops: int
    by_metrics: int
    moves: int
    at_motors: int
    life_ms: float
    link: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cut:
    """Outages under a held finger: how old the moves were that reached the motors just after, in s."""

    lane: str
    holds: bool
    ages_s: list[float]
    resumed: int
    cuts: int


class Steered:
    """A phone behind the link, the camera it steers, and what that camera's motors say."""

    def __init__(self, phone: Program, camera: SimulatedCamera, running: House, link: LinkBox) -> None:
        self._phone = phone
        self._camera = camera
        self._running = running
        self.link = link

    async def ask(self, do: str, **order: object) -> dict[str, Any]:
        """One order to the phone (tests/support/phones.py)."""
        answer = await self._phone.ask(_ASK_S, do=do, names=["phone"], **order)
        if "error" in answer:
            raise ProgramError(f"the phone could not {do}: {answer['error']}")
        return answer

    async def open(self, lane: str) -> None:
        """A new connection over a clean link."""
        await self.use("clean")
        await self.ask("open", phones={"phone": {"camera": "cam", "lane": lane}})

    async def use(self, profile: str, seed: int = 1) -> None:
        """Another link."""
        await asyncio.to_thread(self.link.use, profile, seed)

    async def log(self, since_s: float) -> list[Event]:
        """What the motors did since then."""
        async with httpx.AsyncClient(timeout=5) as client:
            base = "{0.scheme}://{0.netloc}".format(urlsplit(self._camera.onvif_url))
            answer = await client.get(f"{base}/simulator/motor-log", params={"since": since_s})
            return [Event.from_json(each) for each in answer.raise_for_status().json()["events"]]

    async def silences(self) -> int:
        """Stops by silence that the service counts."""
        async with httpx.AsyncClient(headers=self._running.headers, timeout=5) as client:
            answer = await client.get(f"{self._running.url}/metrics")
            return int(sum(float(found) for found in _SILENCE.findall(answer.raise_for_status().text)))


async def _hold(steered: Steered, lane: str, seconds: float) -> Held:
    await steered.open(lane)
    await steered.use("mobile")
    counted = await steered.silences()
    began_s = (await steered.ask("hold", pan=0.05, sweep_s=5.0))["at_s"]
    await asyncio.sleep(_AFTER_S)  # the first moves are on their way
    stops, moves, since_s, left_s = 0, 0, began_s + _AFTER_S, seconds
    while left_s > 0:
        await asyncio.sleep(min(_SLICE_S, left_s))
        left_s -= _SLICE_S
        events = await steered.log(since_s)
        stops += len(interruptions(events, since_s, float("inf")))
        moves += sum(event.is_motion for event in events)
        since_s = max([since_s, *(event.at_s for event in events)])
    by_metrics = await steered.silences() - counted
    lifted_s = (await steered.ask("lift"))["at_s"]["phone"]
    await asyncio.sleep(_AFTER_S)
    if not any(event.is_halt for event in await steered.log(lifted_s)):
        raise ProgramError("the camera was not stopped when the finger was lifted")
    seen = (await steered.ask("report"))["phone"]
    stats = await asyncio.to_thread(steered.link.stats)
    return Held(lane, lifted_s - began_s, stops, by_metrics, seen["sent"], moves, seen["life_ms"] or 0.0, stats)


async def _cut(steered: Steered, lane: str, cuts: int, *, holds: bool) -> Cut:
    found, resumed = [], 0
    for index in range(cuts):
        await steered.open(lane)
        await steered.use("mobile", seed=index + 1)
        began_s = (await steered.ask("hold", pan=0.05, step=_STEP))["at_s"]
        await asyncio.sleep(3.0)
        await asyncio.to_thread(steered.link.cut, _OUTAGE_S, holds=holds)
        cut_s = began_s + 3.0
        await asyncio.sleep(_OUTAGE_S + 3.0)
        await steered.ask("lift")
        await asyncio.sleep(1.0)
        sent = (await steered.ask("report"))["phone"]["sent_at"]
        late = [age_s for at_s, age_s in ages(await steered.log(began_s), sent, _STEP / 3) if at_s >= cut_s + _OUTAGE_S]
        resumed += bool(late)
        found += late
    return Cut(lane, holds, found, resumed, cuts)


def _table(held: list[Held], cuts: list[Cut]) -> str:
    rows = [
        [
            f"finger held over {each.lane}", report.number(each.held_s, 0), str(each.stops),
            report.number(each.stops * 600 / each.held_s), str(each.by_metrics), str(each.moves), str(each.at_motors),
            report.number(each.life_ms, 0),
        ]
        for each in held
    ]  # fmt: skip
    columns = ("s", "false stops", "in 10 min", "by /metrics", "sent", "at motors", "life ms")
    notes = ["false stops: in the motors' log while the finger was down; goal: at most 1 in 10 minutes over datagrams"]
    notes += [f"{each.lane}: {each.link}" for each in held]
    title = "links: a finger held over a mobile link"
    return report.table(title, ("mobile: 300 +/- 60 ms, 2 % lost", *columns), rows, notes) + _cut_table(cuts)


def _cut_table(cuts: list[Cut]) -> str:
    rows = []
    for each in cuts:
        oldest_ms = 1e3 * max(each.ages_s, default=float("nan"))
        half_ms = 1e3 * report.percentile(each.ages_s, 0.5)
        name = f"{each.lane}, the outage {'keeps' if each.holds else 'loses'} packets"
        ages_ms = (report.number(half_ms, 0), report.number(oldest_ms, 0))
        rows.append([name, f"{each.resumed}/{each.cuts}", str(len(each.ages_s)), *ages_ms])
    head = ("after an outage of 1.5 s", "resumed", "moves at motors", "age p50 ms", "oldest ms")
    limit_ms = 1e3 * _STALE_S
    notes = [f"age: from the phone's sending to the motors; a move {limit_ms:.0f} ms later than the fastest is dropped"]
    return report.table("links: what reaches the motors after an outage", head, rows, notes)


@contextlib.contextmanager
def box() -> Iterator[LinkBox]:
    """A link box; raises ProgramError where this machine allows none."""
    reason = why_no_link_box()
    if reason is not None:
        raise ProgramError(reason)
    with link_box() as link:
        yield link


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the tables."""
    with box() as link:
        async with (
            simulated_camera(folder, sub=_SUB) as camera,
            house([camera.item()], folder, host="0.0.0.0", udp_host=link.host, advertise=[link.host]) as running,
        ):
            api = running.api.replace("127.0.0.1", link.host)
            argv = link.command(sys.executable, "-m", "tests.support.phones", api, running.token)
            async with await Program.start("phones", argv, folder) as phone:
                steered = Steered(phone, camera, running, link)
                seconds, cuts = (_QUICK_HOLD_S, _QUICK_CUTS) if quick else (_HOLD_S, _CUTS)
                held = [await _hold(steered, lane, seconds) for lane in ("datagrams", "socket")]
                kinds = (("datagrams", False), ("datagrams", True), ("socket", False))
                return _table(held, [await _cut(steered, lane, cuts, holds=holds) for lane, holds in kinds])
