"""From velocities and positions to PTZ requests, and from GetStatus to our words."""

from __future__ import annotations

import math
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from camctl.onvif.capabilities import MediaProfile, Space, Spaces, assumed_spaces, choose_node, choose_profiles, presets
from camctl.onvif.quirks import StopWay
from camctl.onvif.steering import BOTH, Steering
from camctl.onvif.values import SIGNED, UNSIGNED, Range, TimeoutLimits
from camctl.onvif.ways import AxisParts, MoveWay, StepWay
from camctl.ptz.model import MoveStatus, Position, Velocity

TWO, ZOOM, PLACE = Space("two", SIGNED, SIGNED), Space("zoom", SIGNED, SIGNED), Space("place", UNSIGNED, UNSIGNED)
FULL = Steering("P", Spaces(TWO, ZOOM, TWO, PLACE, TWO, ZOOM), has_zoom=True, timeout=TimeoutLimits())
NO_ZOOM = Steering("P", Spaces(TWO, None, TWO, None, TWO, None), has_zoom=False, timeout=TimeoutLimits())


def moves(steering: Steering, velocity: Velocity, way: MoveWay | None = None) -> list[dict[str, Any]]:
    return list(steering.continuous_moves(velocity, 1, way or MoveWay()))


def test_a_camera_with_both_axes_is_told_both() -> None:
    assert moves(FULL, Velocity(pan=0.5)) == [
        {
            "ProfileToken": "P",
            "Velocity": {"PanTilt": {"x": 0.5, "y": 0.0}, "Zoom": {"x": 0.0}},
            "Timeout": timedelta(seconds=1),
        }
    ]


def test_a_camera_without_zoom_is_told_nothing_of_it() -> None:
    (request,) = moves(NO_ZOOM, Velocity(pan=0.5))
    assert "Zoom" not in request["Velocity"]
    assert moves(NO_ZOOM, Velocity(zoom=1)) == []


def test_the_ways_of_a_move() -> None:
    (named,) = moves(FULL, Velocity(tilt=1), MoveWay(spaces=True))
    assert named["Velocity"]["PanTilt"]["space"] == "two"
    assert named["Velocity"]["Zoom"]["space"] == "zoom"
    (endless,) = moves(FULL, Velocity(tilt=1), MoveWay(timeout=False))
    assert "Timeout" not in endless
    first, second = moves(FULL, Velocity(tilt=1), MoveWay(together=False))
    assert list(first["Velocity"]) == ["PanTilt"]
    assert list(second["Velocity"]) == ["Zoom"]


def test_a_camera_that_takes_no_timeout_gets_none() -> None:
    steering = Steering("P", FULL.spaces, has_zoom=True, timeout=TimeoutLimits(0, 0))
    assert "Timeout" not in moves(steering, Velocity(pan=1))[0]


def test_standing_still_is_zero_on_every_axis() -> None:
    (request,) = FULL.standstills(MoveWay())
    assert request["Velocity"] == {"PanTilt": {"x": 0.0, "y": 0.0}, "Zoom": {"x": 0.0}}


@pytest.mark.parametrize(
    ("steering", "way", "requests"),
    [
        (FULL, StopWay.AXES, [{"PanTilt": True, "Zoom": True}]),
        (FULL, StopWay.PLAIN, [{}]),
        (FULL, StopWay.PER_AXIS, [{"PanTilt": True}, {"Zoom": True}]),
        (NO_ZOOM, StopWay.AXES, [{"PanTilt": True, "Zoom": True}]),
        (NO_ZOOM, StopWay.PER_AXIS, [{"PanTilt": True}]),
        (FULL, StopWay.ZERO_VELOCITY, []),
    ],
)
def test_stop_names_all_axes_or_none_or_each(steering: Steering, way: StopWay, requests: list[dict[str, Any]]) -> None:
    assert list(steering.stops(way)) == [{"ProfileToken": "P", **request} for request in requests]


