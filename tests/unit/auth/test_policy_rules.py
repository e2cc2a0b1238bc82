"""What grants say, case by case."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.grants import GrantKind, covers
from auth.model import CameraRef, Person, Territory
from auth.policy import Decision, PriorityOverride, Standing, Why, allows, next_edge
from auth.roles import CAMERA_CAPABILITIES, ROLES, Capability, Role, ViewingRank
from auth.windows import Window
from tests.support.people import JAKARTA, grant, person

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday, 15:00 in Jakarta
GAMBIR = CameraRef("cam-1", "31.71.01.1001", "PT Contoh")
LURAH = person("official", ("31.71.01.1001",))
CONTOH = "PT Contoh"
PAGE = Path(__file__).parents[3] / "web/src/api/model.ts"


def standing(*given: Any, at: datetime = NOW, **more: Any) -> Standing:
    """Of somebody of PT Contoh with these grants."""
    return Standing(
        Person("1", "sari", "Sari", tuple(given), organisation=more.pop("organisation", CONTOH), **more), at
    )


def of(role: str, areas: tuple[str, ...] = ("31.71",), **more: Any) -> Standing:
    """Of somebody of PT Contoh with one grant."""
    return Standing(person(role, areas, organisation=CONTOH, **more), NOW)


@pytest.mark.parametrize(
    ("area", "code", "inside"),
    [("31.71", "31.71.01.1001", True), ("31.71", "31.71", True), ("31.71", "31.710", False),
     ("31.71", "31.710.01", False),
     ("31.71", "31.7", False), ("31.71.01", "31.71", False), ("3", "31", False), ("", "31", False), ("", "", False),
     ("31.71", "", False), ("31.71", "131.71", False)],
)  # fmt: skip
def test_an_area_covers_itself_and_what_lies_inside(area: str, code: str, inside: bool) -> None:
    assert covers(area, code) is inside


@pytest.mark.parametrize(
    ("role", "capability", "allowed"),
    [("official", "see", True), ("official", "live", True), ("official", "control", True),
     ("official", "presets", True),
     ("official", "snapshot", True), ("official", "manage_people", False), ("official", "metrics", False),
     ("official", "break_reservation", False), ("official", "patrols", False), ("official", "events", False),
     ("operator", "break_reservation", False), ("operator", "patrols", True), ("operator", "events", True),
     ("partner", "patrols", False), ("partner", "events", False), ("partner", "break_reservation", False),
     ("admin", "break_reservation", True), ("admin", "patrols", True), ("admin", "events", True),
     ("operator", "control", True), ("operator", "manage_people", False), ("partner", "see", True),
     ("partner", "live", True),
     ("partner", "snapshot", True), ("partner", "control", False), ("partner", "presets", False),
     ("partner", "manage_people", False), ("admin", "control", True), ("admin", "manage_people", True),
     ("admin", "metrics", True), ("auditor", "see", True), ("auditor", "audit", True), ("auditor", "live", False)],
)  # fmt: skip
def test_what_each_role_may_in_its_area(role: str, capability: str, allowed: bool) -> None:
    assert of(role).allows(Capability(capability), GAMBIR).allowed is allowed


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_role_reaches_outside_its_area_and_none_reaches_anything_without_one(role: str) -> None:
    for areas in ((), ("31.72",), ("31.71.01.1002",), ("31.71.01.100",), ("",)):
        here = of(role, areas)
        assert here.capabilities_on(GAMBIR) == frozenset()
        assert not any(here.allows(capability, GAMBIR) for capability in Capability)


@pytest.mark.parametrize(
    ("mine", "theirs", "allowed"),
    [("PT Contoh", "PT Contoh", True), (" pt contoh", "PT Contoh ", True), ("PT Contoh", "PT Lain", False),
     ("", "", False),
     ("", "PT Contoh", False), ("PT Contoh", "", False), (" ", " ", False)],
)  # fmt: skip
def test_a_partner_sees_the_cameras_of_their_own_organisation_only(mine: str, theirs: str, allowed: bool) -> None:
    partner = person("partner", ("31.71",), organisation=mine)
    decision = allows(partner, Capability.LIVE, replace(GAMBIR, owner=theirs), NOW)
    assert decision.allowed is allowed
    assert decision.why is (Why.ALLOWED if allowed else Why.OWNER)


LATER, BEFORE = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
NIGHT = Window(frozenset(range(7)), 22 * 60, 6 * 60, "Asia/Jakarta")
HERE = ("31.71",)


@pytest.mark.parametrize(
    ("why", "decision"),
    [
        (Why.DISABLED, standing(grant("official", HERE), disabled=True).allows(Capability.LIVE, GAMBIR)),
        (Why.ROLE, of("partner").allows(Capability.CONTROL, GAMBIR)),
        (Why.ROLE, standing().allows(Capability.SEE, GAMBIR)),
        (Why.AREA, of("official", ("31.72",)).allows(Capability.CONTROL, GAMBIR)),
        (Why.OWNER, of("partner").allows(Capability.SEE, replace(GAMBIR, owner="PT Lain"))),
        (Why.DENIED, standing(grant("official", HERE), grant("official", HERE, id="no", deny=True)).allows(
            Capability.LIVE, GAMBIR)),
        (Why.HOURS, of("official", window=NIGHT).allows(Capability.LIVE, GAMBIR)),
        (Why.OVER, of("official", ends_at=NOW).allows(Capability.LIVE, GAMBIR)),
        (Why.NOT_YET, of("official", starts_at=LATER).allows(Capability.LIVE, GAMBIR)),
        (Why.WAITING, of("official", waits=True).allows(Capability.LIVE, GAMBIR)),
        (Why.EMERGENCY, of("official").allows(Capability.LIVE, replace(GAMBIR, emergency_only=True))),
        (Why.ALLOWED, of("official", starts_at=NOW, ends_at=LATER).allows(Capability.LIVE, GAMBIR)),
    ],
)  # fmt: skip
def test_a_decision_says_which_rule_and_why(why: Why, decision: Decision) -> None:
    assert decision.why is why
    assert decision.allowed is (why is Why.ALLOWED)
    assert decision.reason.endswith(".")


def test_every_rule_has_a_sentence_of_its_own() -> None:
    assert len({Decision(allowed=False, why=why).reason for why in Why}) == len(Why)


def test_the_page_has_words_for_every_rule_that_refuses() -> None:
    known = re.search(r"WHYS_NOT = \[(.*?)\]", PAGE.read_text())
    assert known is not None
    assert json.loads(f"[{known[1]}]") == [why for why in Why if why is not Why.ALLOWED]


def test_who_may_not_see_may_nothing_else() -> None:
    blind = standing(grant("admin", ("31",), capabilities=frozenset(Capability) - {Capability.SEE}))
    assert not blind.may_see(GAMBIR)
    assert blind.capabilities_on(GAMBIR) == frozenset()
    assert not any(blind.allows(capability, GAMBIR) for capability in Capability)
    assert blind.priority_on(GAMBIR) == 0


def test_a_capability_counts_where_a_grant_brings_it_and_grants_add_up() -> None:
    both = standing(grant("auditor", ("31",)), grant("official", ("31.71.01",)))
    assert both.allows(Capability.CONTROL, GAMBIR)
    assert both.allows(Capability.AUDIT, GAMBIR)
    assert not both.allows(Capability.CONTROL, replace(GAMBIR, area="31.72.01"))
    assert both.allows(Capability.AUDIT, replace(GAMBIR, area="31.72.01"))


def test_single_cameras_can_be_granted_and_denied() -> None:
    one = standing(grant("operator", cameras=("cam-1",)))
    assert one.allows(Capability.CONTROL, GAMBIR)
    assert not one.may_see(replace(GAMBIR, id="cam-2"))
    assert one.priority_on(GAMBIR) == 40
    all_but = standing(grant("operator", HERE), grant("operator", cameras=("cam-1",), deny=True))
    assert not all_but.may_see(GAMBIR)
    assert all_but.may_see(replace(GAMBIR, id="cam-2"))


def test_deny_wins_over_every_grant_and_takes_only_what_it_names() -> None:
    no_control = grant("operator", HERE, id="no", deny=True, capabilities=frozenset({Capability.CONTROL}))
    here = standing(no_control, grant("admin", ("31",)), grant("official", ("31.71.01.1001",)))
    assert here.allows(Capability.CONTROL, GAMBIR).why is Why.DENIED
    assert here.allows(Capability.CONTROL, GAMBIR).grant is no_control
    assert here.allows(Capability.LIVE, GAMBIR)
    assert here.allows(Capability.CONTROL, replace(GAMBIR, area="31.72"))
    over = replace(no_control, ends_at=BEFORE)
    assert standing(over, grant("admin", ("31",))).allows(Capability.CONTROL, GAMBIR)


def test_an_emergency_camera_is_known_but_opened_only_by_its_own_grant() -> None:
    shut = replace(GAMBIR, emergency_only=True)
    usual = grant("official", HERE)
    assert standing(usual).capabilities_on(shut) == {Capability.SEE, Capability.EMERGENCY}
    assert standing(usual).emergency_capabilities(shut) == ROLES["official"].capabilities - {Capability.EMERGENCY}
    assert standing(usual).emergency_capabilities(GAMBIR) == frozenset()
    assert of("auditor").emergency_capabilities(shut) == frozenset()
    opened = grant("official", cameras=("cam-1",), kind=GrantKind.EMERGENCY, ends_at=LATER)
    assert standing(usual, opened).allows(Capability.CONTROL, shut)
    assert standing(usual, opened, at=LATER).allows(Capability.CONTROL, shut).why is Why.EMERGENCY
    assert of("partner").allows(Capability.LIVE, shut)  # it is theirs
    no_control = grant("official", HERE, deny=True, capabilities=frozenset({Capability.CONTROL}))
    assert Capability.CONTROL not in standing(usual, no_control).emergency_capabilities(shut)


def test_rights_end_and_begin_by_themselves() -> None:
    someone = person("official", HERE, starts_at=LATER, ends_at=LATER + timedelta(days=30), window=NIGHT)
    assert next_edge(someone, NOW) == LATER
    assert next_edge(someone, LATER) == datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 22:00 in Jakarta
    assert next_edge(someone, LATER + timedelta(days=30)) is None
    assert next_edge(LURAH, NOW) is None


def test_managing_people_needs_no_camera_and_an_open_account() -> None:
    assert of("admin").holds(Capability.MANAGE_PEOPLE)
    assert not standing(grant("admin", HERE), disabled=True).holds(Capability.MANAGE_PEOPLE)
    assert of("admin").capabilities() == frozenset(Capability)
    assert standing(grant("admin", HERE), disabled=True).capabilities() == frozenset()
    assert of("admin").capabilities_on(GAMBIR) == CAMERA_CAPABILITIES


def test_what_is_denied_in_all_of_ones_places_is_held_nowhere() -> None:
    """A denial of metrics must be worth something: no place is asked for there."""
    admin = grant("admin", ("31.71", "31.72"))
    denial = grant("admin", ("31.71",), deny=True, capabilities=frozenset({Capability.METRICS}))
    assert standing(admin, denial).holds(Capability.METRICS)  # there is 31.72
    refused = standing(admin, denial, replace(denial, areas=("31.72",))).holds(Capability.METRICS)
    assert (refused.allowed, refused.why) == (False, Why.DENIED)
    assert not standing(admin, replace(denial, areas=("31",))).holds(Capability.METRICS)
    assert standing(admin, replace(denial, areas=("31",))).holds(Capability.MANAGE_PEOPLE)
    assert Capability.METRICS not in standing(admin, replace(denial, areas=("31",))).capabilities()
    one = grant("official", cameras=("cam-1",))
    assert standing(one).holds(Capability.LIVE)
    gone = grant("official", cameras=("cam-1",), deny=True, capabilities=frozenset({Capability.LIVE}))
    assert standing(one, gone).holds(Capability.LIVE).why is Why.DENIED
    assert standing(replace(one, cameras=("cam-1", "cam-2")), gone).holds(Capability.LIVE)


def test_a_single_camera_brings_no_office() -> None:
    """Else whoever may grant a role at one camera could give away the city's metrics and people, which they lack."""
    one = standing(grant("admin", cameras=("cam-1",)))
    for office in frozenset(Capability) - CAMERA_CAPABILITIES:
        assert not one.holds(office)
        assert office not in one.capabilities()
    assert one.holds(Capability.CONTROL)


