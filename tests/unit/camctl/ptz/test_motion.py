"""The motion of one camera: Stops that fail, cameras that turn on, limits and travels, one test for each rule."""

from __future__ import annotations

import pytest

from camctl.ptz import events as ev
from camctl.ptz.model import STILL, Velocity
from camctl.ptz.motion import Go, Halt, Motion, Phase, Trip, Turn
from camctl.ptz.rules import Rules
from tests.support.arbiter_sources import LEFT, RIGHT, only_stop, sent

ASKED = Halt(ev.StopReason.ASKED, even_if_still=True)


def turning(velocity: Velocity = RIGHT, ends_at: float = 60.0) -> Motion:
    motion = Motion(Rules())
    [first] = sent(motion.handle(Go(Turn(velocity, ends_at, "ws")), 0.0), ev.SendMove)
    motion.handle(ev.MoveAnswered(first.number, ok=True), 0.0)
    return motion


def travelling(motion: Motion, preset: str, now: float, speed: float | None = None) -> ev.SendTravel:
    [travel] = sent(motion.handle(Go(Trip(preset, speed, now + 30.0, "ws")), now), ev.SendTravel)
    return travel


def failing(motion: Motion, stop: ev.SendStop, now: float, times: int) -> tuple[ev.SendStop, float]:
    """Let the Stop fail, and those after it; returns the one that is then in flight."""
    for _ in range(times):
        motion.handle(ev.StopAnswered(stop.number, ok=False), now)
        now = motion.deadline()
        stop = only_stop(motion.handle(ev.Tick(), now))
    return stop, now


def test_every_failed_stop_goes_on_to_the_next_way_of_stopping() -> None:
    motion = turning()
    stop = only_stop(motion.handle(ASKED, 1.0))
    assert stop.attempt == 0
    stop, now = failing(motion, stop, 1.0, 3)
    assert (stop.attempt, stop.reason) == (3, ev.StopReason.RETRY)
    motion.handle(ev.StopAnswered(stop.number, ok=True), now)
    assert motion.stop_confirmed is True


def test_a_move_makes_the_first_way_of_stopping_the_first_again() -> None:
    motion = turning()
    stop, now = failing(motion, only_stop(motion.handle(ASKED, 1.0)), 1.0, 2)
    motion.handle(ev.StopAnswered(stop.number, ok=True), now)
    assert only_stop(motion.handle(ASKED, now + 1.0)).attempt == 2
    motion.handle(ev.StandstillSeen(), now + 1.1)
    motion.handle(Go(Turn(LEFT, now + 9.0, "ws")), now + 2.0)
    assert only_stop(motion.handle(ASKED, now + 3.0)).attempt == 0


def test_pauses_between_stops_do_not_grow_beyond_five_seconds() -> None:
    motion = turning()
    stop, now = failing(motion, only_stop(motion.handle(ASKED, 1.0)), 1.0, 12)
    motion.handle(ev.StopAnswered(stop.number, ok=False), now)
    assert motion.deadline() == now + 5.0


def test_a_standstill_seen_confirms_a_stop_that_still_hangs() -> None:
    motion = turning()
    stop = only_stop(motion.handle(ASKED, 1.0))
    motion.handle(ev.StandstillSeen(), 1.6)
    assert (motion.phase, motion.stop_confirmed) == (Phase.STILL, True)
    assert motion.handle(ev.StopAnswered(stop.number, ok=False), 3.0) == []
    assert motion.stop_confirmed is True


def test_a_standstill_seen_confirms_a_stop_that_failed() -> None:
    motion = turning()
    stop = only_stop(motion.handle(ASKED, 1.0))
    motion.handle(ev.StopAnswered(stop.number, ok=False), 1.1)
    motion.handle(ev.StandstillSeen(), 1.3)
    assert (motion.phase, motion.stop_confirmed) == (Phase.STILL, True)
    assert motion.deadline() == float("inf")


def test_a_camera_that_turns_on_after_a_confirmed_stop_is_stopped_in_the_next_way() -> None:
    motion = turning()
    for attempt in range(1, 4):
        stop = only_stop(motion.handle(ASKED if attempt == 1 else ev.TurningSeen(), attempt))
        motion.handle(ev.StopAnswered(stop.number, ok=True), attempt + 0.1)
    again = only_stop(motion.handle(ev.TurningSeen(), 5.0))
    assert (again.reason, again.attempt) == (ev.StopReason.STILL_TURNING, 3)
    assert (motion.phase, motion.stop_confirmed) == (Phase.STOPPING, False)


def test_a_camera_that_somebody_else_turns_is_left_alone() -> None:
    motion = Motion(Rules())
    assert motion.handle(ev.TurningSeen(), 1.0) == []


@pytest.mark.parametrize("phase", [Phase.MOVING, Phase.STOPPING])
def test_turning_is_no_news_before_a_stop_is_confirmed(phase: Phase) -> None:
    motion = turning()
    if phase is Phase.STOPPING:
        motion.handle(ASKED, 1.0)
    assert motion.handle(ev.TurningSeen(), 1.5) == []
    assert motion.phase is phase


