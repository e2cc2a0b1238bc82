"""The motors with a memory: commands in generic units, the present pose, and a log of what moved when and why."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from simulators import motors, optics
from simulators.clock import Clock
from simulators.config import CameraConfig, PresetConfig
from simulators.motors import AXES, AxisSpec, MotorSpecs, MotorState, Pose

LOG_LENGTH = 2000
LOWEST = {"pan": -1.0, "tilt": -1.0, "zoom": 0.0}  # of ONVIF's generic position spaces; the highest is 1


class Generic(NamedTuple):
    """Pan, tilt -1..1 and zoom 0..1 (positions) or -1..1 (velocities, translations); None leaves an axis alone."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None

    def axis(self, name: str) -> float | None:
        """The value of "pan", "tilt" or "zoom"."""
        value: float | None = getattr(self, name)
        return value


@dataclass(frozen=True, slots=True)
class MotorEvent:
    """One thing that happened to the motors.

    `kind` is a command ("move", "stop", "absolute", "relative", "preset", "home") or what the physics came to
    ("timeout": a continuous move expired, "limit": an end stop was reached, "standstill"), then `axis` names one motor.
    `pan`, `tilt`, `zoom` are the generic values of the command. Positions are those at `at_s` (monotonic clock).
    """

    at_s: float
    wall_s: float
    kind: str
    axis: str | None
    pan: float | None
    tilt: float | None
    zoom: float | None
    pan_deg: float
    tilt_deg: float
    zoom_x: float
    moving: bool  # whether any motor is still turning at that instant
    source: str

    def as_json(self) -> dict[str, Any]:
        """For the test's own side door."""
        return asdict(self)


def specs_of(config: CameraConfig) -> MotorSpecs:
    """The motors that a configuration asks for."""
    zoom_speed = 1.0 / config.zoom_travel_s
    widest = 0.0 if config.zoom_range[0] < config.zoom_range[1] else 1.0
    ranges = (*config.pan_range_deg, config.max_pan_deg_per_s), (*config.tilt_range_deg, config.max_tilt_deg_per_s)
    pan, tilt = (AxisSpec(low, high, speed, speed / config.acceleration_s) for low, high, speed in ranges)
    # A lens without zoom is one whose travel ends where it begins.
    return MotorSpecs(pan, tilt, AxisSpec(0.0, 1.0 - widest, zoom_speed, zoom_speed / config.acceleration_s))


def pose_of(preset: PresetConfig, config: CameraConfig) -> Pose:
    """A configured view in the motors' units."""
    return Pose(preset.pan_deg, preset.tilt_deg, optics.lens_travel(preset.zoom_x, config.zoom_range))