def test_a_whole_area_is_held_only_without_a_hole_in_it() -> None:
    admin = grant("admin", ("31",))
    assert standing(admin).holds_in(Capability.LIVE, "31.71")
    assert not standing(grant("admin", ("31.71",))).holds_in(Capability.LIVE, "31")
    hole = grant("admin", ("31.71.01",), deny=True, capabilities=frozenset({Capability.LIVE}))
    assert not standing(admin, hole).holds_in(Capability.LIVE, "31.71")
    assert standing(admin, hole).holds_in(Capability.LIVE, "31.72")
    assert standing(admin, hole).holds_in(Capability.CONTROL, "31.71")
    assert not of("partner", ("31",)).holds_in(Capability.LIVE, "31.71")


@pytest.mark.parametrize(
    ("role", "areas", "override", "here", "anywhere"),
    [("official", ("31",), None, 90, 90), ("official", ("31.71",), None, 70, 70),
     ("official", ("31.71.01",), None, 60, 60),
     ("official", ("31.71.01.1001",), None, 50, 50), ("official", ("31.71.01.1001", "31.72"), None, 50, 70),
     ("official", ("31.71.01.1001", "31.71"), None, 70, 70), ("official", ("31.72",), None, 0, 70),
     ("official", ("31.71",), 95, 95, 95), ("official", ("31.72",), 95, 0, 95), ("official", (), 95, 0, 0),
     ("operator", ("31",), None, 40, 40), ("operator", ("31",), 45, 45, 45), ("admin", ("31",), None, 85, 85),
     ("admin", ("31",), 0, 0, 0), ("partner", ("31",), 99, 0, 0)],
)  # fmt: skip
def test_rank_over_the_motors(
    role: str, areas: tuple[str, ...], override: int | None, here: int, anywhere: int
) -> None:
    someone = of(role, areas, priority=override)
    assert someone.priority_on(GAMBIR) == here
    assert someone.highest_priority() == anywhere


