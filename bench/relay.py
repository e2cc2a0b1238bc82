"""What the relay costs: CPU per delivered packet and per viewer, loss, memory; beside aiortc as its examples use it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.house import feed_item, house
from bench.program import Program, free_port
from bench.usage import server_and_load_core

_VIEWERS, _QUICK_VIEWERS = (1, 10, 50), (1, 10)
_WINDOWS, _QUICK_WINDOWS = 6, 1
_WINDOW_S = 1.0  # one key frame in each
_SETTLE_S, _QUICK_SETTLE_S = 1.5, 0.5
_ASK_S = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """A relay to be loaded: where viewers join, and the processes that send them the video."""

    whep: str
    headers: dict[str, str]
    pids: Callable[[], list[int]]


@dataclass(frozen=True, slots=True)
class Plateau:
    """What was seen with so many viewers; one row of `windows` a second."""

    relay: str
    viewers: int
    windows: list[dict[str, float]]
    resident_bytes: int

    def total(self, what: str) -> float:
        """The sum over all windows."""
        return sum(window[what] for window in self.windows)

    @property
    def per_packet_us(self) -> list[float]:
        """CPU of the server for each delivered packet, window by window."""
        return [window["cpu_ns"] / 1e3 / window["packets"] for window in self.windows if window["packets"]]

    @property
    def per_viewer_percent(self) -> float:
        """Share of a core for each viewer."""
        return 100 * self.total("cpu_ns") / 1e9 / self.total("wall_s") / self.viewers

    @property
    def lost_percent(self) -> float:
        """Packets that did not come, of those sent."""
        packets, lost = self.total("packets"), self.total("lost")
        return 100 * lost / (packets + lost) if packets else 100.0


@contextlib.asynccontextmanager
async def foreign_camera(folder: Path, core: int | None = None) -> AsyncIterator[str]:
    """A camera that nobody here wrote, which streams; its RTSP address."""
    argv = ["/usr/bin/python3", str(Path(__file__).with_name("gst_camera.py"))]
    async with await Program.start("gst_camera", argv, folder, core=core) as program:
        yield await program.line(20)


@contextlib.asynccontextmanager
async def _camctl(rtsp_url: str, folder: Path, core: int) -> AsyncIterator[Target]:
    async with house([feed_item(rtsp_url)], folder, core=core) as running:
        yield Target(f"{running.camera}/whep", running.headers, running.media_workers)


@contextlib.asynccontextmanager
async def _aiortc(rtsp_url: str, folder: Path, core: int) -> AsyncIterator[Target]:
    port = free_port()
    async with await Program.module("peer_aiortc", rtsp_url, str(port), folder=folder, core=core) as program:
        await program.line(20)
        yield Target(f"http://127.0.0.1:{port}/whep", {}, lambda: [program.pid])


async def _load(name: str, target: Target, folder: Path, core: int, plan: dict[str, Any]) -> list[Plateau]:
    """Let more and more viewers join, measuring at each number of `plan["viewers"]`."""
    arguments = (target.whep, json.dumps(target.headers))
    plateaus = []
    async with await Program.module("viewers", *arguments, folder=folder, core=core) as load:
        for viewers in plan["viewers"]:
            question = {**plan, "viewers": viewers, "pids": target.pids()}
            seen = await load.ask(_ASK_S, **question)
            plateaus.append(Plateau(name, viewers, seen["windows"], seen["resident_bytes"]))
    return plateaus


def memory_per_viewer_mb(plateaus: list[Plateau]) -> float:
    """What resident memory grew by from the fewest to the most viewers, for each of them; 0 with one plateau."""
    few, many = plateaus[0], plateaus[-1]
    more = many.viewers - few.viewers
    return (many.resident_bytes - few.resident_bytes) / 1e6 / more if more else 0.0


def _table(ours: list[Plateau], theirs: list[Plateau], cores: tuple[int, int]) -> str:
    rows = []
    for mine, peer in zip(ours, theirs, strict=True):
        against = report.percentile(peer.per_packet_us, 0.5)
        for each in (mine, peer):
            ratio = report.ratio(report.percentile(each.per_packet_us, 0.5), against) if each is mine else "-"
            viewer_ratio = report.ratio(each.per_viewer_percent, peer.per_viewer_percent) if each is mine else "-"
            wall_s = each.total("wall_s")
            rows.append(
                [
                    each.relay, str(each.viewers), report.number(each.total("packets") / wall_s, 0),
                    *report.spread(each.per_packet_us), ratio,
                    report.number(each.per_viewer_percent, 2), viewer_ratio,
                    report.number(each.lost_percent, 3), report.number(each.resident_bytes / 1e6, 0),
                    report.number(100 * each.total("load_cpu_ns") / 1e9 / wall_s, 0),
                ]
            )  # fmt: skip
    head = (
        "",
        "viewers",
        "packets/s",
        "us/packet p50",
        "p95",
        "p99",
        "ratio",
        "% core/viewer",
        "ratio",
        "% lost",
        "MB",
        "load %",
    )
    memory = [memory_per_viewer_mb(each) for each in (ours, theirs)]
    growth = f"camctl {memory[0]:.2f} MB, peer {memory[1]:.2f} MB, ratio {report.ratio(memory[0], memory[1])}"
    notes = (
        f"memory per further viewer: {growth}",
        f"CPU and MB: camctl's media worker, the peer's process; each in turn pinned to core {cores[0]}",
        f"camera and viewers are on core {cores[1]}; load %: how much of it the viewers use",
        "percentiles over windows of a second; ratio: camctl's figure (p50 of us/packet) divided by the peer's",
    )
    return report.table("relay: one camera of 2 Mb/s, server on one core", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    server, load = server_and_load_core()
    plan: dict[str, Any] = {
        "viewers": _QUICK_VIEWERS if quick else _VIEWERS,
        "windows": _QUICK_WINDOWS if quick else _WINDOWS,
        "window_s": _WINDOW_S,
        "settle_s": _QUICK_SETTLE_S if quick else _SETTLE_S,
    }
    seen = []
    async with foreign_camera(folder, load) as rtsp_url:
        relays: dict[str, Callable[[str, Path, int], AbstractAsyncContextManager[Target]]]
        relays = {"camctl": _camctl, "peer, aiortc": _aiortc}
        for name, start in relays.items():
            async with start(rtsp_url, folder, server) as target:
                seen.append(await _load(name, target, folder, load, plan))
    return _table(seen[0], seen[1], (server, load))
