"""The motors of a camera as physics: every command is turned into a whole plan of motion at once, exact for any time.

Nothing here integrates step by step. A command yields, per axis, a list of segments of constant acceleration that ends
at standstill, and the marks on the way ("timeout" when a continuous move expires, "limit" when an end stop was
reached, "standstill"). Where the axis is at any time is a formula, so it does not matter how often anybody looks.

Units are the axis's own: degrees for pan (right is positive) and tilt (up is positive), lens travel 0..1 for zoom.
Times are seconds of one monotonic clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import NamedTuple

AXES = ("pan", "tilt", "zoom")


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """One motor: its end stops, fastest speed (units/s) and acceleration (units/s2, for starting and for stopping)."""

    low: float
    high: float
    max_speed: float
    acceleration: float

    def clamp(self, position: float) -> float:
        """The nearest position between the end stops."""
        return min(max(position, self.low), self.high)

    def from_generic(self, value: float, lowest: float) -> float:
        """ONVIF's generic position (`lowest`..1, lowest is -1 or 0) in this axis's units."""
        share = (value - lowest) / (1.0 - lowest)
        return self.clamp(self.low + share * (self.high - self.low))

    def to_generic(self, position: float, lowest: float) -> float:
        """The opposite of from_generic, clipped to the space."""
        span = self.high - self.low
        share = (position - self.low) / span if span > 0 else 0.5
        return min(max(lowest + share * (1.0 - lowest), lowest), 1.0)


class Mark(NamedTuple):
    """Something that a plan comes to at `at_s`: "timeout", "limit" or "standstill"."""

    at_s: float
    kind: str


class Point(NamedTuple):
    """An axis at one instant."""

    position: float
    velocity: float


class Segment(NamedTuple):
    """From `start_s` on: this position and velocity, and a constant acceleration."""

    start_s: float
    position: float
    velocity: float
    acceleration: float

    def at(self, now: float) -> Point:
        """The axis at `now`, which lies in this segment."""
        t = now - self.start_s
        return Point(
            self.position + self.velocity * t + 0.5 * self.acceleration * t * t,
            self.velocity + self.acceleration * t,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one axis will do: segments until `end_s`, then standstill at `rest`."""

    segments: tuple[Segment, ...]
    end_s: float
    rest: float
    marks: tuple[Mark, ...] = ()

    def at(self, now: float) -> Point:
        """Position and velocity at `now`; before the plan's start it is as at the start."""
        if now >= self.end_s or not self.segments:
            return Point(self.rest, 0.0)
        index = bisect_right(self.segments, now, key=lambda segment: segment.start_s) - 1
        segment = self.segments[max(index, 0)]
        return segment.at(max(now, segment.start_s))

    def until(self, now: float) -> tuple[Segment, ...]:
        """The segments that begin before `now`."""
        return tuple(segment for segment in self.segments if segment.start_s < now)


def standing(position: float) -> Plan:
    """No motion at all."""
    return Plan((), -math.inf, position)


def brake(spec: AxisSpec, start: Point, now: float) -> Plan:
    """Come to standstill as fast as the motor can."""
    duration = abs(start.velocity) / spec.acceleration
    if duration == 0.0:
        return standing(start.position)
    slow_down = math.copysign(spec.acceleration, -start.velocity)
    segment = Segment(now, start.position, start.velocity, slow_down)
    rest = spec.clamp(start.position + 0.5 * start.velocity * duration)
    return Plan((segment,), now + duration, rest, (Mark(now + duration, "standstill"),))


def go_to(spec: AxisSpec, start: Point, now: float, target: float, speed: float) -> Plan:
    """Reach `target` (clamped to the end stops) as fast as `speed` (> 0, clipped to the fastest) and motor allow.

    A motor that runs the wrong way, or too fast to stop in time, brakes first and comes back.
    """
    target = spec.clamp(target)
    speed = min(abs(speed), spec.max_speed)
    halt = start.position + start.velocity * abs(start.velocity) / (2 * spec.acceleration)
    heading = math.copysign(1.0, target - halt)
    if target == halt or speed == 0.0:
        return brake(spec, start, now)
    if start.velocity * heading < 0:
        first = brake(spec, start, now)
        then = go_to(spec, Point(first.rest, 0.0), first.end_s, target, speed)
        return replace(then, segments=first.segments + then.segments)
    return _run(spec, start, now, target, speed * heading)


def _run(spec: AxisSpec, start: Point, now: float, target: float, velocity: float) -> Plan:
    """Speed up or down to `velocity`, cruise, brake onto `target`; the start moves towards it or stands."""
    rate = spec.acceleration
    heading = math.copysign(1.0, velocity)
    distance = max(heading * (target - start.position), 0.0)
    begin = abs(start.velocity)
    # The highest speed from which the target can still be braked onto.
    peak = max(min(abs(velocity), math.sqrt(rate * distance + begin * begin / 2)), 0.0)
    ramp = Segment(now, start.position, start.velocity, math.copysign(rate, peak - begin) * heading)
    ramp_s = abs(peak - begin) / rate
    at_peak = Point(start.position + heading * (peak + begin) / 2 * ramp_s, heading * peak)
    cruise = distance - heading * (at_peak.position - start.position) - peak * peak / (2 * rate)
    cruise_s = max(cruise, 0.0) / peak if peak > 0 else 0.0
    brake_at = now + ramp_s + cruise_s
    end = brake_at + peak / rate
    segments = (
        ramp,
        Segment(now + ramp_s, at_peak.position, at_peak.velocity, 0.0),
        Segment(brake_at, at_peak.position + at_peak.velocity * cruise_s, at_peak.velocity, -heading * rate),
    )
    return Plan(segments, end, target, (Mark(end, "standstill"),))


