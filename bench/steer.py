"""What a command costs when the city is awake: 200 a second over 200 cameras while 50 viewers watch; zeep beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import relays, report
from bench.cameras import foreign_camera
from bench.house import House, SimulatedCamera, feed_item, house, simulated_camera
from bench.match import Said, Shares, match
from bench.program import Program
from bench.usage import below, cpu_ns

CAMERAS, VIEWERS = 200, 50
_SECONDS, _QUICK_SECONDS = 60.0, 10.0
_SETTLE_S = 2.0
_ASK_S = 60.0
_PEER_PAUSE_S = 0.2

# 200 commands a second each: 20 fingers at a time drag for 1.9 s and let go; or 200 fingers tap every 2 s.
PATTERNS = {"drags": {"moves": 19, "every_s": 20.0}, "taps": {"moves": 1, "every_s": 2.0}}


@dataclass(frozen=True, slots=True)
class LightCameras:
    """The process that plays many cameras, and where they are; the first is the zeep peer's own."""

    program: Program
    port: int
    path: str
    addresses: list[str]

    def items(self, names: list[str], account: SimulatedCamera) -> list[dict[str, Any]]:
        """They in the service's configuration."""
        return [
            account.item(f"http://{host}:{self.port}{self.path}") | {"id": name, "name": name}
            for name, host in zip(names, self.addresses, strict=True)
        ]

    async def take(self, names: list[str]) -> dict[str, list[Said]]:
        """What arrived since the last time, by the cameras' names."""
        arrived: dict[str, list[Said]] = {name: [] for name in names}
        for index, kind, at_s in (await self.program.ask(_ASK_S, take=True))["commands"]:
            arrived[names[index]].append((kind, at_s))
        return arrived


@asynccontextmanager
async def light_cameras(onvif_url: str, count: int, folder: Path) -> AsyncIterator[LightCameras]:
    """`count` cameras that answer as the one at `onvif_url` does."""
    async with await Program.module("light", onvif_url, str(count), folder=folder) as program:
        found = json.loads(await program.line(_ASK_S))
        yield LightCameras(program, found["port"], found["path"], found["cameras"])


@dataclass(frozen=True, slots=True)
class Run:
    """One pattern of commands: what they took, and what the processes used."""

    name: str
    per_s: float
    shares: Shares
    server_ms: list[float]
    refused: dict[str, int]
    peer_s: list[float]
    peer_whole_s: list[float]
    cores: dict[str, float]


async def _peer_calls(peer: Program, seconds: float) -> list[tuple[float, float]]:
    moves = int(seconds / _PEER_PAUSE_S)
    return list((await peer.ask(_ASK_S + seconds, moves=moves, speed=0.2, pause_s=_PEER_PAUSE_S))["calls"])


async def _pattern(
    name: str, names: list[str], parts: dict[str, Program], cameras: LightCameras, running: House, seconds: float
) -> Run:
    processes = {
        "control": below(running.pid, "camctl.control"),
        "API": [running.pid],
        "media": running.media_workers(),
        "cameras": [cameras.program.pid],
        "phones": [parts["fingers"].pid],
    }
    await cameras.take(names)
    before = {each: cpu_ns(pids) for each, pids in processes.items()}
    question = {"cameras": names[1:], "settle_s": _SETTLE_S, "seconds": seconds + _SETTLE_S, **PATTERNS[name]}
    played, calls = await asyncio.gather(
        parts["fingers"].ask(_ASK_S + seconds, **question), _peer_calls(parts["peer_zeep"], seconds)
    )
    used = {each: (cpu_ns(pids) - before[each]) / 1e9 / (seconds + _SETTLE_S) for each, pids in processes.items()}
    arrived = await cameras.take(names)
    peer = match({names[0]: [("move", called_s) for called_s, _ in calls]}, arrived)
    shares = match(played["sent"], arrived)
    count = sum(map(len, played["sent"].values()))
    whole_s = [returned_s - called_s for called_s, returned_s in calls]
    return Run(
        name, count / seconds, shares, played["server_ms"], played["refused"], peer.took_s["move"], whole_s, used
    )