class Motors:
    """The motors of one camera. Commands belong to one thread; `pose` and `zoom_x` may be read from any."""

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._state: MotorState = motors.resting(specs_of(config), pose_of(config.home, config))
        self._log: deque[MotorEvent] = deque(maxlen=LOG_LENGTH)

    @property
    def log(self) -> deque[MotorEvent]:
        """What happened up to now, oldest first, at most LOG_LENGTH events."""
        self.advance()
        return self._log

    def advance(self) -> float:
        """Write down what the physics came to since the last look, exact however late it is called; the instant of it.

        Every command begins so: what happened before the command is in the log before it.
        """
        now = self._clock.monotonic()
        self._state, events = motors.advance(self._state, now)
        for event in events:
            self._note(event.at_s, event.kind, Generic(), "motors", event.axis)
        return now

    def pose(self, at_s: float | None = None) -> Pose:
        """Where the camera looks at a monotonic time (default now): degrees, degrees, lens travel."""
        return self._state.pose(self._clock.monotonic() if at_s is None else at_s)

    def zoom_x(self, at_s: float | None = None) -> float:
        """The magnification."""
        return optics.zoom_factor(self.pose(at_s).zoom, self._config.zoom_range)

    def speeds(self) -> Pose:
        """Present velocities: degrees/s, degrees/s, lens travel/s."""
        return self._state.speeds(self._clock.monotonic())

    def generic(self) -> Generic:
        """The pose in ONVIF's generic position spaces."""
        pose = self.pose()
        specs = self._state.specs
        return Generic(
            specs.pan.to_generic(pose.pan, LOWEST["pan"]),
            specs.tilt.to_generic(pose.tilt, LOWEST["tilt"]),
            specs.zoom.to_generic(pose.zoom, LOWEST["zoom"]) if specs.zoom.high > specs.zoom.low else 0.0,
        )

    def moving(self, *axes: str) -> bool:
        """Whether any of the axes (all, if none is named) is turning now."""
        now = self._clock.monotonic()
        return any(self._state.moving(axis, now) for axis in axes or AXES)

    def run(self, velocity: Generic, timeout_s: float | None, source: str) -> None:
        """Turn the named axes at a share of full speed; zero stops that one. None as timeout: until told otherwise."""
        now = self.advance()
        for axis in AXES:
            share = velocity.axis(axis)
            if share is not None:
                speed = self._fastest(axis, now) * min(max(share, -1.0), 1.0)
                self._state = motors.command_run(self._state, axis, now, speed, timeout_s)
        self._note(now, "move", velocity, source)

    def stop(self, axes: tuple[str, ...], source: str) -> None:
        """Brake the named axes."""
        now = self.advance()
        for axis in axes:
            self._state = motors.command_stop(self._state, axis, now)
        self._note(now, "stop", Generic(*(0.0 if axis in axes else None for axis in AXES)), source)

    def go_to(self, target: Pose, speed: Generic, kind: str, source: str) -> None:
        """Drive all axes to a pose in the motors' units."""
        now = self.advance()
        for axis in AXES:
            self._drive(axis, now, getattr(target, axis), speed)
        self._note(now, kind, self._as_generic(target), source)

    def go_to_generic(self, position: Generic, speed: Generic, source: str) -> None:
        """Drive the named axes to positions in the generic spaces."""
        now = self.advance()
        for axis in AXES:
            value = position.axis(axis)
            if value is not None:
                self._drive(axis, now, self._state.spec(axis).from_generic(value, LOWEST[axis]), speed)
        self._note(now, "absolute", position, source)

    def go_by_generic(self, translation: Generic, speed: Generic, source: str) -> None:
        """Drive the named axes by a translation, where 1 is as far as 1 is in the generic position space."""
        now = self.advance()
        here = self._state.pose(now)
        for axis in AXES:
            value = translation.axis(axis)
            if value is not None:
                spec = self._state.spec(axis)
                distance = value * (spec.high - spec.low) / (1.0 - LOWEST[axis])
                self._drive(axis, now, getattr(here, axis) + distance, speed)
        self._note(now, "relative", translation, source)

    def _drive(self, axis: str, now: float, target: float, speed: Generic) -> None:
        share = speed.axis(axis)
        fastest = self._fastest(axis, now) * (1.0 if share is None else min(abs(share), 1.0))
        self._state = motors.command_go_to(self._state, axis, now, target, fastest)

    def _fastest(self, axis: str, now: float) -> float:
        """Full speed of an axis; it follows the field of view on cameras that are built so."""
        fastest = self._state.spec(axis).max_speed
        if axis == "zoom" or not self._config.slower_when_zoomed:
            return fastest
        return max(fastest / self.zoom_x(now), fastest / 50)

    def _as_generic(self, pose: Pose) -> Generic:
        return Generic(*(self._state.spec(axis).to_generic(getattr(pose, axis), LOWEST[axis]) for axis in AXES))

    def _note(self, at_s: float, kind: str, command: Generic, source: str, axis: str | None = None) -> None:
        pose = self._state.pose(at_s)
        wall = self._clock.wall() + (at_s - self._clock.monotonic())
        moving = any(self._state.moving(name, at_s) for name in AXES)
        zoom_x = optics.zoom_factor(pose.zoom, self._config.zoom_range)
        self._log.append(MotorEvent(at_s, wall, kind, axis, *command, pose.pan, pose.tilt, zoom_x, moving, source))
