"""Whether cameras that are gone slow down those that are there: Stops to 50 while 500 others' packets vanish."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.house import House, SimulatedCamera, house, simulated_camera
from bench.match import Shares, match
from bench.program import Program
from bench.steer import LightCameras, light_cameras
from bench.usage import below, cpu_ns
from bench.void import NETWORK, Void, void

STEERED, DARK = 50, 500
_SECONDS, _QUICK_SECONDS = 60.0, 8.0
_SETTLE_S = 2.0
_ASK_S = 60.0
_PRESS = {"moves": 4, "every_s": 2.0}  # 25 Stops a second


@dataclass(frozen=True, slots=True)
class Run:
    """One house: what moves and Stops took, and what else went on."""

    name: str
    shares: Shares
    refused: dict[str, int]
    asked_per_s: float
    dark_asked: int
    cores: float


def _dark_items(account: SimulatedCamera) -> list[dict[str, Any]]:
    return [
        account.item(f"http://{Void.address(index)}/onvif/device_service") | {"id": f"dark-{index}", "name": "Dark"}
        for index in range(DARK)
    ]


async def _steer(
    name: str, running: House, cameras: LightCameras, names: list[str], seen: Void, folder: Path, seconds: float
) -> Run:
    async with await Program.module("fingers", running.api, running.token, folder=folder) as fingers:
        question = {"cameras": names, "settle_s": _SETTLE_S, **_PRESS}
        await fingers.ask(_ASK_S, **question, seconds=3.0)  # every connection is open
        await cameras.take(names)
        seen.asked.clear()
        pids = [running.pid, *below(running.pid, "camctl.control")]
        before = cpu_ns(pids)
        played = await fingers.ask(_ASK_S + seconds, **question, seconds=seconds + _SETTLE_S)
        whole_s = seconds + _SETTLE_S
        return Run(
            name,
            match(played["sent"], await cameras.take(names)),
            played["refused"],
            sum(seen.asked.values()) / whole_s,
            len(seen.asked),
            (cpu_ns(pids) - before) / 1e9 / whole_s,
        )


def _table(runs: list[Run]) -> str:
    rows, notes = [], []
    beside = runs[0].shares
    for run in runs:
        for kind in ("stop", "move"):
            values = run.shares.took_s[kind]
            against = report.percentile(beside.took_s[kind], 0.5)
            ratio = report.ratio(report.percentile(values, 0.5), against) if run is not runs[0] else "-"
            cells = report.spread([value * 1e3 for value in values], 2)
            longest = report.number(max(values, default=float("nan")) * 1e3, 1)
            rows.append(
                [f"{run.name}: {kind}", str(len(values)), *cells, longest, str(run.shares.missing[kind]), ratio]
            )
        notes.append(
            f"{run.name}: {run.asked_per_s:.0f} connections a second asked for in vain, at {run.dark_asked} addresses;"
            f" API and control used {100 * run.cores:.0f} % of a core; refused {dict(run.refused) or 'nothing'}"
        )
    notes += ["from the message's sending to the whole request at the camera; goal: Stops p99 <= 50 ms"]
    head = ("in ms", "n", "p50", "p95", "p99", "max", "missing", "ratio")
    return report.table(f"dark: {STEERED} cameras are steered while {DARK} others' packets vanish", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    names = [f"steered-{index}" for index in range(STEERED)]
    seconds = _QUICK_SECONDS if quick else _SECONDS
    runs = []
    async with (
        void() as seen,
        simulated_camera(folder) as original,
        light_cameras(original.onvif_url, STEERED, folder) as cameras,
    ):
        items = cameras.items(names, original)
        dark = _dark_items(original)
        for name, others in (("nothing dark", []), (f"{DARK} dark", dark)):
            place = folder / name.replace(" ", "-")
            place.mkdir()
            gone = [each["id"] for each in others]
            async with contextlib.AsyncExitStack() as stack:
                running = await stack.enter_async_context(
                    house([*others, *items], place, networks=[NETWORK], dark=gone)
                )
                runs.append(await _steer(name, running, cameras, names, seen, place, seconds))
    return _table(runs)
