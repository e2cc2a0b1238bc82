"""How fast a changed right bites: a hundred people watch and steer, and one change takes it from all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from auth.roles import ROLES, Capability
from bench import relays, report
from bench.cameras import LoopCameras, loop_cameras
from bench.ends import Seen, Trial, judge, streams
from bench.house import House, SimulatedCamera, feed_item, house, simulated_camera
from bench.program import Program
from bench.steer import LightCameras, light_cameras
from bench.town import settle
from bench.ways import Whep

_PEOPLE, _QUICK_PEOPLE = 100, 12
_VIDEO_CAMERAS = 10
_OVER_SOCKET = 5  # every fifth person watches over a WebSocket
_FOLLOW_S = 4.0
_SETTLE_S = 2.0
_LIMIT_S = 1.0
_ASK_S = 120.0
_AREA, _CITY = "31.71", "31"
_CHIEF, _PASSWORD = "chief", "seribu-kamera-satu-kota"
_CHANGED, _ALONE = "official", "siti"


@dataclass(frozen=True, slots=True)
class Use:
    """What some people use: their streams' places among all viewers, their feeds and leases as camera and token."""

    streams: range
    feeds: list[list[str]]
    leases: list[list[str]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody at work: viewers of all streams, people who steer or watch by socket, and the cameras they steer."""

    running: House
    lights: LightCameras
    names: list[str]
    uses: dict[str, Use]  # of the "many" and of the "lone" one
    viewers: Program
    people: dict[str, Program]

    async def _lasts_s(self) -> list[float | None]:
        """When the last packet of each stream came, by the monotonic clock."""
        ahead_s = time.time_ns() / 1e9 - time.monotonic()
        lasts_ns = (await self.viewers.ask(_ASK_S, do="lasts"))["lasts_ns"]
        return [each / 1e9 - ahead_s if each else None for each in lasts_ns]

    async def trial(self, name: str, what: str, change: Callable[[], Awaitable[None]]) -> Trial:
        """Make the change, and see what becomes of the uses of the "many" or the "lone" one."""
        use = self.uses[what]
        await self.lights.take(self.names)
        await asyncio.sleep(_SETTLE_S)
        at_s = time.monotonic()
        await change()
        answered_s = time.monotonic() - at_s
        await asyncio.sleep(max(0.0, at_s + _FOLLOW_S - time.monotonic()))
        end_s, lasts_s = time.monotonic(), await self._lasts_s()
        told = await self.people[what].ask(_ASK_S, do="tell")
        commands = await self.lights.take(self.names)
        seen = Seen(
            at_s, end_s, [lasts_s[place] for place in use.streams], told["feeds"], told["holders"],
            [commands[camera] for camera, _ in use.leases],
        )  # fmt: skip
        trial = judge(name, answered_s, seen, await self._left(use))
        if what == "many":
            others = streams([lasts_s[place] for place in self.uses["lone"].streams], at_s, end_s)
            trial.bystanders = len(self.uses["lone"].streams), others.uncut
        return trial

    async def _left(self, use: Use) -> int:
        """Cameras of these that somebody still holds, as an operator sees it."""
        async with httpx.AsyncClient(headers=self.running.headers, timeout=10) as client:
            answers = [await client.get(f"{self.running.api}/cameras/{name}/control") for name, _ in use.leases]
        return sum(answer.raise_for_status().json()["holder"] is not None for answer in answers)


@asynccontextmanager
async def _scene(
    running: House, lights: LightCameras, names: list[str], tokens: list[str], alone: str, folder: Path
) -> AsyncIterator[Scene]:
    """Everybody begins. The one alone has a stream for each name that is over, a lease there, and one feed."""
    lone = len(names) - len(tokens)
    watching = [(_video(number), token) for number, token in enumerate(tokens)]
    packets = [each for number, each in enumerate(watching) if number % _OVER_SOCKET]
    pieces = [list(each) for number, each in enumerate(watching) if not number % _OVER_SOCKET]
    ways = [_way(running, *each) for each in [*packets, *((_video(number), alone) for number in range(lone))]]
    leases = [[name, token] for name, token in zip(names, [*tokens, *[alone] * lone], strict=True)]
    uses = {
        "many": Use(range(len(packets)), pieces, leases[: len(tokens)]),
        "lone": Use(range(len(packets), len(ways)), [[_video(0), alone]], leases[len(tokens) :]),
    }
    async with AsyncExitStack() as stack:
        viewers = await stack.enter_async_context(relays.viewers(ways, folder, None, stamps=True))
        people = {what: await stack.enter_async_context(await _begun(running, what, folder)) for what in uses}
        await viewers.ask(_ASK_S, do="measure", viewers=len(ways), windows=1, window_s=1.0, settle_s=0.0, pids=[])
        for what, use in uses.items():
            ready = await people[what].ask(_ASK_S, do="begin", holders=use.leases, feeds=use.feeds)
            if (ready["held"], ready["watching"]) != (len(use.leases), len(use.feeds)):
                raise RuntimeError(f"of {len(use.leases)} leases and {len(use.feeds)} feeds there are only {ready}")
        yield Scene(running, lights, names, uses, viewers, people)


async def _begun(running: House, what: str, folder: Path) -> Program:
    (folder / what).mkdir()
    return await Program.module("holders", running.api, folder=folder / what)


def _way(running: House, camera: str, token: str) -> relays.Target:
    way = Whep(f"{running.api}/cameras/{camera}/whep", {"Authorization": f"Bearer {token}"})
    return relays.Target(way, running.media_workers)


def _video(number: int) -> str:
    return f"video-{number % _VIDEO_CAMERAS}"


async def _people(running: House, count: int) -> tuple[list[str], str]:
    """The tokens of the many and of the one alone; there is also somebody who may edit roles."""
    names, until = [f"p{number}" for number in range(count)], datetime.now(UTC) + timedelta(hours=1)
    async with running.people() as (auth, store):
        await asyncio.to_thread(settle, store.sessions, names, _CHANGED, _AREA)
        await asyncio.to_thread(settle, store.sessions, [_ALONE], "operator", _AREA)
        await auth.create_person(_CHIEF, _PASSWORD, role="admin", areas=[_CITY])
        return [await auth.issue_token(name, until, "bench") for name in names], await auth.issue_token(
            _ALONE, until, "bench"
        )


@asynccontextmanager
async def _chief(running: House) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has just signed in and answers for the city."""
    async with httpx.AsyncClient(base_url=running.api, timeout=30) as client:
        signed = await client.post("/auth/login", json={"username": _CHIEF, "password": _PASSWORD})
        client.headers["Authorization"] = f"Bearer {signed.raise_for_status().json()['token']}"
        client.cookies.clear()
        yield client


async def _play(running: House, lights: LightCameras, names: list[str], folder: Path, count: int) -> list[Trial]:
    tokens, alone = await _people(running, count)
    role = ROLES[_CHANGED]
    left = sorted(role.capabilities - {Capability.LIVE, Capability.CONTROL})
    body = {"capabilities": left, "priority": role.priority, "only_own": role.only_own, "viewing": int(role.viewing)}
    async with (
        _chief(running) as chief,
        running.people() as (auth, _),
        _scene(running, lights, names, tokens, alone, folder) as scene,
    ):

        async def edit_role() -> None:
            (await chief.put(f"/roles/{_CHANGED}", json=body)).raise_for_status()

        async def close_account() -> None:
            await auth.disable_person(_ALONE)

        return [
            await scene.trial(f"a role edited, {count} people have it", "many", edit_role),
            await scene.trial("one account closed by `camctl user disable`", "lone", close_account),
        ]


def _items(videos: LoopCameras, lights: LightCameras, names: list[str], original: SimulatedCamera) -> list[Any]:
    watched = [feed_item(videos.url(f"sub-{number}"), _video(number)) for number in range(_VIDEO_CAMERAS)]
    return [*watched, *lights.items(names, original)]


async def trials(folder: Path, count: int) -> list[Trial]:
    """Both changes, for so many people and a tenth as many uses of one person alone."""
    names = [f"steered-{number}" for number in range(count + max(2, count // 10))]
    async with (
        loop_cameras(folder, None) as videos,
        simulated_camera(folder) as original,
        light_cameras(original.onvif_url, len(names), folder) as lights,
        house(_items(videos, lights, names, original), folder) as running,
    ):
        return await _play(running, lights, names, folder, count)


def table(trial: Trial) -> str:
    """What is printed of a change."""
    rows = []
    for name, ends in trial.ends.items():
        cells = (report.number(report.percentile(ends.took_s, share), 3) for share in (0.5, 0.95, 1.0))
        rows.append([name, str(len(ends.took_s)), *cells, f"{_LIMIT_S:g}", str(ends.uncut), str(ends.idle)])
    notes = [
        f"from the sending of the change, which was answered after {report.number(trial.answered_s, 3)} s",
        "not cut: went on until the end, 4 s later; idle: did not run when the change came, and proves nothing",
        f"moves that reached a camera after its Stop, all fingers still down: {trial.turned_again}",
        f"leases that were not over afterwards: {trial.left}",
    ]
    if trial.bystanders:
        notes.append("streams of somebody else that went on: {1} of {0}".format(*trial.bystanders))
    head = ("seconds", "n", "p50", "p95", "max", "limit", "not cut", "idle")
    return report.table(f"cuts: {trial.name}", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the tables."""
    return "".join([table(each) for each in await trials(folder, _QUICK_PEOPLE if quick else _PEOPLE)])
