from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from simulators import scene
from simulators.camera import SimulatedCamera
from simulators.canvas import Canvas
from simulators.clock import ManualClock
from simulators.config import CameraConfig, StreamConfig
from simulators.drive import Generic
from simulators.figures import CAR, Rider, Vehicle, Walker
from simulators.imaging import ImagingSettings
from simulators.light import DAY, NIGHT, Light
from simulators.optics import View, look
from simulators.picture import PictureMaker
from simulators.sprites import Sprites
from simulators.strip import read, strip_height

WIDTH, HEIGHT = 640, 360


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def shown(pan: float, tilt: float = -4.0, fov: float = 62.0, daylight: str = "day", at_s: float = 0.0) -> np.ndarray:
    world = scene.world(1, "night" if daylight == "night" else "day")
    return scene.Eye(world).see(look(pan, tilt, fov, WIDTH, HEIGHT), at_s)


def test_the_same_pose_and_time_give_the_same_picture() -> None:
    assert difference(shown(10), shown(10)) < 2.0  # painted for itself or cut from the panorama


def test_turning_right_moves_the_picture_left() -> None:
    before = scene.world(1, "day").paint(look(0, 4, 62, WIDTH, HEIGHT))
    after = scene.world(1, "day").paint(look(10, 4, 62, WIDTH, HEIGHT))
    shift = round(10 * WIDTH / 62)
    assert difference(after[:, :-shift], before[:, shift:]) < 3.0
    assert difference(after, before) > 10.0


def test_day_is_brighter_than_night_and_seeds_differ() -> None:
    assert shown(0).mean() > shown(0, daylight="night").mean() + 50
    view = look(0, 4, 62, WIDTH, HEIGHT)
    assert difference(scene.world(1, "day").paint(view), scene.world(2, "day").paint(view)) > 10.0
    assert scene.world(1, "day") is scene.world(1 + scene.WORLDS, "day")


def test_traffic_moves_while_the_camera_rests() -> None:
    eye, view = scene.Eye(scene.world(1, "day")), look(0, -12, 62, WIDTH, HEIGHT)
    first = [eye.see(view, 0.0) for _ in range(3)][-1]
    second = eye.see(view, 0.5)
    assert difference(first, second) > 0.5
    assert difference(first[:90], second[:90]) < 0.01  # the sky does not


