"""Numbers for cameras: rounded, finite, scaled, whole seconds; and their way through zeep into XML."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from camctl.onvif.values import (
    MAX_TIMEOUT_S,
    SIGNED,
    UNSIGNED,
    Range,
    TimeoutLimits,
    from_camera,
    plain_number,
    scale_speed,
    to_camera,
    whole_seconds,
)


@pytest.mark.parametrize(
    ("value", "written"), [(0.12345, "0.123"), (1e-5, "0.0"), (-1e-5, "0.0"), (-0.0, "0.0"), (1 / 3, "0.333")]
)
def test_a_number_is_written_without_exponent_or_negative_zero(value: float, written: str) -> None:
    assert str(plain_number(value)) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_sent(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        plain_number(value)


@pytest.mark.parametrize(
    ("share", "limits", "sent"),
    [
        (0.5, SIGNED, 0.5),
        (0.5, Range(-100, 100), 50.0),
        (-0.5, Range(-40, 100), -20.0),
        (0.0, Range(5, 100), 0.0),  # zero stops, whatever the range says
        (0.5, Range(0, 0), 0.5),
        (0.5, Range(math.nan, 1), 0.5),
    ],
)
def test_speeds_are_scaled_to_the_cameras_range(share: float, limits: Range, sent: float) -> None:
    assert scale_speed(share, limits) == sent


@pytest.mark.parametrize("generic", [SIGNED, UNSIGNED])
@pytest.mark.parametrize("limits", [SIGNED, Range(0, 100), Range(-180, 180), Range(3, 3)])
def test_positions_there_and_back(generic: Range, limits: Range) -> None:
    for step in range(11):
        value = generic.low + (generic.high - generic.low) * step / 10
        assert from_camera(to_camera(value, generic, limits), generic, limits) == pytest.approx(value, abs=0.002)


def test_positions_out_of_range_are_clipped() -> None:
    assert to_camera(7.0, SIGNED, Range(-100, 100)) == 100.0
    assert from_camera(130.0, SIGNED, Range(-100, 100)) == 1.0


@pytest.mark.parametrize(
    ("wanted", "limits", "sent"),
    [
        (1, TimeoutLimits(), 1),
        (0.5, TimeoutLimits(), 1),
        (1.2, TimeoutLimits(), 2),
        (1, TimeoutLimits(5, 30), 5),
        (60, TimeoutLimits(1, 10), 10),
        (10_000, TimeoutLimits(), MAX_TIMEOUT_S),
    ],
)
def test_timeouts_are_whole_seconds_within_limits(wanted: float, limits: TimeoutLimits, sent: int) -> None:
    assert whole_seconds(wanted, limits) == timedelta(seconds=sent)


def test_a_camera_that_takes_no_timeout_gets_none() -> None:
    assert whole_seconds(1, TimeoutLimits(0, 0)) is None
