"""What a further camera costs: 1, 10, 50 of them, one viewer each, on one worker. Goal: no more than the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import report
from bench.cameras import LoopCameras, loop_cameras
from bench.house import feed_item, house
from bench.relays import Plateau, plateau, target_of, viewers
from bench.usage import server_and_load_core

_CAMERAS, _QUICK_CAMERAS = (1, 10, 50), (1, 5)
_PLAN: dict[str, Any] = {"windows": 4, "window_s": 2.0, "settle_s": 3.0}
_QUICK_PLAN: dict[str, Any] = {"windows": 1, "window_s": 2.0, "settle_s": 2.0}


async def _measure(cameras: LoopCameras, counts: tuple[int, ...], plan: dict[str, Any], folder: Path) -> list[Plateau]:
    server, load = server_and_load_core()
    names = [f"cam-{number}" for number in range(counts[-1])]
    items = [feed_item(cameras.url(f"main-{name}"), name) for name in names]
    async with house(items, folder, core=server) as running:
        targets = [target_of(running, name) for name in names]
        async with viewers(targets, folder, load) as crowd:
            return [await plateau(crowd, "camctl", count, targets[0], plan) for count in counts]


def table(plateaus: list[Plateau], camera: str) -> str:
    """What `make bench` prints."""
    first, rows = plateaus[0], []
    for each in plateaus:
        cost = 100 * each.cores / each.viewers
        rows.append(
            [
                "cameras, one viewer each", str(each.viewers),
                report.number(each.total("packets") / each.total("wall_s"), 0),
                report.number(100 * each.cores, 1), report.number(cost, 2),
                report.ratio(cost, 100 * first.cores / first.viewers),
                report.number(report.percentile(each.per_packet_us, 0.5), 1), report.number(each.lost_percent, 3),
                report.number(each.resident_bytes / 1e6, 0), report.number(each.load_percent, 0),
            ]
        )  # fmt: skip
    head = ("", "n", "packets/s", "% core", "% core/camera", "ratio", "us/packet", "% lost", "MB", "load %")
    many = plateaus[-1]
    more = many.viewers - first.viewers
    grown_mb = (many.resident_bytes - first.resident_bytes) / 1e6 / more if more else float("nan")
    notes = (
        "ratio: % of a core for each camera, divided by that of a single one; limit 1.00x (linear or better)",
        f"memory for each further camera, its cached group of pictures included: {report.number(grown_mb, 2)} MB",
        "the media worker alone; cameras and viewers on the other core; how viewers grow: see relay",
    )
    return report.table(f"growth: cameras ({camera})", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    counts, plan = (_QUICK_CAMERAS, _QUICK_PLAN) if quick else (_CAMERAS, _PLAN)
    async with loop_cameras(folder, server_and_load_core()[1]) as cameras:
        return table(await _measure(cameras, counts, plan, folder), str(cameras))
