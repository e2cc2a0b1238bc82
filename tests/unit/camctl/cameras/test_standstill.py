"""Whether a camera stands, by what it reports."""

from __future__ import annotations

import pytest

from camctl.cameras.standstill import Report, StandstillJudge, is_same
from camctl.ptz.model import Position


def judge(*reports: tuple[float, float], confirmed_at: float | None = 0.0) -> list[bool | None]:
    """The verdicts on reports (seconds after the Stop, pan)."""
    judge = StandstillJudge()
    judge.stop_sent(100.0)
    if confirmed_at is not None:
        judge.stop_confirmed(100.0 + confirmed_at)
    return [judge.report(at_once(100.0 + at, Position(pan, 0.0))) for at, pan in reports]


def at_once(asked_at: float, position: Position) -> Report:
    return Report(asked_at, asked_at, position)


def test_two_equal_reports_mean_that_it_stands_but_not_too_early() -> None:
    assert judge((0.25, 0.5), (0.5, 0.501)) == [None, True]
    assert judge((0.05, 0.5), (0.3, 0.5), (0.55, 0.5)) == [None, None, True]


def test_a_late_answer_and_a_quick_one_of_the_same_moment_are_no_standstill() -> None:
    # A busy camera: the first question is answered 0.4 s late, so that the second one finds it a moment further on.
    judge = StandstillJudge()
    judge.stop_sent(100.0)
    judge.stop_confirmed(100.0)
    reports = [
        Report(100.25, 100.65, Position(0.5)),
        Report(100.66, 100.67, Position(0.5005)),
        Report(100.92, 100.93, Position(0.512)),
        Report(101.18, 101.19, Position(0.524)),
    ]
    assert [judge.report(report) for report in reports] == [None, None, None, False]


def test_motors_may_run_out_but_not_for_ever() -> None:
    assert judge((0.25, 0.5), (0.5, 0.52), (0.75, 0.53)) == [None, None, None]
    assert judge((0.5, 0.5), (0.85, 0.55), (1.1, 0.6)) == [None, None, False]


def test_it_is_not_said_to_turn_on_while_no_stop_was_confirmed() -> None:
    assert judge((1.0, 0.5), (1.25, 0.6), (1.5, 0.7), confirmed_at=None) == [None, None, None]


def test_nothing_is_judged_before_a_stop_and_after_a_new_motion() -> None:
    judge = StandstillJudge()
    assert judge.report(at_once(1.0, Position(0.1))) is None
    judge.stop_sent(2.0)
    judge.moved()
    assert judge.report(at_once(3.0, Position(0.1))) is None
    assert judge.report(at_once(4.0, Position(0.1))) is None


def test_a_camera_that_never_stands_is_told_ever_more_seldom() -> None:
    judge, now, rounds = StandstillJudge(), 0.0, []
    for _ in range(9):
        judge.stop_sent(now)
        judge.stop_confirmed(now)
        began = now
        while judge.report(at_once(now, Position(now % 1.0))) is not False:
            now += 0.25
        rounds.append(now - began)
    assert rounds[0] < 1.5
    assert rounds[-1] > 5.0


@pytest.mark.parametrize(("other", "same"), [(Position(0.1015, None, 0.5), True), (Position(0.1, 0.0, 0.51), False)])
def test_axes_that_are_not_reported_say_nothing(other: Position, same: bool) -> None:
    assert is_same(Position(0.1, 0.3, 0.5), other) is (same and other.tilt is None)
