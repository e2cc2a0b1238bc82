"""What a push becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.ptz.model import STILL, Velocity
from camctl.ptz.shaping import SLOWEST, TELE_SHARE, shape

SPEED = st.floats(-1, 1)


def test_wide_and_prompt_the_push_is_the_speed() -> None:
    push = Velocity(0.8, -0.3, 0.5)
    assert shape(push, zoom=0.0, delay_s=0.2) == push
    assert shape(push, zoom=None, delay_s=None) == push


def test_at_full_zoom_it_turns_slower_but_zooms_as_before() -> None:
    shaped = shape(Velocity(1.0, 0.5, -1.0), zoom=1.0, delay_s=None)
    assert shaped.pan == pytest.approx(TELE_SHARE)
    assert shaped.tilt == pytest.approx(TELE_SHARE / 2)
    assert shaped.zoom == -1.0


def test_a_late_picture_slows_everything_so_that_the_overshoot_stays_the_same() -> None:
    shaped = shape(Velocity(1.0, 0.0, 1.0), zoom=None, delay_s=1.2)
    assert shaped == Velocity(0.5, 0.0, 0.5)
    assert shape(Velocity(1.0), zoom=None, delay_s=60.0).pan == 0.25


@given(SPEED, SPEED, SPEED, st.none() | st.floats(-1, 2), st.none() | st.floats(0, 100))
def test_direction_is_kept_and_nothing_gets_faster_or_stands(
    pan: float, tilt: float, zoom: float, lens: float | None, delay_s: float | None
) -> None:
    push = Velocity(pan, tilt, zoom)
    shaped = shape(push, zoom=lens, delay_s=delay_s)
    assert shaped.pan * tilt == pytest.approx(shaped.tilt * pan, abs=1e-9)
    for axis in ("pan", "tilt", "zoom"):
        before, after = getattr(push, axis), getattr(shaped, axis)
        assert abs(after) <= abs(before)
        assert before * after >= 0
    turning = max(abs(pan), abs(tilt))
    assert max(abs(shaped.pan), abs(shaped.tilt)) >= min(turning, SLOWEST) * 0.999


def test_still_stays_still() -> None:
    assert shape(STILL, zoom=1.0, delay_s=5.0) == STILL