async def _watched(viewers: Program, seconds: float) -> dict[str, Any]:
    question = {
        "do": "measure",
        "viewers": VIEWERS,
        "windows": int(seconds),
        "window_s": 1.0,
        "settle_s": 0.0,
        "pids": [],
    }
    return await viewers.ask(_ASK_S + 2 * seconds, **question)


async def _measure(running: House, cameras: LightCameras, names: list[str], folder: Path, seconds: float) -> str:
    account = SimulatedCamera("", "")
    peer_at = (cameras.addresses[0], str(cameras.port), account.username, account.password)
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        parts = {
            "fingers": await start(await Program.module("fingers", running.api, running.token, folder=folder)),
            "peer_zeep": await start(await Program.module("peer_zeep", *peer_at, folder=folder)),
        }
        await parts["peer_zeep"].line(_ASK_S)
        watched = relays.target_of(running)
        viewers = await start(relays.viewers([watched], folder, None))
        await _watched(viewers, 1.0)  # all of them have joined
        await _pattern("taps", names, parts, cameras, running, 2.0)  # every connection is open
        watching = asyncio.create_task(_watched(viewers, len(PATTERNS) * (seconds + _SETTLE_S)))
        runs = [await _pattern(name, names, parts, cameras, running, seconds) for name in PATTERNS]
        return _table(runs, (await watching)["windows"])


def _table(runs: list[Run], windows: list[dict[str, float]]) -> str:
    def row(name: str, values: list[float], missing: int, peer: list[float] | None = None) -> list[str]:
        cells = report.spread([value * 1e3 for value in values], 2)
        against = report.ratio(report.percentile(values, 0.5), report.percentile(peer or [], 0.5))
        return [name, str(len(values)), *cells, str(missing), against]

    rows, notes = [], []
    for run in runs:
        missing, its, every = run.shares.missing, run.shares.took_s, sum(run.shares.missing.values())
        rows += [
            row(f"{run.name}: message sent -> whole request at the camera", run.shares.all_s, every, run.peer_s),
            row("  of them moves", its["move"], missing["move"], run.peer_s),
            row("  of them Stops", its["stop"], missing["stop"], run.peer_s),
            row("  the service's own word (server_ms of the answer)", [each / 1e3 for each in run.server_ms], 0),
            row("  peer meanwhile, bare onvif-zeep: call -> whole request", run.peer_s, 0),
            row("  peer meanwhile: call -> returned", run.peer_whole_s, 0),
        ]  # fmt: skip
        cores = ", ".join(f"{name} {100 * share:.0f} %" for name, share in run.cores.items())
        notes.append(f"{run.name}: {run.per_s:.0f} commands a second; of a core: {cores}")
        if run.refused:
            notes.append(f"{run.name}: refused {run.refused}")
    packets = sum(window["packets"] for window in windows) / sum(window["wall_s"] for window in windows)
    lost = sum(window["lost"] for window in windows)
    notes += [
        f"{VIEWERS} viewers meanwhile: {packets:.0f} packets a second, {lost:.0f} lost",
        "cameras: one process that gives the recorded answers of a simulated one (bench/light.py)",
        "missing: messages that caused no request of their own; goal: p50 <= 2 ms, p99 <= 8 ms",
        "ratio: p50 divided by that of the peer's call -> whole request, meanwhile on the same machine",
    ]
    head = ("in ms", "n", "p50", "p95", "p99", "missing", "ratio")
    return report.table(f"steer: commands over {CAMERAS} cameras while {VIEWERS} viewers stream", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    names = [f"steered-{index}" for index in range(CAMERAS + 1)]
    async with (
        foreign_camera(folder) as rtsp_url,
        simulated_camera(folder) as original,
        light_cameras(original.onvif_url, len(names), folder) as cameras,
        house([feed_item(rtsp_url), *cameras.items(names, original)], folder) as running,
    ):
        return await _measure(running, cameras, names, folder, _QUICK_SECONDS if quick else _SECONDS)
