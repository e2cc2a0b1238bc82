"""A hundred viewers within two seconds: how long each waits for a picture, and what those who were there lose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.cameras import LoopCameras, loop_cameras
from bench.relays import Relay, camctl, janus_best, plateau, viewers
from bench.usage import server_and_load_core

_THERE, _QUICK_THERE = 50, 5
_COME, _QUICK_COME = 100, 10
_OVER_S = 2.0
_IDR_S = 4.0
_PLAN: dict[str, Any] = {"windows": 1, "window_s": 2.0, "settle_s": 2.0}
_LIMIT_S = 5.0
_ASK_S = 90.0


@dataclass(frozen=True, slots=True)
class Storm:
    """What was seen."""

    relay: str
    come: int
    seen: dict[str, Any]


async def _measure(name: str, relay: Relay, cameras: LoopCameras, folder: Path, *, quick: bool) -> Storm:
    server, load = server_and_load_core()
    there, come = (_QUICK_THERE, _QUICK_COME) if quick else (_THERE, _COME)
    async with relay(cameras.url(), folder, server) as target, viewers([target], folder, load) as crowd:
        await plateau(crowd, name, there, target, _PLAN)
        return Storm(name, come, await crowd.ask(_ASK_S, do="storm", viewers=come, over_s=_OVER_S))


def table(storms: list[Storm], camera: str) -> str:
    """What `make bench` prints."""
    rows, notes = [], []
    for each in storms:
        waits = each.seen["waits_s"]
        rows.append(
            [
                each.relay, f"{each.seen['there']} + {each.come}",
                *(report.number(report.percentile(waits, share), 2) for share in (0.5, 0.95, 1.0)),
                f"{_LIMIT_S:g}", str(each.seen["without"]), str(each.seen["there_lost"]), "0",
                str(each.seen["there_packets"]), report.number(each.seen["joined_s"], 1),
            ]
        )  # fmt: skip
        if each.seen["refused"]:
            notes.append(f"{each.relay} refused: {each.seen['refused']}")
    head = ("seconds", "viewers", "p50", "p95", "max", "limit", "without", "lost", "limit", "of", "all asked")
    notes += [
        "from a viewer's question until its first key picture is whole; without: no picture within 30 s",
        "lost: packets of those that were there before, of so many; all asked: when the last newcomer was answered",
        "offers are made beforehand; ICE and DTLS of all newcomers are aiortc's, on the load's core",
    ]
    title = f"storm: newcomers within {_OVER_S:g} s ({camera}, one each {_IDR_S:g} s)"
    return report.table(title, head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    async with loop_cameras(folder, server_and_load_core()[1], _IDR_S) as cameras:
        ours = await _measure("camctl", camctl, cameras, folder, quick=quick)
        return table(
            [ours, await _measure("Janus, one event loop", janus_best, cameras, folder, quick=quick)], str(cameras)
        )