def test_after_three_failed_stops_a_move_goes_out_once_the_old_one_has_timed_out() -> None:
    motion = turning()
    stop, now = failing(motion, only_stop(motion.handle(ASKED, 0.1)), 0.1, 2)
    assert motion.handle(Go(Turn(LEFT, 60.0, "ws")), now) == []
    assert now < 1.2  # the camera's Timeout and a margin after the last move
    motion.handle(ev.StopAnswered(stop.number, ok=False), now)
    assert motion.deadline() == pytest.approx(1.2)
    [first] = sent(motion.handle(ev.Tick(), motion.deadline()), ev.SendMove)
    assert first.velocity == LEFT
    assert motion.stop_confirmed is None


def test_a_limit_replaces_the_velocity_and_keeps_the_life() -> None:
    motion = turning(ends_at=0.9)
    [adjusted] = sent(motion.handle(ev.Adjust(LEFT), 0.2), ev.SendMove)
    assert adjusted.velocity == LEFT
    assert motion.wanted_until == 0.9


def test_at_a_limit_the_camera_is_stopped_and_the_gesture_may_go_on_elsewhere() -> None:
    motion = turning()
    stop = only_stop(motion.handle(ev.Adjust(STILL), 0.2))
    assert stop.reason is ev.StopReason.LIMIT
    motion.handle(ev.StopAnswered(stop.number, ok=True), 0.3)
    assert len(sent(motion.handle(Go(Turn(LEFT, 60.0, "ws")), 0.4), ev.SendMove)) == 1


def test_a_limit_is_nothing_to_a_travel_or_a_still_camera() -> None:
    motion = Motion(Rules())
    assert motion.handle(ev.Adjust(LEFT), 0.0) == []
    travelling(motion, "1", 0.1)
    assert motion.handle(ev.Adjust(STILL), 0.2) == []
    assert motion.phase is Phase.TRAVELLING


def test_a_limit_counts_for_the_move_that_waits_for_a_stop() -> None:
    motion = turning()
    stop = only_stop(motion.handle(ASKED, 1.0))
    motion.handle(Go(Turn(RIGHT, 60.0, "ws")), 1.05)
    motion.handle(ev.Adjust(LEFT), 1.1)
    [first] = sent(motion.handle(ev.StopAnswered(stop.number, ok=True), 1.2), ev.SendMove)
    assert first.velocity == LEFT


def test_a_travel_carries_its_speed() -> None:
    assert travelling(Motion(Rules()), "1", 0.0, speed=0.3).speed == 0.3


def test_a_refused_travel_from_standstill_leaves_it_standing() -> None:
    motion = Motion(Rules())
    travel = travelling(motion, "1", 0.0)
    assert motion.handle(ev.MoveAnswered(travel.number, ok=False, refused=True), 0.1) == []
    assert (motion.phase, motion.want) == (Phase.STILL, None)


def test_a_refused_travel_stops_what_the_camera_did_before() -> None:
    motion = turning()
    travel = travelling(motion, "1", 0.2)
    actions = motion.handle(ev.MoveAnswered(travel.number, ok=False, refused=True), 0.3)
    assert only_stop(actions).reason is ev.StopReason.TRAVEL_REFUSED


def test_a_refused_travel_does_not_take_the_next_one_with_it() -> None:
    motion = Motion(Rules())
    first = travelling(motion, "1", 0.0)
    motion.handle(Go(Trip("2", None, 30.0, "ws")), 0.1)
    actions = motion.handle(ev.MoveAnswered(first.number, ok=False, refused=True), 0.2)
    assert [travel.preset for travel in sent(actions, ev.SendTravel)] == ["2"]


def test_a_move_that_hangs_past_a_confirmed_stop_leaves_the_camera_unsettled() -> None:
    motion = Motion(Rules())
    [hanging] = sent(motion.handle(Go(Turn(RIGHT, 60.0, "ws")), 0.0), ev.SendMove)
    stop = only_stop(motion.handle(ASKED, 0.1))
    motion.handle(ev.StopAnswered(stop.number, ok=True), 0.2)
    assert (motion.phase, motion.is_settled) == (Phase.STILL, False)
    again = only_stop(motion.handle(ev.MoveAnswered(hanging.number, ok=False), 3.0))
    assert (again.reason, motion.stop_confirmed) == (ev.StopReason.HANGING_MOVE, None)


def test_the_table_has_a_row_for_every_input_and_phase() -> None:
    assert all(set(row) == set(Phase) for row in Motion._TABLE.values())
    assert set(Motion._TABLE) == {
        Go,
        Halt,
        ev.Adjust,
        ev.MoveAnswered,
        ev.StopAnswered,
        ev.StandstillSeen,
        ev.TurningSeen,
        ev.Tick,
    }
