from __future__ import annotations

import pytest

from simulators.camera import MAX_PRESETS, PresetsFullError, SimulatedCamera, UnknownPresetError
from simulators.clock import ManualClock
from simulators.config import CameraConfig
from simulators.drive import Generic


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(50.0)


def make(clock: ManualClock, **settings: object) -> SimulatedCamera:
    return SimulatedCamera(CameraConfig.model_validate({"name": "Uji", "password": "x", **settings}), clock)


def kinds(camera: SimulatedCamera) -> list[str]:
    return [event.kind for event in camera.motor_log]


def test_it_turns_right_and_up_until_the_timeout(clock: ManualClock) -> None:
    camera = make(clock)
    camera.continuous_move(Generic(0.5, 0.5, None), 1.0)
    clock.advance(0.5)
    assert camera.status().pan_tilt_moving
    assert not camera.status().zoom_moving
    assert camera.motors.pose().pan > 10
    assert camera.motors.pose().tilt > -4
    clock.advance(3.0)
    assert not camera.status().pan_tilt_moving
    assert kinds(camera) == ["move", "timeout", "timeout", "standstill", "standstill"]
    assert camera.motor_log[-1].at_s < 50.0 + 1.0 + 0.125
    assert not camera.motor_log[-1].moving
    assert camera.motor_log[1].wall_s == pytest.approx(1_700_000_001.0)


def test_an_omitted_axis_goes_on_and_zero_stops_it(clock: ManualClock) -> None:
    camera = make(clock)
    camera.continuous_move(Generic(0.3, None, None), None)
    clock.advance(0.3)
    camera.continuous_move(Generic(None, 0.2, None), None)
    clock.advance(0.3)
    assert camera.motors.moving("pan")
    camera.continuous_move(Generic(0.0, None, None), None)
    clock.advance(0.3)
    assert not camera.motors.moving("pan")
    assert camera.motors.moving("tilt")


def test_stop_stops_only_what_it_names(clock: ManualClock) -> None:
    camera = make(clock)
    camera.continuous_move(Generic(0.3, 0.3, 0.5), None)
    clock.advance(0.3)
    camera.stop(pan_tilt=True, zoom=False)
    clock.advance(0.3)
    assert not camera.status().pan_tilt_moving
    assert camera.status().zoom_moving
    camera.stop(pan_tilt=False, zoom=True)
    clock.advance(0.3)
    assert not camera.motors.moving()


def test_a_limit_is_logged_with_its_axis(clock: ManualClock) -> None:
    camera = make(clock)
    camera.continuous_move(Generic(None, 1.0, None), 60.0)
    clock.advance(5.0)
    assert ("limit", "tilt") in [(event.kind, event.axis) for event in camera.motor_log]
    assert camera.motors.pose().tilt == 30.0


def test_absolute_relative_and_home(clock: ManualClock) -> None:
    camera = make(clock)
    camera.absolute_move(Generic(1.0, None, 1.0))
    clock.advance(10)
    assert camera.status().position.pan == pytest.approx(1.0)
    assert camera.motors.zoom_x() == pytest.approx(20.0)
    camera.relative_move(Generic(-0.5, None, None))
    clock.advance(10)
    assert camera.status().position.pan == pytest.approx(0.5)
    camera.goto_home()
    clock.advance(10)
    assert camera.motors.pose() == (camera.motors.pose().__class__(0.0, -4.0, 0.0))
    assert [kind for kind in kinds(camera) if kind != "standstill"] == ["absolute", "relative", "home"]


def test_a_move_in_the_view_goes_by_what_is_seen(clock: ManualClock) -> None:
    camera = make(clock)
    camera.move_in_view(Generic(1.0, None, None))
    clock.advance(5)
    assert camera.motors.pose().pan == pytest.approx(31.0)


def test_presets(clock: ManualClock) -> None:
    camera = make(clock, presets=[{"name": "Pintu", "pan_deg": 20, "token": "2"}, {"name": "Halte", "pan_deg": -20}])
    assert {token: preset.name for token, preset in camera.presets.items()} == {"2": "Pintu", "1": "Halte"}
    camera.goto_preset("2")
    clock.advance(5)
    assert camera.motors.pose().pan == pytest.approx(20.0)
    token = camera.set_preset("Baru")
    assert token not in {"1", "2"}
    assert camera.presets[token].pose.pan == pytest.approx(20.0)
    camera.remove_preset("1")
    with pytest.raises(UnknownPresetError):
        camera.goto_preset("1")
    with pytest.raises(UnknownPresetError):
        camera.set_preset("Baru", token="99")
    for _ in range(MAX_PRESETS - len(camera.presets)):
        camera.set_preset("x")
    with pytest.raises(PresetsFullError):
        camera.set_preset("one too many")


def test_slower_when_zoomed_follows_the_lens(clock: ManualClock) -> None:
    camera = make(clock, slower_when_zoomed=True)
    camera.absolute_move(Generic(None, None, 1.0))
    clock.advance(10)
    camera.continuous_move(Generic(1.0, None, None), None)
    clock.advance(1)
    assert camera.motors.speeds().pan == pytest.approx(5.0)


def test_a_lens_without_zoom_stays(clock: ManualClock) -> None:
    camera = make(clock, zoom_range=(2.0, 2.0), home={"name": "Home", "zoom_x": 2.0})
    camera.continuous_move(Generic(None, None, 1.0), 1.0)
    clock.advance(2)
    assert camera.motors.zoom_x() == pytest.approx(2.0)
    assert camera.status().position.zoom == 0.0


def test_the_log_is_bounded(clock: ManualClock) -> None:
    camera = make(clock)
    for _ in range(3000):
        camera.stop()
    assert len(camera.motor_log) == 2000


def test_the_password_is_not_in_the_repr(clock: ManualClock) -> None:
    camera = make(clock, password="rahasia-sekali")
    assert "rahasia" not in repr(camera.config) + repr(camera) + str(camera.config)
