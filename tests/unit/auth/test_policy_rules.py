from __future__ import annotations

from dataclasses import replace

import pytest

from auth.model import CameraRef, Person
from auth.policy import (
    PriorityOverride,
    Why,
    allows,
    capabilities_of,
    capabilities_on,
    covers,
    highest_priority,
    holds,
    manages,
    may_see,
    priority_on,
    viewing_rank,
)
from auth.roles import CAMERA_CAPABILITIES, ROLES, Capability, Role, ViewingRank

GAMBIR = CameraRef("cam-1", "31.71.01.1001", "PT Contoh")
LURAH = Person(id="1", username="sari", display_name="Sari", role="official", areas=("31.71.01.1001",))
PARTNER = replace(LURAH, role="partner", organisation="PT Contoh", areas=("31.71",))


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
     ("admin", "metrics", True), ("mayor", "see", False), ("", "see", False)],
)  # fmt: skip
def test_what_each_role_may_in_its_area(role: str, capability: str, allowed: bool) -> None:
    person = replace(PARTNER, role=role)
    assert allows(person, Capability(capability), GAMBIR).allowed is allowed


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_role_reaches_outside_its_area_and_none_reaches_anything_without_one(role: str) -> None:
    for areas in ((), ("31.72",), ("31.71.01.1002",), ("31.71.01.100",), ("",)):
        person = replace(PARTNER, role=role, areas=areas)
        assert capabilities_on(person, GAMBIR) == frozenset()
        assert all(not allows(person, capability, GAMBIR) for capability in Capability)


@pytest.mark.parametrize(
    ("mine", "theirs", "allowed"),
    [("PT Contoh", "PT Contoh", True), (" pt contoh", "PT Contoh ", True), ("PT Contoh", "PT Lain", False),
     ("", "", False),
     ("", "PT Contoh", False), ("PT Contoh", "", False), (" ", " ", False)],
)  # fmt: skip
def test_a_partner_sees_the_cameras_of_their_own_organisation_only(mine: str, theirs: str, allowed: bool) -> None:
    decision = allows(replace(PARTNER, organisation=mine), Capability.LIVE, replace(GAMBIR, owner=theirs))
    assert decision.allowed is allowed
    assert decision.why is (Why.ALLOWED if allowed else Why.OWNER)


def test_a_refusal_says_which_rule_and_why() -> None:
    refusals = {
        Why.DISABLED: allows(replace(LURAH, disabled=True), Capability.SEE, GAMBIR),
        Why.UNKNOWN_ROLE: allows(replace(LURAH, role="mayor"), Capability.SEE, GAMBIR),
        Why.ROLE: allows(PARTNER, Capability.CONTROL, GAMBIR),
        Why.AREA: allows(LURAH, Capability.CONTROL, replace(GAMBIR, area="31.71.01.1002")),
        Why.OWNER: allows(PARTNER, Capability.SEE, replace(GAMBIR, owner="PT Lain")),
    }
    assert {why: decision.why for why, decision in refusals.items()} == {why: why for why in refusals}
    assert not any(refusals.values())
    assert len({decision.reason for decision in refusals.values()}) == len(refusals)


def test_who_may_not_see_may_nothing_else() -> None:
    roles = {"blind": Role(frozenset(Capability) - {Capability.SEE}, priority=50)}
    person = replace(LURAH, role="blind")
    assert not may_see(person, GAMBIR, roles)
    assert capabilities_on(person, GAMBIR, roles) == frozenset()
    assert not any(allows(person, capability, GAMBIR, roles) for capability in Capability)
    assert priority_on(person, GAMBIR, roles=roles) == 0


def test_managing_people_needs_no_camera_and_an_open_account() -> None:
    admin = replace(LURAH, role="admin", areas=())
    assert holds(admin, Capability.MANAGE_PEOPLE)
    assert not holds(replace(admin, disabled=True), Capability.MANAGE_PEOPLE)
    assert capabilities_of(admin) == frozenset(Capability)
    assert capabilities_of(replace(admin, disabled=True)) == frozenset()
    assert capabilities_of(replace(admin, role="mayor")) == frozenset()
    assert capabilities_on(replace(admin, areas=("31",)), GAMBIR) == CAMERA_CAPABILITIES


