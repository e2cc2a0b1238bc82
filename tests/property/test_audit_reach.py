"""Who may read which rows: by rule as for cameras, and found in the database exactly as by rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.model import CameraRef, Person
from auth.policy import EVERYWHERE, Reach, Standing
from auth.roles import Capability
from camctl.audit.chain import Head, seal
from camctl.audit.log import AuditLog
from camctl.audit.search import Filter, in_order
from tests.property.test_policy_properties import cameras, codes, moments, people
from tests.support.audit import entry, record

TOPS = ("1", "3", "31", "7", "71", "710")
PLACES = [("", ""), ("", "31"), ("cam", "31"), ("cam", "31.7"), ("other", "31.71"), ("other", "31.710"), ("x", "7.1")]
names = st.lists(st.sampled_from(["cam", "other"]), unique=True).map(tuple)
areas = st.lists(codes, max_size=3, unique=True).map(tuple)
reaches = st.just(EVERYWHERE) | st.builds(Reach, areas=areas, cameras=names, denied_areas=areas, denied_cameras=names)


@given(people, cameras, moments)
def test_rows_of_a_camera_are_read_by_who_may_audit_it(person: Person, camera: CameraRef, now: datetime) -> None:
    knowing = [
        grant if grant.deny else replace(grant, capabilities=grant.capabilities | {Capability.SEE})
        for grant in person.grants
    ]
    standing = Standing(replace(person, grants=tuple(knowing)), now)
    reach = standing.reach(Capability.AUDIT, TOPS, [camera])
    assert reach.includes(camera.id, camera.area) == standing.allows(Capability.AUDIT, camera).allowed


@given(people, moments)
def test_what_belongs_to_no_area_is_for_who_audits_the_whole_city(person: Person, now: datetime) -> None:
    standing = Standing(person, now)
    if standing.reach(Capability.AUDIT, TOPS, []).includes("", ""):
        assert all(standing.holds_in(Capability.AUDIT, top) for top in TOPS)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    folder: Path = tmp_path_factory.mktemp("reach")
    with record(folder) as made:
        head, sealed = Head(), []
        for number, (camera, area) in enumerate(PLACES):
            row = seal(entry(number, camera=camera, area=area), "control", head)
            head = Head(row.seq, row.digest)
            sealed.append(row)
        made.log.add(sealed)
        yield made.log


@given(reach=reaches)
def test_the_database_finds_what_the_rule_says(rows: AuditLog, reach: Reach) -> None:
    found = {(row.camera, row.area) for row in rows.read(in_order(Filter(within=reach), 100))}
    assert found == {place for place in PLACES if reach.includes(*place)}
