"""What an authorised request costs at 1,000 and 2,000 a second, beside a bare FastAPI route that asks for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import report
from bench.h2load import CLIENTS, h2load
from bench.house import House, house, simulated_camera
from bench.program import Program
from bench.usage import cpu_ns, server_and_load_core

_PER_S, _QUICK_PER_S = (1000.0, 2000.0), (500.0,)
_ROUNDS, _QUICK_ROUNDS = 4, 1
_FULL = 0.98  # of the rate: who answers less is at the end of its core
_ROUND_S, _QUICK_ROUND_S = 8.0, 4.0
_READY_S = 20.0
_LIMIT_MS = 0.3
# The rates at which the service refuses one address and one person; they are asked for each request, and not reached.
_LIMITS = {"requests_per_s_per_address": 100_000.0, "requests_per_s_per_person": 100_000.0}


@dataclass(slots=True)
class Contender:
    """Who is asked, and what was seen of all rounds."""

    name: str
    url: str
    headers: Mapping[str, str]
    pid: int
    took_ms: list[float] = field(default_factory=list)
    p50s_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    refused: int = 0

    async def play(self, per_s: float, seconds: float, folder: Path, core: int) -> None:
        """One round."""
        before_ns = cpu_ns([self.pid])
        load = await h2load(self.url, self.headers, per_s, seconds, folder, core)
        self.cpu_us.append((cpu_ns([self.pid]) - before_ns) / 1e3 / load.sent)
        self.took_ms += load.took_ms
        self.p50s_ms.append(report.percentile(load.took_ms, 0.5))
        self.rates.append(load.per_s)
        self.refused += load.refused

    @property
    def rate(self) -> float:
        """How many a second were answered, over all rounds."""
        return sum(self.rates) / len(self.rates)

    def row(self) -> list[str]:
        """Of the table."""
        times = (report.number(report.percentile(self.took_ms, share), 2) for share in (0.5, 0.95, 0.99))
        cpu = report.percentile(self.cpu_us, 0.5)
        return [self.name, *times, report.number(cpu, 0), report.number(self.rate, 0), str(self.refused)]


def table(ours: Contender, bare: Contender, others: list[Contender], per_s: float) -> str:
    """What is printed: the difference is of the medians over all rounds."""
    more_ms = report.percentile(ours.took_ms, 0.5) - report.percentile(bare.took_ms, 0.5)
    by_round = ", ".join(report.number(own - peer, 2) for own, peer in zip(ours.p50s_ms, bare.p50s_ms, strict=True))
    cpu_us = report.percentile(ours.cpu_us, 0.5) - report.percentile(bare.cpu_us, 0.5)
    notes = [
        (
            f"authorised request - bare route at p50: {report.number(more_ms, 2)} ms, limit {_LIMIT_MS:g} ms; "
            f"by round: {by_round}"
        ),
        f"CPU of the process for each request: {report.number(cpu_us, 0)} us more than the bare route's",
        "the bare route makes and sends the same model; the difference holds all else that the service does too:",
        "its limits of body and rate, its headers, its measurement; healthz has these and no permission",
    ]
    notes += [
        f"{each.name}: did not keep up; its times are those of a queue, only its CPU can be compared"
        for each in (ours, bare, *others)
        if each.rate < _FULL * per_s
    ]
    head = ("ms", "p50", "p95", "p99", "CPU us", "answered/s", "refused")
    title = f"requests: {per_s:g} a second over {CLIENTS} connections, {len(ours.rates)} rounds each in turn"
    return report.table(title, head, [each.row() for each in (ours, bare, *others)], notes)


async def _measure(running: House, folder: Path, *, quick: bool) -> str:
    server, load = server_and_load_core()
    async with httpx.AsyncClient(headers=running.headers, timeout=10) as client:
        found = (await client.get(running.camera)).raise_for_status().json()
    async with await Program.module("bare", json.dumps(found), folder=folder, core=server) as program:
        port = json.loads(await program.line(_READY_S))["port"]
        names = {
            "service: GET /cameras/cam": (running.camera, running.headers, running.pid),
            "bare FastAPI route": (f"http://127.0.0.1:{port}/cameras/cam", {}, program.pid),
            "service: GET /healthz": (f"{running.url}/healthz", {}, running.pid),
        }
        tables = []
        for per_s in _QUICK_PER_S if quick else _PER_S:
            contenders = [Contender(name, *each) for name, each in names.items()]
            for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
                for each in contenders:
                    await each.play(per_s, _QUICK_ROUND_S if quick else _ROUND_S, folder, load)
            ours, bare, *others = contenders
            tables.append(table(ours, bare, others, per_s))
    return "".join(tables)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    async with (
        simulated_camera(folder) as camera,
        house([camera.item()], folder, core=server_and_load_core()[0], server={"limits": _LIMITS}) as running,
    ):
        return await _measure(running, folder, quick=quick)
