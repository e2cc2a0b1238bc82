"""Those who wait for a camera: the queue, the cap on its holder, and handing over, one test for each rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Rules
from camctl.ptz.view import ControlView
from tests.support.arbiter_sources import (
    ADMIN,
    CAMAT,
    LURAH,
    LURAH_TABLET,
    OTHER_LURAH,
    held,
    holder,
    move,
    moving,
    only_stop,
    refused,
    sent,
    waiting,
)

HTTP = replace(CAMAT, channel="signin-camat:http")


def names(view: ControlView) -> list[str]:
    return [waiter.source.name for waiter in view.queue]


def use(arbiter: Arbiter, source: ev.Source, until: float) -> list[ev.Action]:
    """Take the camera again and again, so that its lease does not idle out; a Tick at each deadline on the way."""
    actions: list[ev.Action] = []
    now = 0.0
    while now < until and holder(arbiter) == source:
        now = min(arbiter.deadline(), now + 5.0, until)
        actions += arbiter.handle(ev.Tick(), now)
        if holder(arbiter) == source:
            actions += arbiter.handle(ev.Take(source), now)
    return actions


# The queue ----------------------------------------------------------------------------------------------------------


def test_the_queue_is_served_by_priority_then_arrival() -> None:
    arbiter = waiting(OTHER_LURAH, ADMIN, CAMAT, LURAH_TABLET)
    assert names(arbiter.view()) == ["camat", "other", "lurah", "admin"]
    served = []
    for now in (6.0, 7.0, 8.0, 9.0):
        arbiter.handle(ev.Release(holder(arbiter) or LURAH), now)
        served.append(holder(arbiter))
    assert served == [CAMAT, OTHER_LURAH, LURAH_TABLET, ADMIN]
    assert arbiter.view().queue == ()


def test_a_request_on_a_free_camera_takes_it() -> None:
    arbiter = Arbiter()
    assert refused(arbiter.handle(ev.Request(LURAH, "look"), 0.0)) is None
    assert holder(arbiter) == LURAH


@pytest.mark.parametrize(
    ("end", "now", "reason"),
    [
        (ev.Release(LURAH), 9.0, ev.StopReason.RELEASED),
        (ev.Revoke(LURAH.sign_in), 9.0, ev.StopReason.REVOKED),
        (ev.Tick(), 10.0, ev.StopReason.LEASE_ENDED),
    ],
)
def test_the_first_in_the_queue_gets_the_lease_after_a_stop(end: ev.Event, now: float, reason: ev.StopReason) -> None:
    arbiter = waiting(OTHER_LURAH)
    actions = arbiter.handle(end, now)
    assert only_stop(actions).reason is reason
    assert ev.Publish() in actions
    view = arbiter.view().holder
    assert view is not None
    assert (view.source, view.reason, view.since, view.ends_at) == (OTHER_LURAH, "other asks", now, now + 10.0)


def test_asking_again_keeps_the_place_and_takes_the_new_reason_and_channel() -> None:
    arbiter = waiting(OTHER_LURAH, LURAH_TABLET)
    again = replace(OTHER_LURAH, channel="other:ws-2")
    arbiter.handle(ev.Request(again, "accident"), 5.0)
    first = arbiter.view().queue[0]
    assert (first.source, first.since, first.reason, first.ticket) == (again, 1.0, "accident", 1)
    arbiter.handle(ev.ChannelClosed(OTHER_LURAH.channel), 5.1)
    assert names(arbiter.view()) == ["other", "lurah"]


@pytest.mark.parametrize(
    "event", [ev.Withdraw(CAMAT), ev.ChannelClosed(CAMAT.channel), ev.Revoke(CAMAT.sign_in), ev.TakeOver(CAMAT, "now")]
)
def test_a_place_ends(event: ev.Event) -> None:
    arbiter = waiting(CAMAT, OTHER_LURAH)
    assert ev.Publish() in arbiter.handle(event, 3.0)
    assert names(arbiter.view()) == ["other"]


def test_who_has_no_place_cannot_leave_it() -> None:
    assert waiting(CAMAT).handle(ev.Withdraw(OTHER_LURAH), 3.0) == [ev.Refuse(ev.Refusal.NOT_WAITING)]


def test_the_queue_is_bounded_but_a_place_in_it_can_be_renewed() -> None:
    arbiter = waiting(CAMAT, OTHER_LURAH, rules=Rules(queue_max=2))
    assert arbiter.handle(ev.Request(ADMIN), 3.0) == [ev.Refuse(ev.Refusal.QUEUE_FULL)]
    assert refused(arbiter.handle(ev.Request(CAMAT), 3.1)) is None


def test_a_waiter_over_http_leaves_a_minute_after_its_last_request() -> None:
    arbiter = waiting(HTTP)
    arbiter.handle(ev.Reserve(LURAH, "flood", 600.0), 2.0)
    arbiter.handle(ev.Request(HTTP), 31.0)
    assert arbiter.deadline() == 91.0
    arbiter.handle(ev.Tick(), 90.9)
    assert names(arbiter.view()) == ["camat"]
    assert ev.Publish() in arbiter.handle(ev.Tick(), 91.0)
    assert names(arbiter.view()) == []


# The cap ------------------------------------------------------------------------------------------------------------


def test_nothing_caps_a_lease_for_which_nobody_waits() -> None:
    arbiter = held()
    use(arbiter, LURAH, 1000.0)
    assert holder(arbiter) == LURAH


def test_a_lease_is_capped_five_minutes_after_it_began_while_somebody_waits() -> None:
    arbiter = waiting(OTHER_LURAH)
    view = arbiter.view().holder
    assert view is not None
    assert view.capped_at == 300.0
    actions = use(arbiter, LURAH, 299.9)
    assert not sent(actions, ev.SendStop)
    assert only_stop(arbiter.handle(ev.Tick(), 300.0)).reason is ev.StopReason.LEASE_ENDED
    assert holder(arbiter) == OTHER_LURAH


def test_a_capped_holder_has_ten_seconds_from_the_first_waiters_request() -> None:
    arbiter = held()
    use(arbiter, LURAH, 400.0)
    arbiter.handle(ev.Request(OTHER_LURAH), 401.0)
    arbiter.handle(ev.Request(CAMAT), 405.0)
    view = arbiter.view().holder
    assert view is not None
    assert view.capped_at == 411.0
    arbiter.handle(ev.Take(LURAH), 410.9)
    arbiter.handle(ev.Tick(), 411.0)
    assert holder(arbiter) == CAMAT


def test_the_cap_goes_with_the_last_waiter() -> None:
    arbiter = waiting(OTHER_LURAH)
    arbiter.handle(ev.Withdraw(OTHER_LURAH), 2.0)
    view = arbiter.view().holder
    assert view is not None
    assert view.capped_at is None


def test_the_cap_stops_a_motion_that_is_under_way() -> None:
    arbiter = moving(rules=Rules(lease_cap_s=5.0, cap_notice_s=1.0))
    arbiter.handle(ev.Request(OTHER_LURAH), 0.1)
    arbiter.handle(move(life_s=60.0), 0.5)
    assert only_stop(arbiter.handle(ev.Tick(), 5.0)).reason is ev.StopReason.LEASE_ENDED


def test_a_reservation_is_exempt_from_the_cap_until_its_limit() -> None:
    arbiter = waiting(OTHER_LURAH)
    arbiter.handle(ev.Reserve(LURAH, "flood", 900.0), 5.0)
    view = arbiter.view().holder
    assert view is not None
    assert view.capped_at == 905.0
    arbiter.handle(ev.Tick(), 904.9)
    assert holder(arbiter) == LURAH
    arbiter.handle(ev.Tick(), 905.0)
    assert holder(arbiter) == OTHER_LURAH


# Handing over -------------------------------------------------------------------------------------------------------


def test_the_holder_hands_over_after_a_stop_and_the_reservation_stays_behind() -> None:
    arbiter = waiting(CAMAT, OTHER_LURAH)
    arbiter.handle(ev.Reserve(LURAH, "flood", 900.0), 3.0)
    actions = arbiter.handle(ev.HandOver(LURAH, 2), 4.0)
    assert only_stop(actions).reason is ev.StopReason.HANDED_OVER
    view = arbiter.view()
    assert view.holder is not None
    assert (view.holder.source, view.holder.reserved_until, names(view)) == (OTHER_LURAH, None, ["camat"])


def test_only_the_holder_hands_over_and_only_to_one_who_waits() -> None:
    arbiter = waiting(CAMAT)
    assert arbiter.handle(ev.HandOver(CAMAT, 1), 2.0) == [ev.Refuse(ev.Refusal.NOT_HOLDER)]
    assert arbiter.handle(ev.HandOver(LURAH, 7), 2.0) == [ev.Refuse(ev.Refusal.NOT_WAITING)]
    assert Arbiter().handle(ev.HandOver(LURAH, 1), 2.0) == [ev.Refuse(ev.Refusal.NOT_HOLDER)]