@pytest.mark.parametrize(
    ("role", "areas", "override", "here", "anywhere"),
    [("official", ("31",), None, 90, 90), ("official", ("31.71",), None, 70, 70),
     ("official", ("31.71.01",), None, 60, 60),
     ("official", ("31.71.01.1001",), None, 50, 50), ("official", ("31.71.01.1001", "31.72"), None, 50, 70),
     ("official", ("31.71.01.1001", "31.71"), None, 70, 70), ("official", ("31.72",), None, 0, 70),
     ("official", ("31.71",), 95, 95, 95), ("official", ("31.72",), 95, 0, 95), ("official", (), 95, 0, 0),
     ("operator", ("31",), None, 40, 40), ("operator", ("31",), 45, 45, 45), ("admin", ("31",), None, 85, 85),
     ("admin", ("31",), 0, 0, 0), ("partner", ("31",), 99, 0, 0), ("mayor", ("31",), 99, 0, 0)],
)  # fmt: skip
def test_rank_over_the_motors(
    role: str, areas: tuple[str, ...], override: int | None, here: int, anywhere: int
) -> None:
    person = replace(PARTNER, role=role, areas=areas, priority_override=override)
    assert priority_on(person, GAMBIR) == here
    assert highest_priority(person) == anywhere


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
    person = replace(PARTNER, role=role, areas=("31.71",), priority_override=own)
    assert priority_on(person, GAMBIR, overrides) == rank


def test_a_rule_gives_no_rank_where_one_may_not_steer() -> None:
    rules = (PriorityOverride("31", "operator", 99),)
    assert priority_on(replace(PARTNER, role="operator", areas=("31.72",)), GAMBIR, rules) == 0


@pytest.mark.parametrize(
    ("role", "rank"),
    [("admin", ViewingRank.CITY), ("official", ViewingRank.CITY), ("operator", ViewingRank.CITY),
     ("partner", ViewingRank.PARTNER), ("nobody-knows", ViewingRank.PUBLIC)],
)  # fmt: skip
def test_the_citys_people_come_before_partners_and_partners_before_the_public(role: str, rank: ViewingRank) -> None:
    person = replace(LURAH, role=role)
    assert viewing_rank(person) is rank
    assert viewing_rank(replace(person, disabled=True)) is viewing_rank(None) is ViewingRank.PUBLIC


def test_a_role_that_says_nothing_of_viewing_has_the_lowest_rank() -> None:
    assert Role(frozenset(), priority=0).viewing is min(ViewingRank)


@pytest.mark.parametrize(
    ("role", "areas", "others", "managed"),
    [("admin", ("31.71",), ("31.71",), True), ("admin", ("31.71",), ("31.71.01", "31.71.02.1001"), True),
     ("admin", ("31.71", "31.72"), ("31.71", "31.72.01"), True), ("admin", ("31.71",), ("31.71", "31.72"), False),
     ("admin", ("31.71.01",), ("31.71",), False), ("admin", ("31.71",), ("31.710",), False),
     ("admin", ("31.71",), (), False), ("admin", (), ("31.71",), False), ("operator", ("31",), ("31.71",), False),
     ("official", ("31",), ("31.71",), False), ("mayor", ("31",), ("31.71",), False)],
)  # fmt: skip
def test_who_is_looked_after_lies_in_the_administrators_areas_wholly(
    role: str, areas: tuple[str, ...], others: tuple[str, ...], managed: bool
) -> None:
    assert manages(replace(LURAH, role=role, areas=areas), replace(LURAH, areas=others)) is managed


def test_a_closed_administrator_looks_after_nobody_and_the_closed_are_looked_after() -> None:
    admin = replace(LURAH, role="admin", areas=("31",))
    assert manages(admin, replace(LURAH, disabled=True))
    assert not manages(replace(admin, disabled=True), LURAH)
