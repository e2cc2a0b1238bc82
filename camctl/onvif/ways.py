"""Finding out by trying how a camera wants to be told something, and remembering what it accepted. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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

    @property
    def is_settled(self) -> bool:
        """Whether a way was accepted and no other one is tried any more."""
        return self._settles and self._accepted is not None


class Ladder(Generic[T]):
    """Ways of stopping, gone through while the camera does not come to rest; the last one that it accepted is first.

    A way that was not answered is said once more before another one is tried: what got lost says nothing against it,
    and a way that never proved itself might be accepted and do nothing.
    """

    def __init__(self, ways: Sequence[T]) -> None:
        self._ways = tuple(ways)
        self._preferred = self._at = 0
        self._was_accepted = self._is_repeated = False

    def order(self, attempt: int) -> tuple[T, ...]:
        """The ways to try now, in order; `attempt` counts the Stops of one standstill from 0."""
        if attempt == 0:
            self._at, self._is_repeated = self._preferred, False
        elif self._was_accepted or self._is_repeated:
            self._at, self._is_repeated = (self._at + 1) % len(self._ways), False
        else:
            self._is_repeated = True
        self._was_accepted = False
        return self._ways[self._at :] + self._ways[: self._at]

    def accepted(self, way: T) -> None:
        """The camera took this one."""
        self._at = self._preferred = self._ways.index(way)
        self._was_accepted = True


@dataclass(frozen=True, slots=True)
class StepWay:
    """A form of the short RelativeMove that stands for a continuous one."""

    speed: bool = True
    spaces: bool = False
    together: bool = True


STEP_WAYS = (
    StepWay(),
    StepWay(spaces=True),
    StepWay(speed=False),
    StepWay(speed=False, spaces=True),
    StepWay(together=False),
)


async def first_accepted(ways: Ways[T], say: Callable[[T], Awaitable[bool]]) -> None:
    """Try the ways in order until the camera accepts one, and remember it. `say` is False for what it cannot say.

    Raises:
        CameraError: the first refusal, when all ways were refused; UNSUPPORTED when no way can say what is asked.
    """
    refusal: CameraError | None = None
    for way in ways.order():
        try:
            is_said = await say(way)
        except CameraError as error:
            if not ways.goes_on_after(error):
                raise
            refusal = refusal or error
            continue
        if is_said:
            ways.accepted(way)
            return
    raise refusal or CameraError(CameraFault.UNSUPPORTED, "the camera has none of the axes that were asked for")


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
