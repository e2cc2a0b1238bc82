from __future__ import annotations

import pytest

from simulators.motors import (
    AxisSpec,
    MotorSpecs,
    Point,
    Pose,
    advance,
    brake,
    command_run,
    go_to,
    resting,
    run,
    standing,
)

PAN = AxisSpec(-170.0, 170.0, 100.0, 800.0)
AT_REST = Point(0.0, 0.0)


def test_it_reaches_full_speed_by_its_acceleration() -> None:
    plan = run(PAN, AT_REST, 0.0, 100.0, None)
    assert plan.at(0.0625) == pytest.approx((0.5 * 800 * 0.0625**2, 50.0))
    assert plan.at(1.0).velocity == pytest.approx(100.0)
    assert plan.at(1.0).position == pytest.approx(100.0 - 100.0**2 / (2 * 800))


def test_a_stop_at_full_speed_takes_at_most_150_ms() -> None:
    cruising = run(PAN, AT_REST, 0.0, 100.0, None).at(1.0)
    stopping = brake(PAN, cruising, 1.0)
    assert 0 < stopping.end_s - 1.0 <= 0.150
    assert stopping.at(stopping.end_s) == (stopping.rest, 0.0)
    assert [mark.kind for mark in stopping.marks] == ["standstill"]


def test_a_timeout_brakes_by_itself_and_says_so() -> None:
    plan = run(PAN, AT_REST, 5.0, 50.0, 1.0)
    assert [mark.kind for mark in plan.marks] == ["timeout", "standstill"]
    assert plan.marks[0].at_s == 6.0
    assert plan.at(5.999).velocity == pytest.approx(50.0)
    assert plan.at(6.2).velocity == 0.0
    assert plan.at(100.0).position == plan.rest


def test_an_end_stop_is_reached_exactly_and_without_hitting_it() -> None:
    plan = run(PAN, Point(160.0, 0.0), 0.0, 100.0, None)
    assert [mark.kind for mark in plan.marks] == ["limit", "standstill"]
    assert plan.at(plan.end_s - 1e-6).velocity == pytest.approx(0.0, abs=0.01)
    assert plan.at(10.0).position == 170.0


def test_pushing_against_an_end_stop_says_so_at_once() -> None:
    plan = run(PAN, Point(170.0, 0.0), 3.0, 50.0, 10.0)
    assert plan.at(4.0) == (170.0, 0.0)
    assert [(mark.at_s, mark.kind) for mark in plan.marks] == [(3.0, "limit")]


def test_turning_round_brakes_first() -> None:
    rightwards = run(PAN, AT_REST, 0.0, 100.0, None)
    plan = run(PAN, rightwards.at(1.0), 1.0, -100.0, None)
    assert plan.at(1.1).velocity > 0
    assert plan.at(1.0 + 0.125).velocity == pytest.approx(0.0, abs=1e-9)
    assert plan.at(1.0 + 0.25).velocity == pytest.approx(-100.0)


def test_an_absolute_move_ends_where_it_was_sent() -> None:
    plan = go_to(PAN, AT_REST, 0.0, -33.3, 40.0)
    assert min(plan.at(t / 100).velocity for t in range(200)) == pytest.approx(-40.0)
    assert plan.rest == -33.3
    assert plan.at(plan.end_s - 1e-7).position == pytest.approx(-33.3)


def test_a_short_absolute_move_never_reaches_full_speed() -> None:
    plan = go_to(PAN, AT_REST, 0.0, 1.0, 100.0)
    assert 0 < max(plan.at(t / 1000).velocity for t in range(200)) < 100.0
    assert plan.at(1.0).position == 1.0


def test_a_target_beyond_the_end_stop_is_the_end_stop() -> None:
    assert go_to(PAN, AT_REST, 0.0, 500.0, 100.0).rest == 170.0


def test_slowing_down_is_as_gentle_as_speeding_up() -> None:
    fast = run(PAN, AT_REST, 0.0, 100.0, None).at(1.0)
    plan = run(PAN, fast, 1.0, 20.0, None)
    assert plan.at(1.05).velocity == pytest.approx(100.0 - 800 * 0.05)
    assert plan.at(1.1).velocity == pytest.approx(20.0)


def test_standing_has_nothing_to_tell() -> None:
    assert standing(3.0).at(0.0) == (3.0, 0.0)
    assert brake(PAN, AT_REST, 1.0).marks == ()


def test_each_mark_is_told_once() -> None:
    state = resting(MotorSpecs(PAN, PAN, PAN), Pose(0.0, 0.0, 0.0))
    state = command_run(state, "pan", 1.0, 50.0, 0.5)
    state = command_run(state, "tilt", 1.0, 50.0, 0.7)
    state, first = advance(state, 1.55)
    assert [(event.axis, event.kind) for event in first] == [("pan", "timeout")]
    state, rest = advance(state, 9.0)
    assert [(event.axis, event.kind) for event in rest] == [
        ("pan", "standstill"),
        ("tilt", "timeout"),
        ("tilt", "standstill"),
    ]
    assert advance(state, 10.0)[1] == []


@pytest.mark.parametrize(("value", "lowest", "position"), [(-1, -1, -170), (0, -1, 0), (1, -1, 170), (0.5, 0, 0)])
def test_generic_positions_span_the_range(value: float, lowest: float, position: float) -> None:
    assert PAN.from_generic(value, lowest) == pytest.approx(position)
    assert PAN.to_generic(position, lowest) == pytest.approx(value)
