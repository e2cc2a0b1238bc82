"""How long steps become: as long as the motor is fast, and never longer than they may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.onvif.pace import FASTEST, FIRST_GUESS, STEP_S, Pace, Sample
from camctl.ptz.model import MoveStatus, Position, PtzStatus, Velocity

RENEW_S = 0.5


def sample(at_s: float, pan: float | None, status: MoveStatus = MoveStatus.MOVING) -> Sample:
    return Sample(at_s, PtzStatus(Position(pan), status))


class Motor:
    """A pan axis without inertia that is driven in steps, and looked at as the watcher does."""

    def __init__(self, full: float, *, tells: bool = True, at: float = -0.9, end: float = 100.0) -> None:
        self.full, self.tells, self.at, self.end = full, tells, at, end
        self.longest_s = 0.0
        self.before: Position | None = None

    def step(self, pace: Pace, share: float, sent_s: float, looks: tuple[float, float] = (0.06, 0.32)) -> None:
        distance = min(pace.distance(Velocity(pan=share)).pan, self.end - self.at)
        speed = self.full * abs(share)
        lasts_s = distance / speed
        self.longest_s = max(self.longest_s, lasts_s)
        start = self.at

        def look(after_s: float) -> Sample:
            moving = MoveStatus.MOVING if after_s < lasts_s else MoveStatus.IDLE
            place = start + min(after_s * speed, distance)
            return sample(sent_s + after_s, place, moving if self.tells else MoveStatus.UNKNOWN)

        first, second = (look(after_s) for after_s in looks)
        pace.learn(Velocity(pan=share), sent_s, self.before, first, second)
        self.at = start + min(RENEW_S * speed, distance)
        self.before = second.status.position


def test_a_step_begins_short() -> None:
    assert Pace().distance(Velocity(pan=0.5, zoom=-1.0)) == Velocity(
        pan=0.5 * FIRST_GUESS * STEP_S, zoom=-FIRST_GUESS * STEP_S
    )


@given(
    full=st.floats(0.03, 1.4),
    shares=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=30),
    tells=st.booleans(),
)
def test_no_step_outlasts_its_time_by_much(full: float, shares: list[float], tells: bool) -> None:
    pace, motor = Pace(), Motor(full, tells=tells)
    for number, share in enumerate(shares):
        motor.step(pace, share, number * RENEW_S)
    # Slower than the first guess: the first steps are as long as that guess makes them.
    assert motor.longest_s <= STEP_S * max(1.1, FIRST_GUESS / full) + 1e-6


@pytest.mark.parametrize("full", [0.06, 0.2, 0.588, 1.2])
def test_steps_become_as_long_as_they_may(full: float) -> None:
    pace, motor = Pace(), Motor(full)
    for number in range(12):
        motor.step(pace, 0.5, number * RENEW_S)
    assert pace.full["pan"] == pytest.approx(full, rel=0.2)
    assert pace.full["tilt"] == FIRST_GUESS


def test_a_slow_motor_gets_shorter_steps() -> None:
    pace, motor = Pace(), Motor(0.02)
    for number in range(4):
        motor.step(pace, 1.0, number * RENEW_S)
    assert pace.full["pan"] == pytest.approx(0.02, rel=0.1)


def test_an_end_stop_teaches_nothing() -> None:
    pace, motor = Pace(), Motor(0.5, at=0.0, end=0.0)
    for number in range(10):
        motor.step(pace, 0.5, number * RENEW_S)
    assert pace.full["pan"] == FIRST_GUESS


def test_without_positions_steps_stay_short() -> None:
    pace = Pace()
    for number in range(10):
        pace.learn(Velocity(pan=1), number, Position(), sample(number + 0.1, None), sample(number + 0.4, None))
    assert pace.full["pan"] == FIRST_GUESS


def test_there_is_a_limit() -> None:
    pace, motor = Pace(), Motor(50.0)
    for number in range(40):
        motor.step(pace, 1.0, number * RENEW_S)
    assert pace.full["pan"] == FASTEST
    assert pace.distance(Velocity(pan=1.0)).pan <= 1.0
