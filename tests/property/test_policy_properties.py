"""Taking something away never opens anything; areas cover by whole parts of the code; hours are hours of a clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from auth.grants import Grant, GrantKind, GrantState, covers
from auth.model import CameraRef, Person
from auth.policy import PriorityOverride, Standing, next_edge
from auth.roles import CAMERA_CAPABILITIES, Capability
from auth.windows import Window, parse_window

# Few and treacherous parts, so that prefixes collide: 31.7 / 31.71 / 31.710.
codes = st.lists(st.sampled_from(["1", "3", "31", "7", "71", "710"]), min_size=1, max_size=4).map(".".join)
owners = st.sampled_from(["", " ", "PT A", "pt a", "PT B"])
cameras = st.builds(
    CameraRef, id=st.sampled_from(["cam", "other"]), area=codes, owner=owners, emergency_only=st.booleans()
)
# Zones with and without summer time, on both sides of UTC.
zones = st.sampled_from(["Asia/Jakarta", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
windows = st.builds(
    Window,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start_min=st.integers(0, 1439),
    end_min=st.integers(0, 1440),
    zone=zones,
)
moments = st.integers(0, 3 * 365 * 86400).map(
    lambda after_s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=after_s)
)
capabilities = st.frozensets(st.sampled_from(sorted(Capability)))
grants = st.builds(
    Grant,
    id=st.uuids().map(str),
    role=st.sampled_from(["drawn", "official"]),
    capabilities=capabilities | st.just(frozenset(Capability)),
    areas=st.lists(codes, max_size=3, unique=True).map(tuple),
    cameras=st.sampled_from([(), ("cam",)]),
    deny=st.booleans(),
    only_own=st.booleans(),
    priority=st.none() | st.integers(0, 100),
    window=st.none() | windows,
    starts_at=st.none() | moments,
    ends_at=st.none() | moments,
    kind=st.sampled_from(GrantKind),
    waits=st.booleans(),
)
people = st.builds(
    Person,
    id=st.just("p"),
    username=st.just("p"),
    display_name=st.just("P"),
    grants=st.lists(grants, max_size=4).map(tuple),
    organisation=owners,
    disabled=st.booleans(),
)
RULES = (PriorityOverride("31", "drawn", 80), PriorityOverride("31.71", "drawn", 20))


def rights(person: Person, camera: CameraRef, now: datetime) -> frozenset[Capability]:
    standing = Standing(person, now)
    return frozenset(capability for capability in Capability if standing.allows(capability, camera))


@given(people, cameras, moments, st.data())
def test_removing_a_grant_never_opens_anything(
    person: Person, camera: CameraRef, now: datetime, data: st.DataObject
) -> None:
    allowing = [grant for grant in person.grants if not grant.deny]
    assume(allowing)
    gone = data.draw(st.sampled_from(allowing))
    less = replace(person, grants=tuple(grant for grant in person.grants if grant is not gone))
    assert rights(less, camera, now) <= rights(person, camera, now)
    assert Standing(less, now).capabilities() <= Standing(person, now).capabilities()
    assert Standing(less, now).priority_on(camera, RULES) <= Standing(person, now).priority_on(camera, RULES)


@given(people, cameras, moments, grants)
def test_adding_a_deny_never_opens_anything(person: Person, camera: CameraRef, now: datetime, added: Grant) -> None:
    more = replace(person, grants=(*person.grants, replace(added, deny=True)))
    assert rights(more, camera, now) <= rights(person, camera, now)
    assert Standing(more, now).capabilities() <= Standing(person, now).capabilities()
    assert Standing(more, now).viewing_rank() <= Standing(person, now).viewing_rank()


@given(people, cameras, moments, capabilities, st.data())
def test_narrowing_a_grant_never_opens_anything(
    person: Person, camera: CameraRef, now: datetime, kept: frozenset[Capability], data: st.DataObject
) -> None:
    allowing = [index for index, grant in enumerate(person.grants) if not grant.deny]
    assume(allowing)
    index = data.draw(st.sampled_from(allowing))
    narrow = replace(person.grants[index], capabilities=person.grants[index].capabilities & kept)
    less = replace(person, grants=(*person.grants[:index], narrow, *person.grants[index + 1 :]))
    assert rights(less, camera, now) <= rights(person, camera, now)


@given(people, cameras, moments)
def test_a_closed_account_may_nothing_and_what_waits_brings_nothing(
    person: Person, camera: CameraRef, now: datetime
) -> None:
    assert rights(replace(person, disabled=True), camera, now) == frozenset()
    assume(not any(grant.deny for grant in person.grants))
    waiting = replace(person, grants=tuple(replace(grant, waits=True) for grant in person.grants))
    assert rights(waiting, camera, now) == frozenset()


@given(people, cameras, moments)
def test_what_somebody_may_at_a_camera_they_hold(person: Person, camera: CameraRef, now: datetime) -> None:
    held = Standing(person, now).capabilities()
    assert rights(person, camera, now) & CAMERA_CAPABILITIES <= held


@given(people, cameras, moments)
def test_whatever_is_allowed_has_every_ground(person: Person, camera: CameraRef, now: datetime) -> None:
    """The rules said again in another way, as a second opinion."""
    active = [grant for grant in person.grants if grant.state(now) is GrantState.ACTIVE]
    parts = camera.area.split(".")

    def reaches(grant: Grant) -> bool:
        inside = any(parts[: len(area.split("."))] == area.split(".") for area in grant.areas)
        return inside or camera.id in grant.cameras

    def opens(grant: Grant, capability: Capability) -> bool:
        if grant.only_own:
            return person.organisation.strip().lower() == camera.owner.strip().lower() != ""
        free = {Capability.SEE, Capability.EMERGENCY, Capability.AUDIT, Capability.EXPORT}
        is_broken = any(broken.kind is GrantKind.EMERGENCY and not broken.deny and reaches(broken) for broken in active)
        steers = {Capability.SEE, Capability.LIVE, Capability.SNAPSHOT, Capability.CONTROL, Capability.PRESETS}
        needs_none = not camera.emergency_only or capability in free
        return needs_none or (capability in steers and is_broken and is_open(Capability.EMERGENCY))

    def is_open(capability: Capability) -> bool:
        mine = [grant for grant in active if capability in grant.capabilities and reaches(grant)]
        giving = [grant for grant in mine if not grant.deny and grant.kind is GrantKind.STANDING]
        return not any(grant.deny for grant in mine) and any(opens(grant, capability) for grant in giving)

    for capability in Capability:
        expected = not person.disabled and is_open(Capability.SEE) and is_open(capability)
        assert Standing(person, now).allows(capability, camera).allowed is expected


@given(people, moments)
def test_between_two_edges_nothing_changes(person: Person, now: datetime) -> None:
    edge = next_edge(person, now)
    until = now + timedelta(days=9) if edge is None else edge
    before = [grant.state(now) for grant in person.grants]
    for share in (0.25, 0.75, 0.999):
        at = now + (until - now) * share
        assert [grant.state(at) for grant in person.grants] == before


@given(windows, moments)
def test_a_window_is_what_the_clock_on_the_wall_says(window: Window, at: datetime) -> None:
    """The same said by counting minutes of the week."""
    local = at.astimezone(ZoneInfo(window.zone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    open_minutes = {
        (day * 1440 + window.start_min + offset) % (7 * 1440)
        for day in window.days
        for offset in range(window.length_min)
    }
    assert window.holds(at) is (minute in open_minutes)


@given(windows)
def test_a_window_is_read_as_it_is_written(window: Window) -> None:
    again = parse_window(str(window))
    assert (again.days, again.start_min, again.length_min) == (window.days, window.start_min, window.length_min)


@given(codes, codes, codes)
def test_covering_is_an_order(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    assert not (covers(one, two) and covers(two, one)) or one == two
    assert not (covers(one, two) and covers(two, three)) or covers(one, three)
    assert covers(one, two) == (two.split(".")[: len(one.split("."))] == one.split("."))
    assert not covers(one, f"{one}0")
