"""Taking something away never opens anything; areas cover by whole parts of the code."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from auth.model import CameraRef, Person
from auth.policy import PriorityOverride, allows, capabilities_on, covers, may_see, priority_on
from auth.roles import ROLES, Capability, Role

# Few and treacherous parts, so that prefixes collide: 31.7 / 31.71 / 31.710.
codes = st.lists(st.sampled_from(["1", "3", "31", "7", "71", "710"]), min_size=1, max_size=4).map(".".join)
owners = st.sampled_from(["", " ", "PT A", "pt a", "PT B"])
cameras = st.builds(CameraRef, id=st.just("cam"), area=codes, owner=owners)
roles = st.builds(
    Role,
    capabilities=st.frozensets(st.sampled_from(sorted(Capability))),
    priority=st.none() | st.integers(0, 100),
    only_own=st.booleans(),
)
people = st.builds(
    Person,
    id=st.just("p"),
    username=st.just("p"),
    display_name=st.just("P"),
    role=st.sampled_from([*sorted(ROLES), "drawn", "gone"]),
    areas=st.lists(codes, max_size=4, unique=True).map(tuple),
    organisation=owners,
    priority_override=st.none() | st.integers(0, 100),
    disabled=st.booleans(),
)


RULES = (
    PriorityOverride("31", "drawn", 80),
    PriorityOverride("31.71", "drawn", 20),
    PriorityOverride("7", "official", 5),
)


def rights(person: Person, camera: CameraRef, role: Role) -> tuple[frozenset[Capability], int]:
    table = {**ROLES, "drawn": role}
    return (
        frozenset(capability for capability in Capability if allows(person, capability, camera, table)),
        priority_on(person, camera, RULES, table),
    )


@given(people, cameras, roles, st.data())
def test_removing_an_area_never_opens_anything(
    person: Person, camera: CameraRef, role: Role, data: st.DataObject
) -> None:
    assume(person.areas)
    gone = data.draw(st.sampled_from(person.areas))
    before, rank_before = rights(person, camera, role)
    after, rank_after = rights(replace(person, areas=tuple(a for a in person.areas if a != gone)), camera, role)
    assert after <= before
    assert rank_after <= rank_before


@given(people, cameras, roles, st.sampled_from(sorted(Capability)))
def test_removing_a_capability_never_opens_anything(
    person: Person, camera: CameraRef, role: Role, gone: Capability
) -> None:
    before, rank_before = rights(person, camera, role)
    after, rank_after = rights(person, camera, replace(role, capabilities=role.capabilities - {gone}))
    assert after <= before
    assert rank_after <= rank_before


@given(people, cameras, roles)
def test_disabling_an_account_or_narrowing_a_role_to_own_cameras_never_opens_anything(
    person: Person, camera: CameraRef, role: Role
) -> None:
    before, rank_before = rights(person, camera, role)
    assert rights(replace(person, disabled=True), camera, role) == (frozenset(), 0)
    after, rank_after = rights(person, camera, replace(role, only_own=True))
    assert after <= before
    assert rank_after <= rank_before


@given(people, cameras, roles, codes)
def test_an_area_elsewhere_changes_nothing_here(person: Person, camera: CameraRef, role: Role, elsewhere: str) -> None:
    assume(not covers(elsewhere, camera.area))
    assert rights(replace(person, areas=(*person.areas, elsewhere)), camera, role) == rights(person, camera, role)


@given(people, cameras, roles)
def test_whatever_is_allowed_has_every_ground(person: Person, camera: CameraRef, role: Role) -> None:
    """The rules said again in another way, as a second opinion."""
    table = {**ROLES, "drawn": role}
    parts = camera.area.split(".")
    inside = any(parts[: len(area.split("."))] == area.split(".") for area in person.areas)
    held = table.get(person.role)
    for capability in Capability:
        expected = (
            held is not None
            and not person.disabled
            and {Capability.SEE, capability} <= held.capabilities
            and inside
            and (not held.only_own or person.organisation.strip().lower() == camera.owner.strip().lower() != "")
        )
        assert allows(person, capability, camera, table).allowed is expected
    assert may_see(person, camera, table) is bool(capabilities_on(person, camera, table))


@given(codes, codes, codes)
def test_covering_is_an_order(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    assert not (covers(one, two) and covers(two, one)) or one == two
    assert not (covers(one, two) and covers(two, three)) or covers(one, three)
    assert covers(one, two) == (two.split(".")[: len(one.split("."))] == one.split("."))
    assert not covers(one, f"{one}0")
