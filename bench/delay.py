"""How much later than the camera sent them packets reach viewers, at 1 to 300 of them; Janus beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.cameras import LoopCameras, loop_cameras
from bench.program import ProgramError
from bench.relays import Relay, camctl, janus_best, viewers
from bench.usage import server_and_load_core

_VIEWERS, _QUICK_VIEWERS = (1, 50, 100, 200, 300), (1, 10)
_KEEP_S, _QUICK_KEEP_S = 12.0, 2.5
_SETTLE_S = 3.0
_SHARES = (0.5, 0.95, 0.99)
_LIMIT_P50_MS, _LIMIT_P99_MS, _JUDGED_AT = 2.0, 25.0, 100
_ASK_S = 30.0


@dataclass(frozen=True, slots=True)
class Delays:
    """What was seen with so many viewers, in ms."""

    relay: str
    viewers: int
    seen: dict[str, Any]

    def at(self, share: float) -> float:
        """A percentile over all packets of all viewers."""
        return float(self.seen["shares"][str(share)])


async def _measure(
    name: str, relay: Relay, counts: tuple[int, ...], keep_s: float, cameras: LoopCameras, folder: Path
) -> tuple[list[Delays], list[str]]:
    """The delays, and why there are no more of them."""
    server, load = server_and_load_core()
    delays = []
    plan = {"windows": 0, "window_s": 0, "settle_s": _SETTLE_S, "pids": []}
    async with (
        relay(cameras.url(), folder, server) as target,
        viewers([target], folder, load, stamps=True) as crowd,
    ):
        for count in counts:
            try:
                await crowd.ask(_ASK_S + 0.3 * count, do="measure", viewers=count, **plan)
            except ProgramError as error:
                return delays, [f"{name}: {count} viewers could not be served: {str(error).splitlines()[-1]}"]
            await crowd.ask(_ASK_S + keep_s, do="keep", seconds=keep_s)
            sent = await cameras.sent()
            seen = await crowd.ask(_ASK_S, do="lags", sent=sent, shares=_SHARES)
            delays.append(Delays(name, count, seen))
    return delays, []


def table(ours: list[Delays], theirs: list[Delays], camera: str, failed: list[str]) -> str:
    """What `make bench` prints."""
    rows = []
    peers = {each.viewers: each for each in theirs}
    for each in (*ours, *theirs):
        peer = peers.get(each.viewers) if each.relay == "camctl" else None
        ratios = [report.ratio(each.at(share), peer.at(share)) if peer else "-" for share in (0.5, 0.99)]
        limits = [_LIMIT_P50_MS, _LIMIT_P99_MS] if each.relay == "camctl" and each.viewers == _JUDGED_AT else []
        rows.append(
            [
                each.relay, str(each.viewers), str(each.seen["packets"]),
                *(report.number(each.at(share), 2) for share in _SHARES), report.number(each.seen["max"], 1),
                *ratios, " / ".join(f"{limit:g}" for limit in limits) or "-", str(each.seen["unmatched"]),
            ]
        )  # fmt: skip
    head = ("in ms", "viewers", "packets", "p50", "p95", "p99", "max", "ratio p50", "ratio p99", "limit", "unknown")
    server, load = server_and_load_core()
    notes = (
        *failed,
        "from just before the camera writes a whole picture (all its packets at once) until the kernel has each packet",
        "at its viewer's socket: a large picture's last packets wait for its first ones, by pacing too",
        f"limit: p50 / p99 at {_JUDGED_AT} viewers; unknown: packets whose picture could not be told",
        f"server pinned to core {server}, camera (ahead of them) and viewers to core {load}",
    )
    return report.table(f"delay: camera's packet to viewer's packet ({camera})", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    counts, keep_s = (_QUICK_VIEWERS, _QUICK_KEEP_S) if quick else (_VIEWERS, _KEEP_S)
    async with loop_cameras(folder, server_and_load_core()[1]) as cameras:
        ours, missing = await _measure("camctl", camctl, counts, keep_s, cameras, folder)
        await cameras.sent()
        theirs, theirs_missing = await _measure("Janus, one event loop", janus_best, counts, keep_s, cameras, folder)
        return table(ours, theirs, str(cameras), missing + theirs_missing)