def test_the_relative_zero_names_every_axis_that_can_be_translated() -> None:
    assert FULL.relative_zero(spaces=True) == {
        "ProfileToken": "P",
        "Translation": {"PanTilt": {"x": 0.0, "y": 0.0, "space": "two"}, "Zoom": {"x": 0.0, "space": "zoom"}},
    }
    no_zoom = NO_ZOOM.relative_zero(spaces=False)
    assert no_zoom is not None
    assert list(no_zoom["Translation"]) == ["PanTilt"]
    without = Steering("P", Spaces(TWO, ZOOM), has_zoom=True, timeout=TimeoutLimits())
    assert without.relative_zero(spaces=False) is None


def test_steps_are_relative_moves_with_a_speed() -> None:
    distance, speed = Velocity(0.03, -0.0012, 0.0), Velocity(0.5, -0.02, 0.0)
    (request,) = FULL.steps(distance, speed, BOTH, StepWay())
    assert request["Translation"] == {"PanTilt": {"x": 0.03, "y": -0.0012}, "Zoom": {"x": 0.0}}
    assert request["Speed"] == {"PanTilt": {"x": 0.5, "y": 0.02}, "Zoom": {"x": 1.0}}
    (pan_tilt,) = FULL.steps(distance, speed, AxisParts(pan_tilt=True, zoom=False), StepWay(speed=False, spaces=True))
    assert pan_tilt == {"ProfileToken": "P", "Translation": {"PanTilt": {"x": 0.03, "y": -0.0012, "space": "two"}}}
    first, second = FULL.steps(distance, speed, BOTH, StepWay(together=False))
    assert (list(first["Translation"]), list(second["Translation"])) == (["PanTilt"], ["Zoom"])
    assert list(first["Speed"]) == ["PanTilt"]
    assert list(NO_ZOOM.steps(distance, speed, AxisParts(pan_tilt=False, zoom=True), StepWay())) == []


def test_speeds_are_in_the_cameras_own_range() -> None:
    hundred = Space("s", Range(0, 100), UNSIGNED)
    spaces = Spaces(TWO, ZOOM, speed_pan_tilt=hundred, speed_zoom=hundred)
    steering = Steering("P", spaces, has_zoom=True, timeout=TimeoutLimits())
    assert steering.speed(Velocity(0.25, 0.5, 0.75), BOTH) == {"PanTilt": {"x": 25.0, "y": 50.0}, "Zoom": {"x": 75.0}}
    # A speed of nothing for the axis that stands: some cameras take the first number for both.
    assert steering.speed(Velocity(tilt=-0.5), BOTH)["PanTilt"] == {"x": 50.0, "y": 50.0}


def test_absolute_moves() -> None:
    request = FULL.absolute_move(Position(0.5, -0.5, 0.25))
    assert request is not None
    assert request["Position"] == {"PanTilt": {"x": 0.5, "y": -0.5}, "Zoom": {"x": 0.25}}
    zoom_only = FULL.absolute_move(Position(zoom=1.0))
    assert zoom_only is not None
    assert list(zoom_only["Position"]) == ["Zoom"]
    assert FULL.absolute_move(Position(pan=0.5)) is None
    assert NO_ZOOM.absolute_move(Position(zoom=0.5)) is None
    assert FULL.absolute_move(Position()) is None


def test_relative_moves() -> None:
    request = FULL.relative_move(0.1, -7, 0, spaces=True)
    assert request is not None
    assert request["Translation"] == {"PanTilt": {"x": 0.1, "y": -1.0, "space": "two"}}
    assert FULL.relative_move(0, 0, 0) is None
    assert NO_ZOOM.relative_move(0, 0, 0.5) is None
    with pytest.raises(ValueError, match="finite"):
        FULL.relative_move(math.nan, 0, 0)
    with pytest.raises(ValueError, match="finite"):
        FULL.absolute_move(Position(math.nan, 0))


