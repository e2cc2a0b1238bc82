"""How many viewers one core serves: where loss starts, for us and for Janus; and one camera on two workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.cameras import LoopCameras, loop_cameras
from bench.house import feed_item, house
from bench.program import Program, ProgramError
from bench.relays import Plateau, Relay, Target, camctl, janus_best, plateau, repeated_note, target_of, viewers
from bench.usage import server_and_load_core

_PLAN: dict[str, Any] = {"windows": 3, "window_s": 2.0, "settle_s": 3.0}
_QUICK_PLAN: dict[str, Any] = {"windows": 1, "window_s": 2.0, "settle_s": 2.0}
_OURS = (150, 300, 400, 500, 600, 700, 800, 900, 1000)
_THEIRS = (50, 100, 150, 200, 250, 300, 400, 500)
_QUICK = (5, 15)
_LOSES = 0.01  # percent
_WHOLE = 0.97  # of what each viewer gets when there are few: pictures left out make no gap in the numbers
_TIRED = 95.0  # percent of a core: beyond it the viewers are what is measured
_SPREAD, _QUICK_SPREAD = (200, 300, 400, 500, 600), (16,)


@dataclass(frozen=True, slots=True)
class Ramp:
    """More and more viewers of one relay, until it cannot serve them whole; `ended` says why there are no more."""

    name: str
    plateaus: list[Plateau]
    ended: str

    @property
    def without_loss(self) -> int:
        """The most viewers that got everything."""
        return max((each.viewers for each in self.plateaus if verdict(each, self.plateaus[0]) is None), default=0)


def verdict(seen: Plateau, first: Plateau) -> str | None:
    """Why a ramp has to end with this plateau; None when it may go on. `first` is how it was with the fewest."""
    if seen.total("dropped") or seen.load_percent > _TIRED:
        return f"at {seen.viewers} viewers the load's own core was the limit ({seen.load_percent:.0f} % of it)"
    if seen.lost_percent >= _LOSES:
        return f"at {seen.viewers} viewers {seen.lost_percent:.2f} % of the packets were lost"
    share = seen.packets_per_viewer_s / first.packets_per_viewer_s
    if seen.total("silent") or share < _WHOLE:
        return f"at {seen.viewers} viewers each got {100 * share:.0f} % of what the first ones got, some nothing at all"
    return None


async def _ramp(
    name: str, relay: Relay, counts: tuple[int, ...], plan: dict[str, Any], cameras: LoopCameras, folder: Path
) -> Ramp:
    server, load = server_and_load_core()
    async with relay(cameras.url(), folder, server) as target, viewers([target], folder, load) as crowd:
        return await _grow(name, crowd, target, counts, plan)


async def _grow(name: str, crowd: Program, target: Target, counts: tuple[int, ...], plan: dict[str, Any]) -> Ramp:
    plateaus: list[Plateau] = []
    for count in counts:
        try:
            plateaus.append(await plateau(crowd, name, count, target, plan))
        except ProgramError as error:
            return Ramp(name, plateaus, f"{count} viewers could not be served: {str(error).splitlines()[-1]}")
        why = verdict(plateaus[-1], plateaus[0])
        if why:
            return Ramp(name, plateaus, why)
    return Ramp(name, plateaus, f"no loss up to {counts[-1]} viewers, the most that were tried")


async def _spread(cameras: LoopCameras, counts: tuple[int, ...], plan: dict[str, Any], folder: Path) -> Ramp:
    """One camera on two workers, on all cores, where viewers and camera are, too."""
    settings: dict[str, Any] = {"workers": 2, "spread_after": counts[0] // 2}
    async with house([feed_item(cameras.url())], folder, **settings) as running:
        target = target_of(running)
        async with viewers([target], folder, None) as crowd:
            return await _grow("camctl, two workers, all cores", crowd, target, counts, plan)


def table(ramps: list[Ramp], camera: str) -> str:
    """What `make bench` prints."""
    rows = [
        [
            each.relay, str(each.viewers), report.number(each.total("packets") / each.total("wall_s"), 0),
            report.number(report.percentile(each.per_packet_us, 0.5), 2), report.number(100 * each.cores, 0),
            report.number(each.lost_percent, 3), report.number(each.total("dropped"), 0),
            report.number(each.load_percent, 0),
        ]
        for ramp in ramps for each in ramp.plateaus
    ]  # fmt: skip
    head = ("", "viewers", "packets/s", "us/packet p50", "% core", "% lost", "no room", "load %")
    notes = [f"{ramp.name}: {ramp.ended}" for ramp in ramps]
    notes += [note for ramp in ramps for note in repeated_note(ramp.plateaus)]
    ours, theirs = ramps[0].without_loss, ramps[1].without_loss
    notes += [
        f"without loss on one core: {ours}, limit 300; Janus {theirs}; {report.ratio(ours, theirs)}, more is better",
        "no room: packets that found their viewer's socket full, which is the load's fault",
    ]
    return report.table(f"capacity: where loss starts ({camera})", head, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    plan = _QUICK_PLAN if quick else _PLAN
    async with loop_cameras(folder, server_and_load_core()[1]) as cameras:
        ours = await _ramp("camctl", camctl, _QUICK if quick else _OURS, plan, cameras, folder)
        theirs = await _ramp("Janus, one event loop", janus_best, _QUICK if quick else _THEIRS, plan, cameras, folder)
        both = await _spread(cameras, _QUICK_SPREAD if quick else _SPREAD, plan, folder)
        return table([ours, theirs, both], str(cameras))
