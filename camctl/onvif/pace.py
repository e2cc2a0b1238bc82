"""How far a step may go: a camera that does not stop by itself is driven in relative moves that end soon. Pure.

ONVIF does not tell how fast a camera turns, so a step's length is found by watching: it begins short enough for slow
motors and grows while the camera stands before its time. A camera that does not report positions keeps the short one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from camctl.ptz.model import MoveStatus, Position, PtzStatus, Velocity

# A step has to outlast the renewal (half a second) a little, and to end soon when nothing more comes.
STEP_S = 0.6
# Full speed in shares of the position space a second: that of slow motors (a whole turn in half a minute).
FIRST_GUESS = 0.06
SLOWEST, FASTEST = 0.01, 1.5
GROWTH = 2.0
_STANDING_SHARE = 0.05
_PLAIN_STEP = 0.01
_MOST_OF_IT, _NOT_MORE = 0.7, 1.3
_AXES = ("pan", "tilt", "zoom")


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the camera was at `at_s`, a monotonic time."""

    at_s: float
    status: PtzStatus


@dataclass(slots=True)
class Pace:
    """What was learnt of one camera's speeds: full speed of each axis, in shares of its position space a second."""

    full: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_AXES, FIRST_GUESS))

    def distance(self, velocity: Velocity) -> Velocity:
        """How far one step at this velocity goes, in shares of the position space."""
        return Velocity(*(_clip(getattr(velocity, axis) * self.full[axis] * STEP_S) for axis in _AXES))

    def learn(self, velocity: Velocity, sent_s: float, before: Position | None, first: Sample, second: Sample) -> None:
        """Take two looks at a step that was sent at `sent_s`; `before` is where it began, as far as that is known.

        A camera that had arrived by the first look may be driven farther; one that was turning all the time shows its
        speed. One that did not get anywhere (an end stop) teaches nothing.
        """
        wanted = self.distance(velocity)
        for axis in _AXES:
            share, step = abs(getattr(velocity, axis)), abs(getattr(wanted, axis))
            here, there = _place(first, axis), _place(second, axis)
            if not share or here is None or there is None or second.at_s <= first.at_s:
                continue
            moved, status = abs(there - here), second.status.move_status
            speed = moved / (second.at_s - first.at_s) / share
            stood = moved <= _STANDING_SHARE * step
            # One that does not tell whether it turns: a slow motion must not be taken for a standstill.
            has_arrived = status is MoveStatus.IDLE or (status is MoveStatus.UNKNOWN and stood and step >= _PLAIN_STEP)
            if has_arrived:
                start = getattr(before, axis) if before is not None else None
                elapsed_s = max((first if stood else second).at_s - sent_s, 0.01)
                if start is not None and _MOST_OF_IT * step <= abs(there - start) <= _NOT_MORE * step:
                    self._set(axis, self.full[axis] * max(1.0, min(GROWTH, STEP_S / elapsed_s)))
            elif status is MoveStatus.MOVING:
                # Halfway up, since it may have been driven by something else; down at once.
                self._set(axis, min(speed, (self.full[axis] + speed) / 2))

    def _set(self, axis: str, speed: float) -> None:
        self.full[axis] = min(max(speed, SLOWEST), FASTEST)


def _place(sample: Sample, axis: str) -> float | None:
    found: float | None = getattr(sample.status.position, axis)
    return found


def _clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)