CITY, SUB = PriorityOverride("31.71", "operator", 55), PriorityOverride("31.71.01", "operator", 35)
VILLAGE = PriorityOverride("31.71.01.1001", "official", 95)


@pytest.mark.parametrize(
    ("role", "own", "overrides", "rank"),
    [
        ("operator", None, (), 40), ("operator", None, (CITY,), 55), ("operator", None, (CITY, SUB), 35),
        ("operator", None, (SUB, CITY), 35), ("operator", 70, (CITY, SUB), 70), ("official", None, (CITY, SUB), 70),
        ("official", None, (VILLAGE,), 95), ("official", 10, (VILLAGE,), 10),
        ("operator", None, (PriorityOverride("31.72", "operator", 99),), 40),
        ("operator", None, (PriorityOverride("31.7", "operator", 99),), 40),
        ("operator", None, (PriorityOverride("31.71.01.1001.1", "operator", 99),), 40),
        ("operator", None, (SUB, PriorityOverride("31.71.01", "operator", 36)), 36),
        ("operator", None, (PriorityOverride("31", "operator", 0),), 0),
        ("partner", None, (PriorityOverride("31", "partner", 99),), 0),
    ],
)  # fmt: skip
def test_the_deepest_areas_rule_comes_before_the_roles_and_after_the_persons_own(
    role: str, own: int | None, overrides: tuple[PriorityOverride, ...], rank: int
) -> None:
    assert of(role, priority=own).priority_on(GAMBIR, overrides) == rank


