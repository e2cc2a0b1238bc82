"""The words of pan-tilt-zoom: velocities, positions, presets, what a camera can do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


class VelocityError(ValueError):
    """A velocity that is not a number between -1 and 1; the message names the axis."""


@dataclass(frozen=True, slots=True)
class Velocity:
    """Speed of each axis as a share of the camera's fastest, -1 to 1 (ONVIF generic velocity spaces).

    Positive pan turns right, positive tilt up, positive zoom in.
    """

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        for axis in ("pan", "tilt", "zoom"):
            value = getattr(self, axis)
            if not math.isfinite(value) or not -1.0 <= value <= 1.0:
                raise VelocityError(f"{axis} must be a number from -1 to 1, not {value!r}")

    @property
    def is_zero(self) -> bool:
        """Whether nothing would turn."""
        return self.pan == 0.0 and self.tilt == 0.0 and self.zoom == 0.0


STILL = Velocity()


@dataclass(frozen=True, slots=True)
class Position:
    """Where the camera says it looks, in ONVIF's generic position spaces: pan and tilt -1 to 1, zoom 0 to 1.

    An axis that the camera does not report is None.
    """

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


class MoveStatus(StrEnum):
    """What the camera says of its motors."""

    IDLE = "idle"
    MOVING = "moving"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PtzStatus:
    """One GetStatus answer."""

    position: Position = field(default_factory=Position)
    move_status: MoveStatus = MoveStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Preset:
    """A stored view; `token` is the camera's own, `name` may be empty."""

    token: str
    name: str


class SafetyNet(StrEnum):
    """What ends a motion when the link to the camera, or we ourselves, are gone."""

    TIMEOUT = "timeout"  # the camera stops by itself
    STEPS = "steps"  # it ignores Timeout, so it is driven in short relative steps that end by themselves
    NONE = "none"  # nobody can


@dataclass(frozen=True, slots=True)
class PtzAbilities:
    """What the camera proved it can do; all False for a view-only camera."""

    pan_tilt: bool = False
    zoom: bool = False
    absolute: bool = False
    relative: bool = False
    home: bool = False
    presets: bool = False
    status_position: bool = False
    safety_net: SafetyNet = SafetyNet.TIMEOUT
    owner_accepts_no_net: bool = False

    @property
    def has_motors(self) -> bool:
        """Whether any axis can be turned continuously."""
        return self.pan_tilt or self.zoom

    @property
    def can_steer(self) -> bool:
        """Whether it may be turned: it has motors, and something ends a motion when all else is gone."""
        return self.has_motors and (self.safety_net is not SafetyNet.NONE or self.owner_accepts_no_net)
