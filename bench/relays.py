"""The relays that are loaded, each by the same viewers: ours, Janus at its best and as shipped, aiortc's examples."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cameras import KEY_PACKETS
from bench.house import House, feed_item, house
from bench.janus import janus
from bench.program import Program, free_port
from bench.ways import Janus, Whep, to_json

_READY_S = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """A relay to be loaded: how viewers join, and the processes that send them the video."""

    way: Whep | Janus
    pids: Callable[[], list[int]]


def target_of(running: House, camera_id: str = "cam") -> Target:
    """A camera of our service."""
    return Target(Whep(f"{running.api}/cameras/{camera_id}/whep", running.headers), running.media_workers)


# From a camera's address, a folder and a core to a running relay.
Relay = Callable[[str, Path, int | None], AbstractAsyncContextManager[Target]]


@contextlib.asynccontextmanager
async def camctl(rtsp_url: str, folder: Path, core: int | None) -> AsyncIterator[Target]:
    """Our service with one media worker."""
    async with house([feed_item(rtsp_url)], folder, core=core) as running:
        yield target_of(running)


@contextlib.asynccontextmanager
async def janus_best(rtsp_url: str, folder: Path, core: int | None) -> AsyncIterator[Target]:
    """Janus with one event loop for all viewers: what suits one core best."""
    async with janus(rtsp_url, folder, core=core, event_loops=1) as (url, program):
        yield Target(Janus(url), lambda: [program.pid])


@contextlib.asynccontextmanager
async def janus_shipped(rtsp_url: str, folder: Path, core: int | None) -> AsyncIterator[Target]:
    """Janus with a thread for each viewer, its default."""
    async with janus(rtsp_url, folder, core=core) as (url, program):
        yield Target(Janus(url), lambda: [program.pid])


@contextlib.asynccontextmanager
async def aiortc(rtsp_url: str, folder: Path, core: int | None) -> AsyncIterator[Target]:
    """Aiortc as its examples use it."""
    port = free_port()
    async with await Program.module("peer_aiortc", rtsp_url, str(port), folder=folder, core=core) as program:
        await program.line(_READY_S)
        yield Target(Whep(f"http://127.0.0.1:{port}/whep"), lambda: [program.pid])


@contextlib.asynccontextmanager
async def viewers(
    targets: Sequence[Target], folder: Path, core: int | None, **settings: object
) -> AsyncIterator[Program]:
    """The process that plays the viewers of relays, or of a relay's cameras, see `bench.viewers`."""
    every = {"ways": [to_json(each.way) for each in targets], "key_packets": KEY_PACKETS, **settings}
    async with await Program.module("viewers", json.dumps(every), folder=folder, core=core) as program:
        yield program


@dataclass(frozen=True, slots=True)
class Plateau:
    """What was seen with so many viewers, a row of `windows` for each span of time."""

    relay: str
    viewers: int
    windows: list[dict[str, float]]
    resident_bytes: int
    profile: str = ""
    repeated: int = 0  # joins that did not get through at first, up to now

    def total(self, what: str) -> float:
        """The sum over all windows."""
        return sum(window[what] for window in self.windows)

    @property
    def per_packet_us(self) -> list[float]:
        """CPU of the server for each delivered packet, window by window."""
        return [window["cpu_ns"] / 1e3 / window["packets"] for window in self.windows if window["packets"]]

    @property
    def cores(self) -> float:
        """How many cores the server used."""
        return self.total("cpu_ns") / 1e9 / self.total("wall_s")

    @property
    def per_viewer_percent(self) -> float:
        """Share of a core for each viewer."""
        return 100 * self.cores / self.viewers

    @property
    def lost_percent(self) -> float:
        """Packets that did not come, of those sent."""
        packets, lost = self.total("packets"), self.total("lost")
        return 100 * lost / (packets + lost) if packets else 100.0

    @property
    def packets_per_viewer_s(self) -> float:
        """What each viewer gets."""
        return self.total("packets") / self.total("wall_s") / self.viewers

    @property
    def load_percent(self) -> float:
        """How much of a core the viewers' process used."""
        return 100 * self.total("load_cpu_ns") / 1e9 / self.total("wall_s")


def memory_per_viewer_kb(plateaus: list[Plateau]) -> float:
    """What resident memory grew by from the fewest to the most viewers, for each of them; 0 with one plateau."""
    few, many = plateaus[0], plateaus[-1]
    more = many.viewers - few.viewers
    return (many.resident_bytes - few.resident_bytes) / 1e3 / more if more else 0.0


def repeated_note(plateaus: Sequence[Plateau]) -> list[str]:
    """What has to be said of a relay whose viewers did not all get through at first."""
    last = plateaus[-1] if plateaus else None
    return [f"{last.relay}: {last.repeated} joins were tried again"] if last and last.repeated else []


async def plateau(load: Program, name: str, count: int, target: Target, plan: dict[str, Any]) -> Plateau:
    """Let viewers join until there are `count`, and measure; `plan` has windows, window_s and settle_s.

    Raises:
        ProgramError: some could not join, or what they got was no video.
    """
    within_s = 30 + 0.3 * count + plan["settle_s"] + plan["windows"] * plan["window_s"] * 2
    seen = await load.ask(within_s, do="measure", viewers=count, pids=target.pids(), **plan)
    return Plateau(name, count, seen["windows"], seen["resident_bytes"], seen["profile"], seen["repeated"])
