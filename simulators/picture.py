"""One stream's pictures: the scene through the lens, with the camera's settings, the text and the strip on it."""

from __future__ import annotations

import time
from typing import Protocol

from simulators import imaging, optics, overlay, scene, strip
from simulators.clock import Clock
from simulators.config import CameraConfig, StreamConfig
from simulators.drive import Motors
from simulators.imaging import ImagingSettings, Picture
from simulators.optics import View


class Subject(Protocol):
    """What a picture shows of a camera."""

    config: CameraConfig
    clock: Clock
    motors: Motors
    imaging: ImagingSettings
    aux: dict[str, str]


class PictureMaker:
    """Makes the pictures of one stream; belongs to one thread at a time."""

    def __init__(self, camera: Subject, stream: StreamConfig) -> None:
        self._camera = camera
        self._stream = stream
        self._eye: scene.Eye | None = None

    def view(self, at_s: float) -> View:
        """What is in the picture at a monotonic time."""
        config, motors = self._camera.config, self._camera.motors
        pose = motors.pose(at_s)
        zoom_x = optics.zoom_factor(pose.zoom, config.zoom_range)
        fov = optics.field_of_view(zoom_x, config.wide_fov_deg)
        return optics.look(pose.pan, pose.tilt, fov, self._stream.width, self._stream.height)

    def picture(self, at_s: float, number: int) -> Picture:
        """See encoder.Pictures; the world is built at the first call (about a second, shared by many cameras)."""
        camera = self._camera
        if self._eye is None:
            self._eye = scene.Eye(scene.world(camera.config.seed, camera.config.daylight))
        image = imaging.apply(camera.imaging, self._eye.see(self.view(at_s), at_s))
        overlay.effects(image, camera.aux, at_s)
        pose, zoom_x = camera.motors.pose(at_s), camera.motors.zoom_x(at_s)
        # The time of the pose, not of the end of drawing: latency is measured by it.
        wall_s = camera.clock.wall() + (at_s - camera.clock.monotonic())
        shown = _local(wall_s + camera.config.clock_skew_s)
        overlay.text(image, camera.config.name, number, shown, (pose.pan, pose.tilt, zoom_x))
        reading = strip.Reading(number, round(wall_s * 1000), pose.pan, pose.tilt, zoom_x)
        strip.burn(image, reading)
        return image


def _local(wall_s: float) -> str:
    """Date and time with milliseconds as the camera shows them."""
    whole = int(wall_s)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(whole))}.{int((wall_s - whole) * 1000):03d}"
