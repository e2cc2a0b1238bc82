"""Who may give what: no more than they hold, no longer, no higher; and what waits for a second person. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.granting import (
    Granter,
    MayNotGrantError,
    answers_for_the_city,
    check_approval,
)
from auth.grants import Grant
from auth.model import CameraRef, Person, Territory
from auth.roles import ROLES, Capability, Role, ViewingRank
from auth.whole_city import LASTING, Grantee, second_look
from auth.windows import Window, parse_window
from tests.support.people import JAKARTA, grant, person

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # a Monday, 10:00 in Jakarta
SOON, LATER = NOW + timedelta(days=20), NOW + timedelta(days=40)
OFFICE_HOURS = parse_window("mon-fri 07:00-18:00 Asia/Jakarta")
MORNINGS = parse_window("mon-thu 08:00-11:00 Asia/Jakarta")
CONTOH = Territory(frozenset({"31"}), owns_cameras=lambda name: name == "PT Contoh")


def granter(*grants: Grant, territory: Territory = JAKARTA) -> Granter:
    return Granter(Person("1", "rina", "Rina", grants), NOW, territory)


def admin(areas: tuple[str, ...] = ("31.71",), **more: Any) -> Granter:
    return granter(grant("admin", areas, **more))


@pytest.mark.parametrize(
    ("own", "given", "may"),
    [({}, {}, True), ({}, {"ends_at": LATER}, True), ({"ends_at": SOON}, {}, False),
     ({"ends_at": SOON}, {"ends_at": LATER}, False), ({"ends_at": SOON}, {"ends_at": SOON}, True),
     ({"window": OFFICE_HOURS}, {}, False), ({"window": OFFICE_HOURS}, {"window": MORNINGS}, True),
     ({"window": MORNINGS}, {"window": OFFICE_HOURS}, False), ({"window": OFFICE_HOURS}, {"ends_at": SOON}, False),
     ({"window": OFFICE_HOURS}, {"window": replace(MORNINGS, zone="Asia/Makassar")}, False)],
)  # fmt: skip
def test_nobody_gives_for_longer_than_they_hold_it_themselves(
    own: dict[str, Any], given: dict[str, Any], *, may: bool
) -> None:
    maker, wished = admin(**own), grant("operator", ("31.71.01",), **given)
    if may:
        maker.check(wished)
        return
    with pytest.raises(MayNotGrantError, match="not for as long"):
        maker.check(wished)


def test_who_stands_in_may_take_away_and_deny_for_good_and_end_no_lasting_denial() -> None:
    maker = admin(ends_at=SOON)
    maker.check_taking(grant("operator", ("31.71.01",)))
    denial = grant("operator", ("31.71.01",), deny=True, capabilities=frozenset({Capability.LIVE}))
    maker.check(denial)
    with pytest.raises(MayNotGrantError, match="not for as long"):
        maker.check_taking(denial)
    maker.check_taking(replace(denial, ends_at=SOON))


def test_two_grants_that_follow_each_other_are_not_one_that_lasts() -> None:
    maker = granter(
        grant("admin", ("31.71",), ends_at=SOON, id="now"), grant("admin", ("31.71",), starts_at=SOON, id="then")
    )
    maker.check(grant("operator", ("31.71",), ends_at=SOON))
    with pytest.raises(MayNotGrantError):
        maker.check(grant("operator", ("31.71",)))


def test_nobody_gives_a_higher_priority_than_their_own_there() -> None:
    maker = granter(grant("admin", ("31.71.01",), id="here"), grant("admin", ("31.71",), priority=5, id="there"))
    maker.check(grant("operator", ("31.71.01",), priority=85))
    for wished in (grant("operator", ("31.71.01",), priority=86), grant("operator", ("31.71",), priority=6),
                   grant("operator", ("31.71",)), grant("admin", ("31.71",)),
                   grant("auditor", ("31.71",), priority=6)):  # fmt: skip
        with pytest.raises(MayNotGrantError, match="higher than your own"):
            maker.check(wished)
    maker.check(grant("operator", ("31.71",), priority=5))
    maker.check(grant("auditor", ("31.71",)))


def test_an_officials_rank_is_the_offices_and_given_with_it() -> None:
    admin(("31",)).check(grant("official", ("31",)))


def test_at_a_single_camera_the_rank_there_counts() -> None:
    here = Territory(frozenset({"31"}), {"cam-1": CameraRef("cam-1", "31.71.01.1001")}.get)
    maker = granter(grant("admin", ("31.71.01",), priority=30), territory=here)
    maker.check(grant("operator", cameras=("cam-1",), priority=30))
    with pytest.raises(MayNotGrantError, match="Priority 31 is higher"):
        maker.check(grant("operator", cameras=("cam-1",), priority=31))
    with pytest.raises(MayNotGrantError, match="no camera"):
        maker.check(grant("operator", cameras=("cam-2",)))


@pytest.mark.parametrize(
    ("wished", "organisation", "tops", "waits"),
    [(grant("official", ("31",)), "", {"31"}, True), (grant("official", ("31.71",)), "", {"31"}, False),
     (grant("official", ("32.73",)), "", {"32.73"}, True), (grant("official", ("32.73.01",)), "", {"32.73"}, False),
     (grant("official", ("31",)), "", {"31", "32"}, True),
     (grant("official", ("31",), ends_at=NOW + LASTING), "", {"31"}, False),
     (grant("official", ("31",), ends_at=NOW + LASTING + timedelta(seconds=1)), "", {"31"}, True),
     (grant("official", ("31",), deny=True), "", {"31"}, False),
     (grant("partner", ("31.71.01",)), "PT Contoh", {"31"}, True),
     (grant("partner", ("31.71.01",), ends_at=SOON), "PT Contoh", {"31"}, True),
     (grant("partner", ("31.71.01",)), "PT Lain", {"31"}, False),
     (grant("operator", ("31.71.01",)), "PT Contoh", {"31"}, False)],
)  # fmt: skip
def test_what_waits_for_a_second_person(wished: Grant, organisation: str, tops: set[str], *, waits: bool) -> None:
    city = replace(CONTOH, tops=frozenset(tops))
    assert (second_look(wished, Grantee(organisation=organisation), NOW, city) is not None) is waits


def test_nobody_lends_themselves_the_second_pair_of_eyes() -> None:
    """By an account of their own that they gave sixty days, or by a new password for a peer."""
    lasting = grant("official", ("31",), granter="budi")
    shell = admin(("31",), ends_at=NOW + timedelta(days=60), granter="budi")
    with pytest.raises(MayNotGrantError, match="not for as long"):
        check_approval(lasting, "3", shell)
    check_approval(lasting, "3", admin(("31",)))
    peer = replace(person("admin", ("31",)), id="2")
    assert answers_for_the_city(peer, NOW, JAKARTA)
    for less in (person("admin", ("31.71",)), person("official", ("31",)), person("admin", ("31",), ends_at=SOON),
                 person("admin", ("31",), waits=True), person("admin", ("31",), deny=True)):  # fmt: skip
        assert not answers_for_the_city(less, NOW, JAKARTA)


def test_a_role_is_changed_by_who_holds_it_all_everywhere_for_good() -> None:
    maker, official = admin(("31",)), ROLES["official"]
    more = replace(official, capabilities=official.capabilities | {Capability.EXPORT})
    maker.check_role("official", more, official)
    maker.check_role("new", replace(ROLES["operator"], priority=85), None)
    for other in (admin(("31.71",)), admin(("31",), ends_at=LATER), admin(("31",), window=OFFICE_HOURS)):
        with pytest.raises(MayNotGrantError, match="look after everybody"):
            other.check_role("official", more, official)


@pytest.mark.parametrize(
    ("name", "new", "why"),
    [("operator", replace(ROLES["operator"], priority=86), "Priority 86 is higher"),
     ("auditor", Role(frozenset({Capability.SEE}), 0), "do not hold audit"),
     ("clerk", Role(frozenset({Capability.MANAGE_PEOPLE, Capability.CONTROL}), 10, viewing=ViewingRank.CITY),
      "before you"),
     ("clerk", Role(frozenset({Capability.SEE}), 10), "take from you")],
)  # fmt: skip
def test_roles_that_a_clerk_without_the_record_may_not_change(name: str, new: Role, why: str) -> None:
    less = replace(
        grant("admin", ("31",)), role="clerk", viewing=ViewingRank.PARTNER,
        capabilities=frozenset(Capability) - {Capability.AUDIT},
    )  # fmt: skip
    old = {**ROLES, "clerk": Role(less.capabilities, 85)}.get(name)
    with pytest.raises(MayNotGrantError, match=why):
        granter(less).check_role(name, new, old)


_WINDOWS = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.just("Asia/Jakarta"),
)


@given(_WINDOWS, _WINDOWS, st.integers(0, 7 * 1440 - 1))
def test_a_window_within_another_holds_at_none_of_the_others_closed_hours(
    inner: Window, outer: Window, at: int
) -> None:
    moment = NOW + timedelta(minutes=at)
    if inner.is_within(outer) and inner.holds(moment):
        assert outer.holds(moment)
    assert inner.is_within(inner)
    assert inner.is_within(replace(outer, days=frozenset(range(7)), start_min=0, end_min=0))
