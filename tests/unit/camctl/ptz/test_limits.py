"""Where a camera may be turned, and when nobody may see."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.ptz.limits import Hidden, Limits, Sector, hides, restrict
from camctl.ptz.model import Position, Velocity

WINDOW = Sector(pan=(0.1, 0.3), tilt=(-0.4, 0.4))
LIMITS = Limits(pan=(-0.5, 0.8), tilt=(-1.0, 0.2), sectors=(WINDOW,))
PLACE = st.floats(-1, 1)


def at(pan: float, tilt: float) -> Position:
    return Position(pan, tilt, 0.0)


def test_an_axis_stands_before_its_limit_and_the_other_goes_on() -> None:
    assert restrict(Velocity(-1.0, 0.5), at(-0.4, -0.9), LIMITS) == Velocity(0.0, 0.5)
    assert restrict(Velocity(-0.2, 0.0, 1.0), at(-0.4, -0.9), LIMITS) == Velocity(-0.2, 0.0, 1.0)


def test_back_inside_is_always_allowed() -> None:
    assert restrict(Velocity(1.0, -1.0), at(-0.9, 0.9), LIMITS) == Velocity(1.0, -1.0)


def test_the_camera_slides_along_the_edge_of_a_sector() -> None:
    assert restrict(Velocity(1.0, -0.2), at(0.0, 0.0), LIMITS) == Velocity(0.0, -0.2)


def test_a_sector_thinner_than_one_look_is_not_jumped_over() -> None:
    thin = Limits(sectors=(Sector((0.05, 0.06), (-1.0, 1.0)),))
    assert restrict(Velocity(1.0), at(0.0, 0.0), thin).is_zero


def test_a_camera_in_a_sector_may_leave_it() -> None:
    assert restrict(Velocity(1.0, 0.0), at(0.2, 0.0), LIMITS) == Velocity(1.0, 0.0)


def test_without_a_position_nothing_can_be_limited() -> None:
    assert restrict(Velocity(1.0, 1.0), Position(), LIMITS) == Velocity(1.0, 1.0)


@given(PLACE, PLACE, st.floats(0, 2 * math.pi))
def test_no_walk_at_any_angle_ends_in_a_sector_or_beyond_a_limit(pan: float, tilt: float, angle: float) -> None:
    limits = Limits(pan=(-0.5, 0.8), tilt=(-1.0, 0.6), sectors=(WINDOW,))
    if not (-0.5 <= pan <= 0.8 and -1.0 <= tilt <= 0.6) or WINDOW.contains(pan, tilt):
        return
    push = Velocity(math.cos(angle), math.sin(angle))
    for _ in range(40):  # at each look the head has gone as far as full speed allows
        allowed = restrict(push, at(pan, tilt), limits, 0.15)
        pan, tilt = max(-1.0, min(1.0, pan + allowed.pan * 0.1)), max(-1.0, min(1.0, tilt + allowed.tilt * 0.1))
        assert not WINDOW.contains(pan, tilt)
        assert -0.5 <= pan <= 0.8
        assert -1.0 <= tilt <= 0.6


@pytest.mark.parametrize(
    ("position", "age_s", "proved", "why"),
    [
        (at(0.2, 0.0), 0.1, True, Hidden.SECTOR),
        (at(0.07, 0.0), 0.1, True, Hidden.SECTOR),  # nearer than the margin
        (at(-0.5, 0.0), 0.1, True, None),
        (at(-0.5, 0.0), 10.0, True, Hidden.POSITION_STALE),
        (at(-0.5, 0.0), 0.1, False, Hidden.POSITION_UNKNOWN),
        (Position(pan=0.9), 0.1, True, Hidden.POSITION_UNKNOWN),
        (None, 0.1, True, Hidden.POSITION_UNKNOWN),
    ],
)
def test_the_picture_is_withheld_unless_the_camera_surely_looks_elsewhere(
    position: Position | None, age_s: float, proved: bool, why: Hidden | None
) -> None:
    assert hides(position, age_s, proved, LIMITS) is why
    assert hides(position, age_s, proved, Limits(pan=(-1.0, 0.0))) is None