def run(spec: AxisSpec, start: Point, now: float, velocity: float, timeout_s: float | None) -> Plan:
    """Turn at `velocity` (units/s, clipped) until the end stop, or until `timeout_s` has passed (None: for ever)."""
    if velocity == 0.0:
        return brake(spec, start, now)
    stop = spec.high if velocity > 0 else spec.low
    plan = go_to(spec, start, now, stop, velocity)
    if timeout_s is None or now + timeout_s >= plan.end_s:
        return replace(plan, marks=(Mark(max(plan.end_s, now), "limit"), *plan.marks))
    deadline = now + timeout_s
    rest = brake(spec, plan.at(deadline), deadline)
    marks = (Mark(deadline, "timeout"), *(rest.marks or (Mark(deadline, "standstill"),)))
    end = max(rest.end_s, deadline)
    return Plan(plan.until(deadline) + rest.segments, end, rest.rest, marks)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera looks: pan and tilt in degrees, zoom as lens travel 0..1."""

    pan: float
    tilt: float
    zoom: float


@dataclass(frozen=True, slots=True)
class MotorSpecs:
    """The three motors."""

    pan: AxisSpec
    tilt: AxisSpec
    zoom: AxisSpec


@dataclass(frozen=True, slots=True)
class MotorState:
    """The plans of the three axes; the marks in them are those that have not been told yet."""

    specs: MotorSpecs
    pan: Plan
    tilt: Plan
    zoom: Plan

    def plan(self, axis: str) -> Plan:
        """The plan of "pan", "tilt" or "zoom"."""
        plan: Plan = getattr(self, axis)
        return plan

    def spec(self, axis: str) -> AxisSpec:
        """The motor of "pan", "tilt" or "zoom"."""
        spec: AxisSpec = getattr(self.specs, axis)
        return spec

    def pose(self, now: float) -> Pose:
        """Where it looks at `now`."""
        return Pose(self.pan.at(now).position, self.tilt.at(now).position, self.zoom.at(now).position)

    def speeds(self, now: float) -> Pose:
        """Velocity of each axis at `now`, in units/s."""
        return Pose(self.pan.at(now).velocity, self.tilt.at(now).velocity, self.zoom.at(now).velocity)

    def moving(self, axis: str, now: float) -> bool:
        """Whether the axis has not come to rest yet."""
        return now < self.plan(axis).end_s


class AxisEvent(NamedTuple):
    """A mark that was passed."""

    at_s: float
    axis: str
    kind: str


def resting(specs: MotorSpecs, pose: Pose) -> MotorState:
    """A camera that stands at `pose` (clamped to the end stops)."""
    return MotorState(
        specs,
        standing(specs.pan.clamp(pose.pan)),
        standing(specs.tilt.clamp(pose.tilt)),
        standing(specs.zoom.clamp(pose.zoom)),
    )


def advance(state: MotorState, now: float) -> tuple[MotorState, list[AxisEvent]]:
    """Tell what happened since the last call, in order of time. Calling it more or less often changes nothing."""
    events: list[AxisEvent] = []
    for axis in AXES:
        plan = state.plan(axis)
        passed = [mark for mark in plan.marks if mark.at_s <= now]
        if passed:
            events += [AxisEvent(mark.at_s, axis, mark.kind) for mark in passed]
            ahead = tuple(mark for mark in plan.marks if mark.at_s > now)
            state = with_plan(state, axis, replace(plan, marks=ahead))
    return state, sorted(events, key=lambda event: event.at_s)


def with_plan(state: MotorState, axis: str, plan: Plan) -> MotorState:
    """The state with one axis's future replaced; marks of the old one that were not told are lost (advance first)."""
    if axis == "pan":
        return replace(state, pan=plan)
    if axis == "tilt":
        return replace(state, tilt=plan)
    return replace(state, zoom=plan)


def command_run(state: MotorState, axis: str, now: float, velocity: float, timeout_s: float | None) -> MotorState:
    """Continuous move of one axis; `velocity` in units/s."""
    spec = state.spec(axis)
    return with_plan(state, axis, run(spec, state.plan(axis).at(now), now, velocity, timeout_s))


def command_go_to(state: MotorState, axis: str, now: float, target: float, speed: float) -> MotorState:
    """Absolute move of one axis; `speed` in units/s."""
    spec = state.spec(axis)
    return with_plan(state, axis, go_to(spec, state.plan(axis).at(now), now, target, speed))


def command_stop(state: MotorState, axis: str, now: float) -> MotorState:
    """Stop one axis."""
    return with_plan(state, axis, brake(state.spec(axis), state.plan(axis).at(now), now))
