"""When a motor log proves that a camera was stopped, and when it proves nothing."""

from __future__ import annotations

import math

import pytest

from tests.support.verdict import Event, NothingToSeeError, Row, Until, ages, interruptions, judge, table

STOP = Row("finger lifted", 0.3, Until.STOP, "at once")
STILL = Row("camera gone", 1.1, Until.STILL, "its Timeout")
ANYWAY = Row("slow camera", 2.3, Until.STILL, "its 2 s", must_turn=False)


def move(at_s: float, pan: float = 0.1) -> Event:
    return Event(at_s, "move", pan, 0.0, 0.0, moving=True)


def stop(at_s: float) -> Event:
    return Event(at_s, "stop", 0.0, 0.0, 0.0, moving=True)


def stands(at_s: float, kind: str = "standstill") -> Event:
    return Event(at_s, kind, None, None, None, moving=False, axis="pan")


def test_a_stop_row_counts_until_the_command_and_a_still_row_until_the_motors_stand() -> None:
    events = [move(1.0), move(1.5), stop(2.05), stands(2.07)]
    assert judge(STOP, "a", 2.0, events).took_s == pytest.approx(0.05)
    assert judge(STILL, "a", 2.0, events).took_s == pytest.approx(0.07)


def test_a_move_by_nothing_is_a_stop() -> None:
    events = [move(1.0), Event(2.1, "move", 0.0, 0.0, None, moving=True), stands(2.12)]
    assert judge(STOP, "a", 2.0, events).took_s == pytest.approx(0.1)
    events = [move(1.0), Event(2.1, "relative", 0.0, 0.0, None, moving=True), stands(2.12)]
    assert judge(STOP, "a", 2.0, events).took_s == pytest.approx(0.1)


def test_a_stop_that_a_late_move_undoes_is_none() -> None:
    events = [move(1.0), stop(2.05), stands(2.07), move(2.2), stop(2.25), stands(2.27)]
    trial = judge(STOP, "a", 2.0, events)
    assert trial.took_s == pytest.approx(0.25)
    assert judge(STILL, "a", 2.0, events).took_s == pytest.approx(0.27)


def test_a_camera_that_turns_to_the_end_was_never_stopped() -> None:
    for events in ([move(1.0)], [move(1.0), stop(2.05), stands(2.07), move(2.2)]):
        for row in (STOP, STILL):
            trial = judge(row, "a", 2.0, events)
            assert trial.took_s == math.inf
            assert not trial.is_good
            assert "never" in trial.story()


def test_where_what_died_may_come_back_to_a_finger_that_is_still_down_the_first_end_counts() -> None:
    row = Row("control killed", 1.5, Until.STILL, "the stopper", may_resume=True)
    events = [move(1.0), stop(2.05), stands(2.07), move(4.0)]
    assert judge(row, "a", 2.0, events).took_s == pytest.approx(0.07)
    assert judge(row, "a", 2.0, [move(1.0), move(2.5)]).took_s == math.inf


def test_a_timeout_alone_satisfies_no_row_that_promises_a_stop() -> None:
    events = [move(1.0), stands(2.5, "timeout")]
    assert judge(STILL, "a", 2.0, events).is_good
    assert not judge(STOP, "a", 2.0, events).is_good


def test_a_camera_that_did_not_turn_proves_nothing() -> None:
    for events in ([], [move(1.0), stop(1.5), stands(1.52)], [move(2.1), stop(2.2), stands(2.22)]):
        with pytest.raises(NothingToSeeError, match="did not turn"):
            judge(STOP, "a", 2.0, events)


def test_a_row_whose_camera_need_not_turn_then_counts_what_turned_later() -> None:
    stood = [move(0.5), stands(1.5, "timeout")]
    assert judge(ANYWAY, "a", 2.0, stood).took_s == 0
    assert judge(ANYWAY, "a", 2.0, [*stood, move(3.9), stop(4.0), stands(4.02)]).took_s == pytest.approx(2.02)
    with pytest.raises(NothingToSeeError):
        judge(ANYWAY, "a", 2.0, [])


def test_a_story_tells_the_camera_and_what_its_motors_did_around_the_death() -> None:
    story = judge(STOP, "plain-7", 2.0, [move(1.0), stop(2.5), stands(2.52)]).story()
    assert "plain-7" in story
    assert "500 ms, limit 300" in story
    assert "-1.000 s  move  pan 0.1 (turning)" in story
    assert "+0.520 s  standstill pan (still)" in story


def test_the_table_has_a_row_for_each_row_with_its_spread() -> None:
    took = [judge(STOP, "a", 2.0, [move(1.0), stop(2 + late), stands(2.9)]) for late in (0.01, 0.02, 0.03, 0.04)]
    lines = table([*took, judge(STILL, "b", 2.0, [move(1.0), stands(2.8)])]).splitlines()
    assert lines[0].startswith("5 trials")
    assert lines[3].split() == ["finger", "lifted", "4", "20", "40", "40", "300", "Stop", "at", "once"]
    assert lines[4].split() == ["camera", "gone", "1", "800", "800", "800", "1100", "standstill", "its", "Timeout"]


def test_interruptions_are_halts_and_timeouts_within_the_time() -> None:
    events = [move(0.0), stop(1.0), stands(1.02), move(1.1), stands(2.2, "timeout"), move(2.5), stop(9.0), stands(9.02)]
    assert interruptions(events, 0.0, 8.0) == [1.0, 2.2]
    assert interruptions(events, 1.5, 8.0) == [2.2]


def test_the_age_of_a_move_is_found_by_its_velocity() -> None:
    sent = [(1.0, 0.1), (1.1, 0.102), (1.2, 0.104)]
    events = [move(1.05, 0.1), stop(1.3), move(1.5, 0.104), stands(2.0)]
    events.insert(1, move(1.25, 0.1))  # a renewal
    assert ages(events, sent, 0.0005) == [(1.05, pytest.approx(0.05)), (1.5, pytest.approx(0.3))]
    with pytest.raises(ValueError, match="nobody sent it"):
        ages([move(1.0, 0.2)], sent, 0.0005)
