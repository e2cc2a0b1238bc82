"""Steering through the arbiter: moves, travels and Stops of one holder. Leases are in test_arbiter_leases.py."""

from __future__ import annotations

import pytest

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Phase, Rules
from camctl.ptz.model import Velocity, VelocityError
from tests.support.arbiter_sources import CAMAT, LEFT, LURAH, LURAH_TABLET, OTHER_LURAH, RIGHT, move, moving, sent


def stop_number(actions: list[ev.Action]) -> int:
    [stop] = sent(actions, ev.SendStop)
    return stop.number


def test_first_move_takes_a_free_camera_and_carries_a_whole_second_timeout() -> None:
    arbiter = Arbiter()
    actions = arbiter.handle(move(), 0.0)
    assert actions == [ev.SendMove(1, RIGHT, 1), ev.Publish()]
    assert arbiter.lease is not None
    assert arbiter.lease.source == LURAH


def test_a_move_on_a_held_camera_is_refused_even_from_a_higher_priority() -> None:
    arbiter = moving()
    assert arbiter.handle(move(CAMAT), 0.1) == [ev.Refuse(ev.Refusal.HELD)]


def test_silence_stops_the_camera_at_the_end_of_the_commands_life() -> None:
    arbiter = moving()
    assert arbiter.deadline() == pytest.approx(0.5)  # the renewal at half the camera's Timeout
    renew = arbiter.handle(ev.Tick(), 0.5)
    [again] = sent(renew, ev.SendMove)
    arbiter.handle(ev.MoveAnswered(again.number, ok=True), 0.51)
    assert arbiter.deadline() == pytest.approx(0.6)
    actions = arbiter.handle(ev.Tick(), 0.6)
    [stop] = sent(actions, ev.SendStop)
    assert stop.reason is ev.StopReason.SILENCE


def test_equal_moves_are_not_repeated_before_half_of_the_timeout() -> None:
    arbiter = moving()
    assert sent(arbiter.handle(move(), 0.1), ev.SendMove) == []
    assert len(sent(arbiter.handle(move(velocity=LEFT), 0.2), ev.SendMove)) == 1


def test_latest_wins_while_a_move_is_in_flight() -> None:
    arbiter = Arbiter()
    [first] = sent(arbiter.handle(move(), 0.0), ev.SendMove)
    for step, velocity in enumerate((Velocity(pan=0.6), Velocity(pan=0.7), LEFT), start=1):
        assert sent(arbiter.handle(move(velocity=velocity), step / 100), ev.SendMove) == []
    [second] = sent(arbiter.handle(ev.MoveAnswered(first.number, ok=True), 0.05), ev.SendMove)
    assert second.velocity == LEFT


def test_stop_goes_out_beside_a_hanging_move_and_again_when_that_ends() -> None:
    arbiter = Arbiter()
    [hanging] = sent(arbiter.handle(move(), 0.0), ev.SendMove)
    number = stop_number(arbiter.handle(ev.Stop(LURAH), 0.1))
    arbiter.handle(ev.StopAnswered(number, ok=True), 0.2)
    assert arbiter.phase is Phase.STILL
    again = arbiter.handle(ev.MoveAnswered(hanging.number, ok=True), 1.5)
    [stop] = sent(again, ev.SendStop)
    assert stop.reason is ev.StopReason.HANGING_MOVE


def test_take_over_stops_first_and_the_new_holders_move_waits_for_it() -> None:
    arbiter = moving()
    number = stop_number(arbiter.handle(ev.TakeOver(CAMAT, "accident"), 0.1))
    assert arbiter.lease is not None
    assert arbiter.lease.source == CAMAT
    assert sent(arbiter.handle(move(CAMAT, LEFT), 0.15), ev.SendMove) == []
    [after] = sent(arbiter.handle(ev.StopAnswered(number, ok=True), 0.2), ev.SendMove)
    assert after.velocity == LEFT


def test_the_losers_late_move_and_stop_are_dropped() -> None:
    arbiter = moving()
    arbiter.handle(ev.TakeOver(CAMAT, "accident"), 0.1)
    assert arbiter.handle(move(), 0.2) == [ev.Refuse(ev.Refusal.HELD)]
    assert arbiter.handle(ev.Stop(LURAH), 0.2) == [ev.Refuse(ev.Refusal.HELD)]


def test_take_over_needs_a_higher_priority_or_the_same_person() -> None:
    arbiter = moving()
    assert arbiter.handle(ev.TakeOver(OTHER_LURAH, "me"), 0.1) == [ev.Refuse(ev.Refusal.PRIORITY_TOO_LOW)]
    assert sent(arbiter.handle(ev.TakeOver(LURAH_TABLET, "my tablet"), 0.2), ev.Refuse) == []


def test_the_lease_ends_ten_seconds_past_the_last_command() -> None:
    arbiter = moving()
    number = stop_number(arbiter.handle(ev.Stop(LURAH), 0.3))
    arbiter.handle(ev.StopAnswered(number, ok=True), 0.35)
    assert arbiter.deadline() == pytest.approx(10.3)
    arbiter.handle(ev.Tick(), 10.2)
    assert arbiter.lease is not None
    assert ev.Publish() in arbiter.handle(ev.Tick(), 10.31)
    assert arbiter.lease is None


