"""What a viewer costs: CPU per delivered packet, loss, memory; beside Janus and aiortc as its examples use it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.cameras import LoopCameras, loop_cameras
from bench.program import Program, ProgramError
from bench.relays import (
    Plateau,
    Relay,
    aiortc,
    camctl,
    janus_best,
    janus_shipped,
    memory_per_viewer_kb,
    plateau,
    repeated_note,
    viewers,
)
from bench.usage import server_and_load_core

_IDR_S = 2.0
_PLAN: dict[str, Any] = {"windows": 4, "window_s": _IDR_S, "settle_s": 3.0}  # one key picture in each window
_QUICK_PLAN: dict[str, Any] = {"windows": 1, "window_s": _IDR_S, "settle_s": 2.0}
_LIMIT_US, _LIMIT_OF_JANUS, _LIMIT_KB = 3.0, 0.4, 100.0
_JUDGED_AT = 150
_FLOOR_S = 60.0


@dataclass(frozen=True, slots=True)
class Series:
    """One relay with more and more viewers."""

    name: str
    relay: Relay
    viewers: tuple[int, ...]
    camera: str = "main"
    aes_cm: bool = False


BEST = "Janus, one event loop"
SERIES = (
    Series("camctl", camctl, (1, 10, 50, 150, 300)),
    Series(BEST, janus_best, (1, 10, 50, 150, 300)),
    Series("Janus, as shipped", janus_shipped, (10, 50, 150)),
    Series("aiortc's examples", aiortc, (1, 10, 50)),
    Series("camctl, AES-CM viewers", camctl, (150,), aes_cm=True),
    Series(f"{BEST}, AES-CM viewers", janus_best, (150,), aes_cm=True),
    Series("camctl, 300 kb/s", camctl, (150, 300), camera="sub"),
    Series(f"{BEST}, 300 kb/s", janus_best, (150, 300), camera="sub"),
)
QUICK = (
    Series("camctl", camctl, (1, 10)),
    Series(BEST, janus_best, (1, 10)),
    Series("aiortc's examples", aiortc, (1,)),
    Series("camctl, AES-CM viewers", camctl, (10,), aes_cm=True),
    Series("camctl, 300 kb/s", camctl, (10,), camera="sub"),
)


async def _measure(
    series: Series, cameras: LoopCameras, folder: Path, plan: dict[str, Any]
) -> tuple[list[Plateau], str]:
    """The plateaus, and why there are no more of them."""
    server, load = server_and_load_core()
    plateaus: list[Plateau] = []
    async with contextlib.AsyncExitStack() as stack:
        target = await stack.enter_async_context(series.relay(cameras.url(series.camera), folder, server))
        crowd = await stack.enter_async_context(viewers([target], folder, load, aes_cm=series.aes_cm))
        for count in series.viewers:
            try:
                plateaus.append(await plateau(crowd, series.name, count, target, plan))
            except ProgramError as error:
                return plateaus, f"{series.name}: {count} viewers could not be served: {str(error).splitlines()[-1]}"
    return plateaus, ""


def _row(each: Plateau, peer: Plateau | None) -> list[str]:
    p50_us = report.percentile(each.per_packet_us, 0.5)
    against = report.percentile(peer.per_packet_us, 0.5) if peer else float("nan")
    counts = [report.number(each.total(what), 0) for what in ("dropped", "silent")]
    return [
        each.relay, str(each.viewers), report.number(each.total("packets") / each.total("wall_s"), 0),
        report.number(p50_us, 2), report.number(report.percentile(each.per_packet_us, 0.95), 2),
        report.ratio(p50_us, against), report.number(each.per_viewer_percent, 3), report.number(100 * each.cores, 0),
        report.number(each.lost_percent, 3), *counts, report.number(each.resident_bytes / 1e6, 0),
        report.number(each.load_percent, 0), each.profile.removeprefix("SRTP_"),
    ]  # fmt: skip


async def _floor_us(folder: Path) -> list[float]:
    """What a packet costs at least, on the server's core."""
    core = server_and_load_core()[0]
    async with await Program.module("floor", str(_JUDGED_AT), folder=folder, core=core) as program:
        values: list[float] = json.loads(await program.line(_FLOOR_S))
        return values


def _judged(by_name: dict[str, list[Plateau]], floor_us: list[float]) -> list[str]:
    """The limits, beside what was seen."""
    at = {name: each for name, plateaus in by_name.items() for each in plateaus if each.viewers == _JUDGED_AT}
    notes = []
    if {"camctl", BEST} <= set(at):
        ours, theirs = (report.percentile(at[name].per_packet_us, 0.5) for name in ("camctl", BEST))
        against = f"{report.ratio(ours, theirs)} of Janus at its best, limit {_LIMIT_OF_JANUS:g}"
        notes.append(f"{_JUDGED_AT} viewers, us/packet p50: {ours:.2f}, limit {_LIMIT_US:g}; {against}")
        least = report.percentile(floor_us, 0.5)
        notes.append(
            f"floor: libsrtp and the GSO send alone, same core: {least:.2f} us; camctl: {report.ratio(ours, least)}"
        )
    memory = {name: memory_per_viewer_kb(each) for name, each in by_name.items() if len(each) > 1}
    growth = ", ".join(f"{name} {kb:.0f} KB" for name, kb in memory.items())
    return [*notes, f"memory for each further viewer: {growth}; limit {_LIMIT_KB:g} KB"]


def table(by_name: dict[str, list[Plateau]], notes: list[str], camera: str, floor_us: list[float]) -> str:
    """What `make bench` prints; the ratio is to Janus' best with as many viewers of the same kind."""
    peers = {(each.relay, each.viewers): each for plateaus in by_name.values() for each in plateaus}
    rows = []
    for name, plateaus in by_name.items():
        peer_name = BEST + name.removeprefix("camctl") if name.startswith("camctl") else ""
        rows += [_row(each, peers.get((peer_name, each.viewers))) for each in plateaus]
    head = (
        "", "viewers", "packets/s", "us/packet p50", "p95", "ratio", "% core/viewer", "% core", "% lost", "no room",
        "silent", "MB", "load %", "SRTP",
    )  # fmt: skip
    server, load = server_and_load_core()
    notes = [
        *_judged(by_name, floor_us),
        *notes,
        *(note for each in by_name.values() for note in repeated_note(each)),
        f"CPU and MB: camctl's media worker, the peer's process; each in turn pinned to core {server}",
        f"cameras and viewers are on core {load}; load %: how much of it the viewers use",
        "no room: packets that came but found their viewer's socket full: the load's fault, not the relay's",
        "silent: viewers who got nothing at all in a window",
        f"percentiles over windows of {_IDR_S:g} s; ratio: p50 divided by that of Janus with one event loop",
    ]  # fmt: skip
    return report.table(f"relay: one camera ({camera}), server on one core", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    by_name: dict[str, list[Plateau]] = {}
    notes = []
    async with loop_cameras(folder, server_and_load_core()[1], _IDR_S) as cameras:
        for series in QUICK if quick else SERIES:
            by_name[series.name], note = await _measure(series, cameras, folder, _QUICK_PLAN if quick else _PLAN)
            notes += [note] if note else []
        floor_us = await _floor_us(folder)
        return table({name: each for name, each in by_name.items() if each}, notes, str(cameras), floor_us)
