"""One simulated camera: its motors, presets, picture settings and two streams, without any protocol."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from simulators.clock import Clock, SystemClock
from simulators.config import CameraConfig, StreamConfig
from simulators.drive import Generic, MotorEvent, Motors, pose_of
from simulators.encoder import VideoSource
from simulators.imaging import ImagingSettings
from simulators.motors import Pose
from simulators.picture import PictureMaker
from simulators.sound import Microphone

MAX_PRESETS = 300  # as many as real ones advertise


class UnknownPresetError(LookupError):
    """No preset has that token."""


class PresetsFullError(Exception):
    """The camera stores no more presets."""


@dataclass(frozen=True, slots=True)
class StoredPreset:
    """A view that the camera remembers: its name, and its pose in degrees and lens travel."""

    name: str
    pose: Pose


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """The answer to GetStatus: the pose in the generic spaces and what moves."""

    position: Generic
    pan_tilt_moving: bool
    zoom_moving: bool


class SimulatedCamera:
    """What ONVIF commands and RTSP shows. All methods belong to one thread; none of them blocks.

    `imaging` and `aux` (a lower-case name such as "wiper" to a state such as "on") may be changed at any time and
    change the picture.
    """

    def __init__(self, config: CameraConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self.motors = Motors(config, self.clock)
        self.imaging = ImagingSettings()
        self.aux: dict[str, str] = {"wiper": "off", "washer": "off", "irlamp": "auto"}
        self._home = pose_of(config.home, config)
        self._next_token = 1
        self.presets: dict[str, StoredPreset] = {}
        for preset in config.presets:
            token = preset.token or self._new_token()
            self.presets[token] = StoredPreset(preset.name, pose_of(preset, config))
        self._microphone = Microphone(config.sound, self.clock) if config.sound else None
        self.main = self._source("main", config.main)
        self.sub = self._source("sub", config.sub)

    def _source(self, name: str, stream: StreamConfig) -> VideoSource:
        pictures = PictureMaker(self, stream)
        return VideoSource(f"{self.config.name}/{name}", stream, self.config, pictures, self.clock, self._microphone)

    def __repr__(self) -> str:
        return f"SimulatedCamera({self.config.name!r})"

    @property
    def motor_log(self) -> deque[MotorEvent]:
        """What moved, when and why, up to now; the newest few thousand."""
        return self.motors.log

    @property
    def wall_s(self) -> float:
        """The camera's own idea of the time, wrong by the configured skew."""
        return self.clock.wall() + self.config.clock_skew_s

    def stream(self, name: Literal["main", "sub"]) -> VideoSource:
        """One of the two streams."""
        return self.main if name == "main" else self.sub

    def continuous_move(self, velocity: Generic, timeout_s: float | None, source: str = "onvif") -> None:
        """Turn at shares of full speed (-1..1; None leaves an axis alone, 0 stops it) for a time; None: for ever."""
        self.motors.run(velocity, timeout_s, source)

    def stop(self, pan_tilt: bool = True, zoom: bool = True, source: str = "onvif") -> None:
        """Brake."""
        axes = (("pan", "tilt") if pan_tilt else ()) + (("zoom",) if zoom else ())
        self.motors.stop(axes, source)

    def absolute_move(self, position: Generic, speed: Generic | None = None, source: str = "onvif") -> None:
        """Go to a position in the generic spaces; `speed` is a share of full speed per axis."""
        self.motors.go_to_generic(position, speed or Generic(), source)

    def relative_move(self, translation: Generic, speed: Generic | None = None, source: str = "onvif") -> None:
        """Go by a translation in the generic spaces."""
        self.motors.go_by_generic(translation, speed or Generic(), source)

    def move_in_view(self, translation: Generic, speed: Generic | None = None, source: str = "onvif") -> None:
        """Go by a share of what is in the picture: pan and tilt 1 is half a picture's width or height (FOV space)."""
        view = PictureMaker(self, self.config.main).view(self.clock.monotonic())
        here = self.motors.pose()
        target = Pose(
            here.pan + (translation.pan or 0.0) * view.width_deg / 2,
            here.tilt + (translation.tilt or 0.0) * view.height_deg / 2,
            here.zoom + (translation.zoom or 0.0),
        )
        self.motors.go_to(target, speed or Generic(), "relative", source)

    def status(self) -> CameraStatus:
        """Where it looks, and what is moving."""
        return CameraStatus(self.motors.generic(), self.motors.moving("pan", "tilt"), self.motors.moving("zoom"))

    def goto_preset(self, token: str, speed: Generic | None = None, source: str = "onvif") -> None:
        """Go to a stored view.

        Raises:
            UnknownPresetError: nothing is stored under that token.
        """
        self.motors.go_to(self._preset(token).pose, speed or Generic(), "preset", source)

    def set_preset(self, name: str | None = None, token: str | None = None) -> str:
        """Store the present view, over `token` if given; returns its token.

        Raises:
            UnknownPresetError: `token` is given and unknown.
            PresetsFullError: there is no room for a new one.
        """
        if token is not None:
            known = self._preset(token)
            name = name or known.name
        elif len(self.presets) >= MAX_PRESETS:
            raise PresetsFullError
        else:
            token = self._new_token()
        self.presets[token] = StoredPreset(name or f"Preset {token}", self.motors.pose())
        return token

    def remove_preset(self, token: str) -> None:
        """Forget a stored view.

        Raises:
            UnknownPresetError: nothing is stored under that token.
        """
        self._preset(token)
        del self.presets[token]

    def goto_home(self, speed: Generic | None = None, source: str = "onvif") -> None:
        """Go to the home view."""
        self.motors.go_to(self._home, speed or Generic(), "home", source)

    def set_home(self) -> None:
        """Make the present view the home view."""
        self._home = self.motors.pose()

    async def close(self) -> None:
        """Stop both encoders; idempotent."""
        await self.main.close()
        await self.sub.close()

    def _preset(self, token: str) -> StoredPreset:
        try:
            return self.presets[token]
        except KeyError:
            raise UnknownPresetError(token) from None

    def _new_token(self) -> str:
        taken = {preset.token for preset in self.config.presets} | set(self.presets)
        while str(self._next_token) in taken:
            self._next_token += 1
        token = str(self._next_token)
        self._next_token += 1
        return token