def test_a_rule_gives_no_rank_where_one_may_not_steer() -> None:
    rules = (PriorityOverride("31", "operator", 99),)
    assert of("operator", ("31.72",)).priority_on(GAMBIR, rules) == 0


@pytest.mark.parametrize(
    ("role", "rank"),
    [("admin", ViewingRank.CITY), ("official", ViewingRank.CITY), ("operator", ViewingRank.CITY),
     ("partner", ViewingRank.PARTNER), ("auditor", ViewingRank.CITY)],
)  # fmt: skip
def test_the_citys_people_come_before_partners_and_partners_before_the_public(role: str, rank: ViewingRank) -> None:
    assert of(role).viewing_rank() is rank
    assert standing(grant(role, HERE), disabled=True).viewing_rank() is standing().viewing_rank() is ViewingRank.PUBLIC


def test_a_role_that_says_nothing_of_viewing_has_the_lowest_rank() -> None:
    assert Role(frozenset(), priority=0).viewing is min(ViewingRank)


@pytest.mark.parametrize(
    ("role", "areas", "others", "managed"),
    [("admin", ("31.71",), ("31.71",), True), ("admin", ("31.71",), ("31.71.01", "31.71.02.1001"), True),
     ("admin", ("31.71", "31.72"), ("31.71", "31.72.01"), True), ("admin", ("31.71",), ("31.71", "31.72"), False),
     ("admin", ("31.71.01",), ("31.71",), False), ("admin", ("31.71",), ("31.710",), False),
     ("admin", ("31.71",), (), False), ("admin", (), ("31.71",), False), ("operator", ("31",), ("31.71",), False),
     ("official", ("31",), ("31.71",), False)],
)  # fmt: skip
def test_who_is_looked_after_lies_in_the_administrators_areas_wholly(
    role: str, areas: tuple[str, ...], others: tuple[str, ...], managed: bool
) -> None:
    assert of(role, areas).manages(person("official", others), JAKARTA) is managed


