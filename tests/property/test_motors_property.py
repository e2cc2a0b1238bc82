"""The motors' physics hold for any sequence of commands, however often anybody looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.motors import (
    AXES,
    AxisSpec,
    MotorSpecs,
    MotorState,
    Pose,
    advance,
    command_go_to,
    command_run,
    command_stop,
    resting,
)

SPECS = MotorSpecs(
    AxisSpec(-170.0, 170.0, 100.0, 800.0), AxisSpec(-60.0, 30.0, 60.0, 480.0), AxisSpec(0.0, 1.0, 0.25, 2.0)
)
START = 1_000_000.0  # a monotonic clock on a machine that has run for days

axes = st.sampled_from(AXES)
pauses = st.floats(0.0, 3.0, allow_nan=False)
shares = st.floats(-1.0, 1.0, allow_nan=False)
commands = st.lists(
    st.one_of(
        st.tuples(st.just("run"), axes, shares, st.one_of(st.none(), st.floats(0.0, 4.0)), pauses),
        st.tuples(st.just("go"), axes, shares, st.just(None), pauses),
        st.tuples(st.just("stop"), axes, shares, st.just(None), pauses),
    ),
    max_size=12,
)


def play(script: list[tuple], looks: int) -> tuple[MotorState, list, float]:
    """The state after the script, all that was told, and when it ended; `looks` extra calls of advance per pause."""
    state, now, told = resting(SPECS, Pose(0.0, 0.0, 0.0)), START, []
    for kind, axis, share, timeout_s, pause_s in script:
        state, events = advance(state, now)
        told += events
        spec = state.spec(axis)
        if kind == "run":
            state = command_run(state, axis, now, share * spec.max_speed, timeout_s)
        elif kind == "go":
            state = command_go_to(state, axis, now, spec.low + (share + 1) / 2 * (spec.high - spec.low), spec.max_speed)
        else:
            state = command_stop(state, axis, now)
        for look in range(1, looks + 1):
            state, events = advance(state, now + pause_s * look / (looks + 1))
            told += events
        now += pause_s
    state, events = advance(state, now)
    return state, told + events, now


@given(commands, st.integers(1, 40))
def test_how_often_anybody_looks_changes_nothing(script: list[tuple], looks: int) -> None:
    rarely, told_rarely, now = play(script, 0)
    often, told_often, _ = play(script, looks)
    assert rarely.pose(now) == often.pose(now)
    assert rarely.speeds(now) == often.speeds(now)
    assert sorted(told_rarely) == sorted(told_often)


@given(commands)
def test_no_axis_leaves_its_range_or_is_faster_than_its_motor(script: list[tuple]) -> None:
    state, _, now = play(script, 0)
    for step in range(200):
        for axis in AXES:
            spec, point = state.spec(axis), state.plan(axis).at(now + step * 0.025)
            slack = 1e-6 * (spec.high - spec.low)
            assert spec.low - slack <= point.position <= spec.high + slack
            assert abs(point.velocity) <= spec.max_speed * (1 + 1e-6)


@given(commands)
def test_position_and_velocity_never_jump(script: list[tuple]) -> None:
    state, _, now = play(script, 0)
    step_s = 0.001
    for axis in AXES:
        spec, plan = state.spec(axis), state.plan(axis)
        for index in range(300):
            before, after = plan.at(now + index * step_s), plan.at(now + (index + 1) * step_s)
            slack = 1e-6 * (spec.high - spec.low)
            assert abs(after.position - before.position) <= spec.max_speed * step_s + slack
            assert abs(after.velocity - before.velocity) <= spec.acceleration * step_s + 1e-3 * spec.max_speed


@given(commands)
def test_a_stop_ends_within_150_ms(script: list[tuple]) -> None:
    state, _, now = play(script, 0)
    for axis in AXES:
        state = command_stop(state, axis, now)
        assert not state.moving(axis, now + 0.150)
        assert state.plan(axis).at(now + 0.150).velocity == 0.0
