"""Soft limits and forbidden sectors: where a camera may be turned, and when its picture is withheld. Pure.

Positions are in ONVIF's generic space, -1 to 1. Both work only on a camera whose position report was proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from camctl.ptz.model import Position, Velocity

Span = tuple[float, float]

# What a fast head covers at full speed between two looks at its position and until a new command has its effect.
LOOKAHEAD = 0.15
# A position older than this says nothing about where the camera looks now; much sooner while it turns.
STALE_S = 3.0
TURNING_STALE_S = 0.6
# The picture is wide and the report a little late: it is withheld before the axis itself is in the sector.
SECTOR_MARGIN = 0.05


class Hidden(StrEnum):
    """Why viewers get a card instead of the picture."""

    POSITION_UNKNOWN = "position-unknown"
    POSITION_STALE = "position-stale"
    SECTOR = "sector"


@dataclass(frozen=True, slots=True)
class Sector:
    """A view that nobody may see: this much of pan and of tilt, edges included."""

    pan: Span
    tilt: Span

    def contains(self, pan: float, tilt: float, margin: float = 0.0) -> bool:
        """Whether the camera looks into it, or is nearer to it than `margin`."""
        return (
            self.pan[0] - margin <= pan <= self.pan[1] + margin
            and self.tilt[0] - margin <= tilt <= self.tilt[1] + margin
        )

    def is_crossed(self, start: tuple[float, float], end: tuple[float, float]) -> bool:
        """Whether the straight way from `start` to `end` (pan, tilt) touches it, by clipping the way to its edges."""
        enters, leaves = 0.0, 1.0
        for a, b, (low, high) in ((start[0], end[0], self.pan), (start[1], end[1], self.tilt)):
            if a == b:
                if not low <= a <= high:
                    return False
                continue
            first, last = sorted(((low - a) / (b - a), (high - a) / (b - a)))
            enters, leaves = max(enters, first), min(leaves, last)
        return enters <= leaves


@dataclass(frozen=True, slots=True)
class Limits:
    """One camera's; None: no limit."""

    pan: Span | None = None
    tilt: Span | None = None
    sectors: tuple[Sector, ...] = ()

    @property
    def need_position(self) -> bool:
        """Whether the camera has to be asked where it looks while it turns."""
        return self.pan is not None or self.tilt is not None or bool(self.sectors)


def restrict(velocity: Velocity, position: Position, limits: Limits, lookahead: float = LOOKAHEAD) -> Velocity:
    """What of `velocity` may be carried out at `position`.

    An axis that would pass its limit within `lookahead` (what full speed covers before the next look) stands; back
    inside is always allowed. The way into a sector is taken axis by axis, so that the camera slides along its edge. A
    camera that stands in a sector may leave it in any direction: nobody sees anything meanwhile.
    """
    pan = _within(velocity.pan, position.pan, limits.pan, lookahead)
    tilt = _within(velocity.tilt, position.tilt, limits.tilt, lookahead)
    if position.pan is not None and position.tilt is not None:
        here = (position.pan, position.tilt)
        for sector in limits.sectors:
            pan, tilt = _around(sector, here, (pan, tilt), lookahead)
    return replace(velocity, pan=pan, tilt=tilt)


def _within(speed: float, at: float | None, span: Span | None, lookahead: float) -> float:
    if span is None or at is None or speed == 0.0:
        return speed
    ahead = at + speed * lookahead
    is_over = ahead >= span[1] if speed > 0 else ahead <= span[0]
    return 0.0 if is_over else speed


def _around(sector: Sector, here: tuple[float, float], speed: Span, lookahead: float) -> Span:
    if sector.contains(*here):
        return speed
    for allowed in (speed, (speed[0], 0.0), (0.0, speed[1])):
        ahead = (here[0] + allowed[0] * lookahead, here[1] + allowed[1] * lookahead)
        if not sector.is_crossed(here, ahead):
            return allowed
    return (0.0, 0.0)


def hides(
    position: Position | None, age_s: float, proved: bool, limits: Limits, *, travels: bool = False
) -> Hidden | None:
    """Why the picture of a camera with forbidden sectors is withheld now; None when it may be shown.

    `position` was reported `age_s` ago; `proved`: it changed when the camera was turned, so it is a real report.
    `travels`: it is on the way to a preset, which no limit holds back, so it is hidden before it can be in a sector.
    """
    if not limits.sectors:
        return None
    if not proved or position is None or position.pan is None or position.tilt is None:
        return Hidden.POSITION_UNKNOWN
    if age_s > STALE_S:
        return Hidden.POSITION_STALE
    margin = SECTOR_MARGIN + (LOOKAHEAD if travels else 0.0)
    if any(sector.contains(position.pan, position.tilt, margin) for sector in limits.sectors):
        return Hidden.SECTOR
    return None