def test_onlookers_hear_about_once_a_second_that_the_holder_goes_on() -> None:
    arbiter = moving()
    published = sum(ev.Publish() in arbiter.handle(move(), step / 10) for step in range(1, 41))
    assert published == 4


def test_an_accepted_hold_is_a_live_holder_until_its_end() -> None:
    arbiter = Arbiter(Rules(lease_idle_s=0.5))
    arbiter.handle(move(life_s=2.0), 0.0)
    assert arbiter.handle(move(CAMAT), 1.9) == [ev.Refuse(ev.Refusal.HELD)]


def test_closing_the_holders_socket_stops_at_once_but_keeps_the_lease() -> None:
    arbiter = moving()
    assert arbiter.handle(ev.ChannelClosed("another"), 0.1) == []
    actions = arbiter.handle(ev.ChannelClosed(LURAH.channel), 0.2)
    assert len(sent(actions, ev.SendStop)) == 1
    assert arbiter.lease is not None


def test_a_stopped_gesture_stays_dead_and_a_new_one_lives() -> None:
    arbiter = Arbiter()
    arbiter.handle(move(gesture=4), 0.0)
    arbiter.handle(ev.Stop(LURAH), 0.1)
    assert arbiter.handle(move(gesture=4), 0.2) == [ev.Refuse(ev.Refusal.RELEASED)]
    assert sent(arbiter.handle(move(gesture=5), 0.3), ev.Refuse) == []


def test_a_stop_that_names_the_first_gesture_ends_it_even_before_its_move_came() -> None:
    arbiter = Arbiter()
    arbiter.handle(ev.Stop(LURAH, 0), 0.0)
    assert sent(arbiter.handle(move(gesture=0), 0.1), ev.Refuse) == [ev.Refuse(ev.Refusal.RELEASED)]


def test_a_gesture_that_only_fell_silent_may_resume() -> None:
    arbiter = Arbiter()
    arbiter.handle(move(gesture=4), 0.0)
    arbiter.handle(ev.Tick(), 0.7)
    assert sent(arbiter.handle(move(gesture=4), 0.8), ev.Refuse) == []


def test_an_unconfirmed_stop_is_repeated_with_growing_pauses_and_reported() -> None:
    arbiter = moving()
    number = stop_number(arbiter.handle(ev.Stop(LURAH), 0.0))
    now, pauses = 0.0, []
    for _ in range(5):
        arbiter.handle(ev.StopAnswered(number, ok=False), now)
        assert arbiter.stop_confirmed is False
        pauses.append(arbiter.deadline() - now)
        now = arbiter.deadline()
        number = stop_number(arbiter.handle(ev.Tick(), now))
    assert pauses == pytest.approx([0.25, 0.5, 1.0, 2.0, 4.0])
    arbiter.handle(ev.StopAnswered(number, ok=True), now)
    assert arbiter.stop_confirmed is True


def test_a_drumming_thumb_does_not_fill_the_stop_path() -> None:
    arbiter = moving()
    stops = sum(len(sent(arbiter.handle(ev.Stop(LURAH), t / 1000), ev.SendStop)) for t in range(100, 200))
    assert stops == 1
    assert len(sent(arbiter.handle(ev.Stop(LURAH), 0.4), ev.SendStop)) == 1


def test_travel_ends_when_the_camera_stands_still_and_is_stopped_when_it_never_does() -> None:
    arbiter = Arbiter()
    [travel] = sent(arbiter.handle(ev.Travel(LURAH, "1"), 0.0), ev.SendTravel)
    arbiter.handle(ev.MoveAnswered(travel.number, ok=True), 0.1)
    assert arbiter.phase is Phase.TRAVELLING
    arbiter.handle(ev.StandstillSeen(), 3.0)
    assert arbiter.phase is Phase.STILL
    [travel] = sent(arbiter.handle(ev.Travel(LURAH, "2"), 4.0), ev.SendTravel)
    arbiter.handle(ev.MoveAnswered(travel.number, ok=True), 4.1)
    [stop] = sent(arbiter.handle(ev.Tick(), 34.0), ev.SendStop)
    assert stop.reason is ev.StopReason.TRAVEL_LIMIT


def test_a_second_preset_while_the_first_is_being_asked_for_is_not_lost() -> None:
    arbiter = Arbiter()
    [first] = sent(arbiter.handle(ev.Travel(LURAH, "1"), 0.0), ev.SendTravel)
    assert sent(arbiter.handle(ev.Travel(LURAH, "2"), 0.1), ev.SendTravel) == []
    [second] = sent(arbiter.handle(ev.MoveAnswered(first.number, ok=True), 0.2), ev.SendTravel)
    assert second.preset == "2"


def test_revoking_the_sign_in_stops_and_frees() -> None:
    arbiter = moving()
    assert len(sent(arbiter.handle(ev.Revoke(LURAH.sign_in), 0.1), ev.SendStop)) == 1
    assert arbiter.lease is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.01, -1.01])
def test_velocities_outside_minus_one_to_one_cannot_exist(value: float) -> None:
    with pytest.raises(VelocityError, match="tilt must be a number from -1 to 1"):
        Velocity(tilt=value)