def test_a_closed_administrator_looks_after_nobody_and_the_closed_are_looked_after() -> None:
    assert of("admin", ("31",)).manages(replace(LURAH, disabled=True), JAKARTA)
    assert not standing(grant("admin", ("31",)), disabled=True).manages(LURAH, JAKARTA)


def test_who_was_granted_single_cameras_is_looked_after_where_these_are() -> None:
    somebody = person("operator", cameras=("cam-1",))
    known = Territory(frozenset({"31", "32"}), {"cam-1": CameraRef("cam-1", "31.71.01.1001")}.get)
    assert of("admin", ("31.71",)).manages(somebody, known)
    assert not of("admin", ("31.74",)).manages(somebody, known)


def test_whose_camera_nobody_knows_any_more_is_looked_after_by_who_answers_for_everything() -> None:
    somebody, two_provinces = person("operator", cameras=("cam-1",)), Territory(frozenset({"31", "32"}))
    assert of("admin", ("31",)).manages(somebody, JAKARTA)
    assert not of("admin", ("31",)).manages(somebody, two_provinces)
    assert of("admin", ("31", "32")).manages(somebody, two_provinces)
    assert not of("admin", ("31.71",)).manages(somebody, JAKARTA)


def test_what_is_over_keeps_nobody_from_being_looked_after_where_they_are_now() -> None:
    old = grant("official", ("31.74",), ends_at=NOW - timedelta(days=1), id="old")
    moved = replace(LURAH, grants=(old, grant("official", ("31.71.01",), id="new")))
    assert of("admin", ("31.71",)).manages(moved, JAKARTA)
    assert not of("admin", ("31.74",)).manages(moved, JAKARTA)
    gone = replace(LURAH, grants=(old,))
    assert of("admin", ("31.74",)).manages(gone, JAKARTA)
    assert not of("admin", ("31.71",)).manages(gone, JAKARTA)


def test_many_questions_to_one_standing_are_answered_as_each_to_its_own() -> None:
    given = (
        grant("official", ("31.71",)),
        grant("operator", (), cameras=("cam-9",), id="single"),
        grant("official", ("31.71.02",), deny=True, capabilities=frozenset({Capability.SEE}), id="hidden"),
        grant("official", (), cameras=("cam-3",), deny=True, capabilities=frozenset({Capability.LIVE}), id="dark"),
    )
    places = ("31.71.01.1001", "31.71.02.1001", "31.74.01.1001")
    cameras = [CameraRef(f"cam-{number}", place, CONTOH) for number in (1, 3, 9) for place in places]
    cameras += [replace(each) for each in cameras]  # equal ones that are not the same
    for order in (cameras, cameras[::-1], [*cameras[::2], *cameras[1::2]]):
        one = standing(*given)
        for each in (*Capability, *Capability):
            for camera in order:
                assert one.allows(each, camera) == standing(*given).allows(each, camera), (each, camera)
        for camera in order:
            for each in Capability:
                assert one.allows(each, camera) == standing(*given).allows(each, camera), (each, camera)