def status_reply(**changes: Any) -> SimpleNamespace:
    position = SimpleNamespace(PanTilt=SimpleNamespace(x=0.25, y=-0.5), Zoom=SimpleNamespace(x=0.125))
    given = {"Position": position, "MoveStatus": SimpleNamespace(PanTilt="MOVING", Zoom="IDLE"), **changes}
    return SimpleNamespace(**given)


def test_a_status_in_our_words() -> None:
    status = FULL.status(status_reply())
    assert status.position == Position(0.25, -0.5, 0.125)
    assert status.move_status is MoveStatus.MOVING


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (SimpleNamespace(PanTilt="IDLE", Zoom="IDLE"), MoveStatus.IDLE),
        (SimpleNamespace(PanTilt="IDLE", Zoom=None), MoveStatus.IDLE),
        (SimpleNamespace(PanTilt="IDLE", Zoom="UNKNOWN"), MoveStatus.UNKNOWN),
        (SimpleNamespace(PanTilt=None, Zoom=None), MoveStatus.UNKNOWN),
        (None, MoveStatus.UNKNOWN),
        ("MOVING", MoveStatus.MOVING),
        ("IDLE ", MoveStatus.IDLE),
    ],
)
def test_move_status_in_every_form(said: Any, meant: MoveStatus) -> None:
    assert FULL.status(status_reply(MoveStatus=said)).move_status is meant


def test_positions_are_read_in_the_cameras_own_range() -> None:
    degrees = Space("d", Range(-180, 180), Range(-90, 90))
    steering = Steering("P", Spaces(TWO, None, degrees), has_zoom=False, timeout=TimeoutLimits())
    reply = status_reply(Position=SimpleNamespace(PanTilt=SimpleNamespace(x=90.0, y=-90.0), Zoom=None))
    assert steering.status(reply).position == Position(0.5, -1.0, None)


def test_a_position_that_is_no_number_is_not_told() -> None:
    reply = status_reply(Position=SimpleNamespace(PanTilt=SimpleNamespace(x=math.nan, y=True), Zoom=None))
    assert FULL.status(reply).position == Position()


def test_presets_without_token_are_left_out() -> None:
    listed = [SimpleNamespace(token="1", Name=" Gerbang "), SimpleNamespace(token=None, Name="x"), None]
    assert [(preset.token, preset.name) for preset in presets(listed)] == [("1", "Gerbang")]


def test_a_list_of_all_slots_is_cut_to_those_in_use() -> None:
    listed = [SimpleNamespace(token=str(n), Name="Gerbang" if n == 9 else None) for n in range(255)]
    assert [preset.token for preset in presets(listed)] == ["9"]


def test_the_node_of_the_profile_is_chosen() -> None:
    nodes = [SimpleNamespace(token="a"), SimpleNamespace(token="b")]
    assert choose_node(nodes, "b") is nodes[1]
    assert choose_node(nodes, "gone") is nodes[0]
    assert choose_node(None, "a") is None


def test_profiles_are_chosen_by_size_and_ptz() -> None:
    def profile(token: str, width: int, encoding: str = "H264", node: str = "") -> MediaProfile:
        return MediaProfile(token, encoding, width, width, ptz_node=node)

    chosen = choose_profiles(
        [profile("s", 1), profile("m", 3), profile("l", 9, "JPEG", "n"), profile("m2", 3, node="n")]
    )
    assert chosen is not None
    assert chosen.main.token == "m2"  # as large as the other, and steers
    assert chosen.sub is not None
    assert chosen.sub.token == "s"
    assert chosen.ptz is chosen.main
    assert choose_profiles([]) is None


def test_what_is_assumed_of_a_silent_camera() -> None:
    assert assumed_spaces(MediaProfile("p")) == Spaces(velocity_pan_tilt=Space("", SIGNED, SIGNED))
    zoom = assumed_spaces(MediaProfile("p", default_spaces=("DefaultContinuousZoomVelocitySpace",)))
    assert zoom.velocity_pan_tilt is None
    assert zoom.velocity_zoom is not None