def wait_for_panorama(world: scene.World) -> np.ndarray:
    deadline = time.monotonic() + 30
    while (picture := world.panorama()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return picture


@pytest.mark.parametrize(("pan", "tilt", "fov"), [(0, -4, 62), (-170, -50, 62), (170, 30, 40), (33.3, 3.3, 50)])
def test_the_panorama_shows_what_is_painted(pan: float, tilt: float, fov: float) -> None:
    world, view = scene.world(1, "day"), look(pan, tilt, fov, WIDTH, HEIGHT)
    cut = scene.crop(wait_for_panorama(world), world.panorama_view, view)
    assert cut.shape == (HEIGHT, WIDTH, 3)
    assert difference(cv2.GaussianBlur(cut, (0, 0), 3), cv2.GaussianBlur(world.paint(view), (0, 0), 3)) < 4.0


def test_a_crop_is_right_to_half_a_pixel() -> None:
    ramp = np.tile(np.linspace(0, 250, 1000, dtype=np.float32)[None, :, None], (500, 1, 3)).astype(np.uint8)
    whole = View(0.0, 0.0, 10.0, 1000, 500)
    for pan in (0.0, 3.33, -20.01):
        part = scene.crop(ramp, whole, View(pan, 0.0, 20.0, 400, 200))
        assert part[100, 200, 0] == pytest.approx((pan + 50) * 2.5, abs=1.5)


def test_a_crop_beyond_the_edge_is_still_a_picture() -> None:
    whole = np.full((500, 1000, 3), 7, np.uint8)
    part = scene.crop(whole, View(0.0, 0.0, 10.0, 1000, 500), View(60.0, 40.0, 10.0, 400, 200))
    assert part.shape == (200, 400, 3)
    assert (part == 7).all()


@pytest.mark.parametrize("light", [DAY, NIGHT])
@pytest.mark.parametrize(
    "figure",
    [
        Vehicle(CAR, 6.0, 1.0, (214, 56, 50)),
        Rider(3.0, -1.0, (214, 56, 50)),
        Walker(4.0, 1.0, (214, 70, 60), (52, 58, 74), (240, 196, 70)),
    ],
)
def test_a_stamped_figure_looks_like_a_drawn_one(figure: Vehicle | Rider | Walker, light: Light) -> None:
    view = look(0.0, 0.0, 32.0, WIDTH, HEIGHT)
    drawn = Canvas(view, np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    stamped = Canvas(view, np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    figure.draw(drawn, 2.0, -1.0, light, 3)
    sprites = Sprites(light)
    assert not sprites.begin(view.px_per_deg)
    assert sprites.begin(view.px_per_deg)
    sprites.stamp(stamped, 0, figure, 2.0, -1.0, 3)
    assert difference(drawn.image, np.full_like(drawn.image, 90)) > 0.2
    assert difference(drawn.image, stamped.image) < 0.3


class TestPictures:
    clock = ManualClock(10.0)

    def make(self, **settings: object) -> tuple[SimulatedCamera, PictureMaker]:
        config = CameraConfig.model_validate({"name": "Uji", "password": "x", **settings})
        camera = SimulatedCamera(config, self.clock)
        return camera, PictureMaker(camera, StreamConfig(width=WIDTH, height=HEIGHT))

    def test_the_strip_says_where_the_camera_looks(self) -> None:
        camera, maker = self.make()
        camera.absolute_move(Generic(0.25, 0.0, 0.5))
        self.clock.advance(20)
        reading = read(maker.picture(self.clock.monotonic(), 77))
        assert reading is not None
        assert (reading.frame, reading.wall_ms) == (77, round(self.clock.wall() * 1000))
        assert (reading.pan_deg, reading.tilt_deg, reading.zoom_x) == (42.5, -15.0, 4.47)

    def test_the_camera_s_clock_is_shown_and_the_true_one_is_in_the_strip(self) -> None:
        _, right = self.make()
        _, wrong = self.make(clock_skew_s=3600.0)
        at_s = self.clock.monotonic()
        pictures = [maker.picture(at_s, 1) for maker in (right, wrong)]
        bar = slice(strip_height(WIDTH), strip_height(WIDTH) + 20)
        assert read(pictures[0]) == read(pictures[1])
        assert difference(pictures[0][bar], pictures[1][bar]) > 0.1

    @pytest.mark.parametrize(
        ("settings", "effect"),
        [
            (ImagingSettings(brightness=80), lambda plain, new: new.mean() > plain.mean() + 20),
            (ImagingSettings(brightness=20), lambda plain, new: new.mean() < plain.mean() - 20),
            (ImagingSettings(contrast=20), lambda plain, new: new.std() < plain.std() * 0.8),
            (ImagingSettings(saturation=0), lambda plain, new: np.ptp(new.astype(int), axis=2).max() <= 1),
            (ImagingSettings(ir_cut_filter="OFF"), lambda plain, new: np.ptp(new.astype(int), axis=2).max() <= 1),
            (ImagingSettings(sharpness=0), lambda plain, new: sharpness(new) < sharpness(plain)),
            (
                ImagingSettings(focus_mode="MANUAL", focus_position=1.0),
                lambda plain, new: sharpness(new) < sharpness(plain) * 0.3,
            ),
        ],
    )
    def test_picture_settings_can_be_seen(self, settings: ImagingSettings, effect: object) -> None:
        camera, maker = self.make()
        at_s = self.clock.monotonic()
        middle = np.s_[60:300]
        plain = maker.picture(at_s, 1)[middle]
        camera.imaging = settings
        assert callable(effect)
        assert effect(plain, maker.picture(at_s, 1)[middle])

    def test_the_wiper_can_be_seen(self) -> None:
        camera, maker = self.make()
        at_s = self.clock.monotonic()
        plain = maker.picture(at_s, 1)
        camera.aux["wiper"] = "on"
        assert difference(plain, maker.picture(at_s, 1)) > 1.0


def sharpness(image: np.ndarray) -> float:
    return float(cv2.Laplacian(image, cv2.CV_64F).var())
