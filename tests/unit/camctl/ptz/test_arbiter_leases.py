"""Who holds a camera: leases, fences, patrols that give way, take-over and reservations, one test for each rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Phase, Rules
from tests.support.arbiter_sources import (
    ADMIN,
    CAMAT,
    EVENT,
    LEFT,
    LURAH,
    LURAH_TABLET,
    OTHER_LURAH,
    PATROL,
    confirm_stop,
    held,
    holder,
    machine,
    move,
    moving,
    only_stop,
    person,
    refused,
    sent,
    waiting,
)

# Fences -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [move(fence=1), ev.Travel(LURAH, "1", fence=1), ev.Stop(LURAH, fence=1)])
def test_a_command_of_an_older_lease_is_refused_also_on_a_free_camera(late: ev.Event) -> None:
    arbiter = held()
    arbiter.handle(ev.TakeOver(CAMAT, "accident"), 1.0)
    arbiter.handle(ev.Release(CAMAT), 2.0)
    assert holder(arbiter) is None
    assert refused(arbiter.handle(late, 2.1)) is ev.Refusal.FENCED
    assert holder(arbiter) is None


def test_a_command_of_the_newest_lease_and_one_without_a_fence_pass() -> None:
    arbiter = held()
    assert refused(arbiter.handle(move(fence=1), 0.1)) is None
    assert refused(arbiter.handle(move(fence=None), 0.2)) is None


def test_a_new_channel_of_the_same_sign_in_continues_the_lease_with_a_new_fence() -> None:
    arbiter = held()
    again = replace(LURAH, channel="lurah:ws-2")
    assert refused(arbiter.handle(ev.Take(again), 3.0)) is None
    view = arbiter.view().holder
    assert view is not None
    assert (view.source, view.fence, view.since) == (again, 2, 0.0)
    assert refused(arbiter.handle(move(fence=1), 3.1)) is ev.Refusal.FENCED


# Patrols and events -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "touch",
    [
        ev.Take(LURAH),
        ev.Stop(LURAH),
        ev.Request(LURAH, "look"),
        ev.Reserve(LURAH, "flood", 600.0),
        ev.Travel(LURAH, "1"),
        move(velocity=LEFT),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_patrol_gives_way_to_a_persons_first_touch_after_a_stop(touch: ev.Event) -> None:
    arbiter = held(PATROL)
    arbiter.handle(ev.Travel(PATROL, "1"), 0.0)
    actions = arbiter.handle(touch, 1.0)
    assert only_stop(actions).reason is ev.StopReason.PREEMPTED
    assert not sent(actions, ev.SendMove) + sent(actions, ev.SendTravel)
    assert holder(arbiter) == LURAH


def test_the_move_that_preempts_a_patrol_waits_for_the_stop() -> None:
    arbiter = held(PATROL)
    stop = only_stop(arbiter.handle(move(velocity=LEFT), 1.0))
    [first] = sent(confirm_stop(arbiter, stop, 1.1), ev.SendMove)
    assert first.velocity == LEFT


def test_a_patrol_gives_way_to_an_event_but_an_event_not_to_a_patrol() -> None:
    arbiter = held(PATROL)
    assert refused(arbiter.handle(ev.Take(EVENT), 1.0)) is None
    assert refused(arbiter.handle(ev.Take(PATROL), 1.1)) is ev.Refusal.HELD
    assert holder(arbiter) == EVENT


def test_a_patrol_of_higher_priority_does_not_give_way() -> None:
    arbiter = held(machine(ev.SourceKind.PATROL, 55))
    assert refused(arbiter.handle(move(), 1.0)) is ev.Refusal.HELD
    assert refused(arbiter.handle(ev.TakeOver(LURAH, "x"), 1.0)) is ev.Refusal.PRIORITY_TOO_LOW


def test_a_patrol_never_waits() -> None:
    arbiter = held()
    assert refused(arbiter.handle(ev.Request(PATROL), 1.0)) is ev.Refusal.HELD
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 1.0)
    assert refused(arbiter.handle(ev.Request(PATROL), 1.1)) is ev.Refusal.RESERVED
    assert arbiter.view().queue == ()


# Taking over --------------------------------------------------------------------------------------------------------


def test_a_take_over_says_stop_even_if_it_stands_and_shows_its_reason() -> None:
    arbiter = held()
    assert only_stop(arbiter.handle(ev.TakeOver(CAMAT, "accident"), 1.0)).reason is ev.StopReason.TAKEN_OVER
    view = arbiter.view()
    assert view.holder is not None
    assert (view.holder.source, view.holder.reason, view.queue) == (CAMAT, "accident", ())


@pytest.mark.parametrize("event", [ev.Take(CAMAT), ev.Travel(CAMAT, "1"), ev.Stop(CAMAT), move(CAMAT)])
def test_what_is_not_a_take_over_takes_nothing_from_a_person(event: ev.Event) -> None:
    arbiter = moving()
    assert arbiter.handle(event, 0.1) == [ev.Refuse(ev.Refusal.HELD)]
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.2)
    assert arbiter.handle(event, 0.3) == [ev.Refuse(ev.Refusal.RESERVED)]


def test_only_the_right_to_break_takes_a_reserved_camera_whatever_the_priority() -> None:
    arbiter = held()
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.1)
    assert not arbiter.may_take_over(CAMAT)
    assert arbiter.handle(ev.TakeOver(CAMAT, "accident"), 1.0) == [ev.Refuse(ev.Refusal.RESERVED)]
    assert arbiter.view().may_take_over(ADMIN)
    assert refused(arbiter.handle(ev.TakeOver(ADMIN, "order"), 2.0)) is None
    view = arbiter.view().holder
    assert view is not None
    assert (view.source, view.reserved_until) == (ADMIN, None)


def test_the_right_to_break_alone_takes_no_unreserved_camera() -> None:
    assert held().handle(ev.TakeOver(ADMIN, "x"), 1.0) == [ev.Refuse(ev.Refusal.PRIORITY_TOO_LOW)]


def test_the_same_person_takes_over_on_another_device_with_the_reservation() -> None:
    arbiter = held()
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.1)
    assert refused(arbiter.handle(ev.TakeOver(LURAH_TABLET, "tablet"), 5.0)) is None
    view = arbiter.view().holder
    assert view is not None
    assert (view.source, view.reason, view.reserved_until, view.since) == (LURAH_TABLET, "flood", 600.1, 0.0)


def test_a_finger_that_is_still_down_does_not_turn_the_camera_when_it_is_free_again() -> None:
    arbiter = Arbiter()
    arbiter.handle(move(gesture=4), 0.0)
    arbiter.handle(ev.TakeOver(CAMAT, "accident"), 0.1)
    arbiter.handle(ev.Release(CAMAT), 0.2)
    assert refused(arbiter.handle(move(gesture=4), 0.3)) is ev.Refusal.RELEASED
    assert refused(arbiter.handle(move(gesture=5), 0.4)) is None


# Reserving ----------------------------------------------------------------------------------------------------------


def test_a_reserved_lease_does_not_idle_out_and_is_an_ordinary_one_after_its_limit() -> None:
    arbiter = Arbiter()
    arbiter.handle(ev.Reserve(LURAH, "flood", 60.0), 0.0)
    view = arbiter.view().holder
    assert view is not None
    assert (view.reason, view.reserved_until, view.ends_at) == ("flood", 60.0, 70.0)
    assert arbiter.deadline() == 60.0
    assert ev.Publish() in arbiter.handle(ev.Tick(), 60.0)
    assert arbiter.may_take_over(CAMAT)
    assert arbiter.deadline() == 70.0
    arbiter.handle(ev.Tick(), 70.0)
    assert holder(arbiter) is None


def test_a_reservation_is_no_longer_than_the_rules_allow() -> None:
    arbiter = Arbiter(Rules(reserve_max_s=100.0))
    arbiter.handle(ev.Reserve(LURAH, "flood", 86_400.0), 1.0)
    view = arbiter.view().holder
    assert view is not None
    assert view.reserved_until == 101.0


def test_the_holders_closed_socket_stops_the_motion_and_keeps_the_reservation() -> None:
    arbiter = moving()
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.1)
    assert only_stop(arbiter.handle(ev.ChannelClosed(LURAH.channel), 0.2)).reason is ev.StopReason.CHANNEL_CLOSED
    view = arbiter.view().holder
    assert view is not None
    assert view.reserved_until == 600.1


@pytest.mark.parametrize("end", [ev.Release(LURAH), ev.Revoke(LURAH.sign_in)])
def test_a_reservation_ends_with_its_lease(end: ev.Event) -> None:
    arbiter = held()
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.1)
    arbiter.handle(end, 1.0)
    assert holder(arbiter) is None


def test_unreserving_leaves_an_ordinary_lease() -> None:
    arbiter = held()
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 0.1)
    assert arbiter.handle(ev.Unreserve(CAMAT), 100.0) == [ev.Refuse(ev.Refusal.NOT_HOLDER)]
    arbiter.handle(ev.Unreserve(LURAH), 100.0)
    view = arbiter.view().holder
    assert view is not None
    assert (view.reserved_until, view.ends_at) == (None, 110.0)


def test_only_who_could_take_the_camera_reserves_it() -> None:
    arbiter = held()
    assert arbiter.handle(ev.Reserve(CAMAT, "x", 60.0), 1.0) == [ev.Refuse(ev.Refusal.HELD)]
    arbiter.handle(ev.Reserve(LURAH, "flood", 60.0), 1.0)
    assert arbiter.handle(ev.Reserve(CAMAT, "x", 60.0), 1.0) == [ev.Refuse(ev.Refusal.RESERVED)]


# Restoring ----------------------------------------------------------------------------------------------------------


def test_a_lease_goes_on_after_a_restart_with_what_is_left_of_it() -> None:
    old = held(now=100.0).view().holder
    arbiter = Arbiter()
    arbiter.restore(1, old, 104.0)
    assert arbiter.view().holder == old
    assert arbiter.deadline() == 110.0
    assert refused(arbiter.handle(move(CAMAT), 105.0)) is ev.Refusal.HELD
    assert refused(arbiter.handle(move(fence=1), 106.0)) is None


def test_a_reservation_goes_on_after_a_restart() -> None:
    before = held(now=100.0)
    before.handle(ev.Reserve(LURAH, "flood", 600.0), 100.0)
    arbiter = Arbiter()
    arbiter.restore(1, before.view().holder, 500.0)
    view = arbiter.view().holder
    assert view is not None
    assert (view.reserved_until, view.reason) == (700.0, "flood")
    assert refused(arbiter.handle(ev.TakeOver(CAMAT, "x"), 501.0)) is ev.Refusal.RESERVED


def test_a_lease_that_ended_meanwhile_stays_ended_but_its_fence_counts() -> None:
    old = held(now=100.0).view().holder
    arbiter = Arbiter()
    arbiter.restore(7, old, 110.0)
    assert holder(arbiter) is None
    assert refused(arbiter.handle(move(fence=6), 110.1)) is ev.Refusal.FENCED
    arbiter.handle(ev.Take(CAMAT), 110.2)
    assert arbiter.fence == 8


def test_a_restored_lease_gets_a_fence_above_every_other() -> None:
    arbiter = Arbiter()
    arbiter.restore(7, held(now=100.0).view().holder, 104.0)
    view = arbiter.view().holder
    assert view is not None
    assert view.fence == arbiter.fence == 8


def test_no_lease_is_restored_over_another() -> None:
    arbiter = held()
    with pytest.raises(ValueError, match="before the first"):
        arbiter.restore(3, None, 1.0)


# What everybody sees ------------------------------------------------------------------------------------------------


def test_an_event_finds_the_state_as_if_the_tick_had_come_in_time() -> None:
    arbiter = waiting(OTHER_LURAH)
    assert refused(arbiter.handle(move(), 10.02)) is ev.Refusal.HELD
    assert holder(arbiter) == OTHER_LURAH


def test_the_view_says_what_the_arbiter_would_do() -> None:
    view = held(PATROL).view()
    assert view.gives_way_to(LURAH)
    assert view.gives_way_to(PATROL)
    assert not view.gives_way_to(person("low", 10))
    assert not held().view().gives_way_to(CAMAT)
    assert held().view().may_take_over(CAMAT)
    assert not held().view().may_take_over(LURAH)


def test_a_stop_over_http_ends_the_press_on_the_same_sign_ins_socket() -> None:
    arbiter = Arbiter()
    arbiter.handle(move(gesture=3), 0.0)
    arbiter.handle(ev.Stop(replace(LURAH, channel="lurah:http")), 0.1)
    assert refused(arbiter.handle(move(gesture=3), 0.2)) is ev.Refusal.RELEASED
    assert arbiter.phase is Phase.STOPPING
