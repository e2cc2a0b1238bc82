"""What is folded into one row, so that a flood from outside keeps nothing of anybody else's off the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camctl.api.auditing import ServiceAudit
from camctl.audit.entry import Action
from camctl.audit.repeats import Repeats
from tests.support.people import person
from tests.unit.camctl.api.api_kit import ENTRIES, ListRecorder

SARI = person("official", ("31.71",))
FIRST, SECOND, THIRD = ENTRIES


async def test_one_network_with_ever_new_addresses_is_one_row(recorder: ListRecorder, audit: ServiceAudit) -> None:
    for number in range(3000):
        audit.sign_in_refused(f"2001:db8:1:2::{number:x}", "wrong-password", "x")
    assert len(recorder.of(Action.SIGN_IN)) == 1


async def test_strangers_take_no_room_from_who_is_signed_in(recorder: ListRecorder, audit: ServiceAudit) -> None:
    for number in range(3_000):
        audit.sign_in_refused(f"{number // 256 % 256}.{number % 256}.{number // 65536 + 1}.9", "wrong-password", "x")
    assert len(recorder.of(Action.SIGN_IN)) == 1_001
    audit.sign_in_refused("192.0.2.1", "wrong-code", known=SARI)
    assert [row.actor.name for row in recorder.of(Action.SIGN_IN)][-1] == "Sari"
    audit.snapshot(SARI, FIRST)
    assert [row.camera for row in recorder.of(Action.SNAPSHOT)] == [FIRST.id]


async def test_where_no_room_is_left_each_picture_is_a_row(recorder: ListRecorder, audit: ServiceAudit) -> None:
    audit._snapshots = Repeats(most=2)
    for camera in (FIRST, SECOND, FIRST, THIRD, THIRD, SECOND):
        audit.snapshot(SARI, camera)
    audit.snapshot(replace(SARI, id="2", display_name="Budi"), FIRST)
    seen = [(row.actor.name, row.camera) for row in recorder.of(Action.SNAPSHOT)]
    assert seen == [("Sari", FIRST.id), ("Sari", SECOND.id), ("Sari", THIRD.id), ("Sari", THIRD.id), ("Budi", FIRST.id)]


@pytest.fixture
def recorder() -> ListRecorder:
    return ListRecorder()


@pytest.fixture
def audit(recorder: ListRecorder) -> ServiceAudit:
    return ServiceAudit(recorder)
