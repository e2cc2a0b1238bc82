"""Finding out by trying how a camera wants to be told something, and remembering what it accepted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError, CameraFault

T = TypeVar("T")

# The camera read the request and said no, so that another form of it may be accepted.
SAID_NO = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class MoveWay:
    """A form of ContinuousMove."""

    timeout: bool = True
    spaces: bool = False
    together: bool = True  # both axes in one request
    zoom: bool = True


# Ordered by how much is given up; without a Timeout only Stop ends the motion, so that is the last resort.
MOVE_WAYS = (MoveWay(), MoveWay(spaces=True), MoveWay(together=False), MoveWay(zoom=False), MoveWay(timeout=False))


class Ways(Generic[T]):
    """A preference among ways of saying the same; the one that was accepted last is tried first."""

    def __init__(self, ways: Sequence[T], *, settles: bool) -> None:
        """`settles`: once a way was accepted, a refusal is about the request and no other way is tried."""
        self._ways = tuple(ways)
        self._settles = settles
        self._accepted: T | None = None

    def order(self) -> tuple[T, ...]:
        """The ways to try now, in order."""
        if self._accepted is None:
            return self._ways
        if self._settles:
            return (self._accepted,)
        return (self._accepted, *(way for way in self._ways if way != self._accepted))

    def accepted(self, way: T) -> None:
        """The camera took this one."""
        self._accepted = way

    def goes_on_after(self, error: CameraError) -> bool:
        """Whether the next way is worth trying."""
        return error.fault in SAID_NO


@dataclass(frozen=True, slots=True)
class AxisParts:
    """Which axes one request names."""

    pan_tilt: bool
    zoom: bool


def requests_for(velocity: Velocity, way: MoveWay, *, has_pan_tilt: bool, has_zoom: bool) -> tuple[AxisParts, ...]:
    """The requests that set every axis the camera has: an axis left out would keep moving, a zero stops it.

    None at all where `way` cannot express what is asked, or the camera has none of the axes that should turn.
    """
    zoom = has_zoom and way.zoom
    wanted_pan_tilt, wanted_zoom = velocity.pan != 0 or velocity.tilt != 0, velocity.zoom != 0
    if not velocity.is_zero and not (wanted_pan_tilt and has_pan_tilt) and not (wanted_zoom and zoom):
        return ()
    if has_pan_tilt and zoom and not way.together:
        return (AxisParts(pan_tilt=True, zoom=False), AxisParts(pan_tilt=False, zoom=True))
    return (AxisParts(pan_tilt=has_pan_tilt, zoom=zoom),) if has_pan_tilt or zoom else ()
