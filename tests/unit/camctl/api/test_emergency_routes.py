"""Break-glass over HTTP: the camera opens for one, everything ends with it, and it is on record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from auth.emergency import EmergencyCategory, EmergencyWish
from auth.emergency_records import EmergencyRecords
from auth.roles import Capability
from camctl.audit.entry import Action
from camctl.control.client import RemoteCamera
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import FIRST, SECOND, House, within_a_second
from tests.unit.camctl.api.in_person_kit import program

WHY = {"category": "flood", "incident": "112-0881", "reason": "Banjir di Manggarai"}


@pytest.fixture
def shut(house: House) -> RemoteCamera:
    """The first camera, as its owner shares it in emergencies only."""
    camera = house.control.get(FIRST)
    assert camera is not None
    camera.entry = replace(camera.entry, emergency_only=True)
    return camera


async def ask(house: House, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
    async with house.client(who) as client:
        return await client.request(method, path, json=body)


async def opened(house: House, who: str = "camat") -> dict[str, Any]:
    answer = await ask(house, who, "POST", f"/cameras/{FIRST}/emergency", WHY)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_page_is_told_that_it_is_shut_and_until_when_it_is_open(house: House, shut: RemoteCamera) -> None:
    before = (await ask(house, "camat", "GET", f"/cameras/{FIRST}")).json()
    assert (before["emergency"], before["may"]["live"]) == ({"may_open": True, "open_until": None}, False)
    problem(await ask(house, "camat", "POST", f"/cameras/{FIRST}/control/take"), 403, "forbidden")
    opening = await opened(house)
    assert (opening["state"], opening["owner"], opening["may_close"], opening["may_review"]) == (
        "open", "PT Contoh", True, False,
    )  # fmt: skip
    after = (await ask(house, "camat", "GET", f"/cameras/{FIRST}")).json()
    assert (after["emergency"]["open_until"], after["may"]["live"]) == (opening["over_at"], True)
    assert (await ask(house, "camat", "POST", f"/cameras/{FIRST}/control/take")).status_code == 200
    others = (await ask(house, "walikota", "GET", f"/cameras/{FIRST}")).json()
    assert (others["emergency"]["open_until"], others["may"]["live"]) == (None, False)
    assert (await ask(house, "camat", "GET", f"/cameras/{SECOND}")).status_code == 404


@pytest.mark.parametrize("ends", ["closed by its owner", "by the clock"])
async def test_what_runs_on_it_ends_within_a_second_of_its_end(house: House, shut: RemoteCamera, ends: str) -> None:
    if ends == "by the clock":
        records = EmergencyRecords(house.auth.sessions)
        wish = EmergencyWish(EmergencyCategory.FIRE, "1", "kebakaran", timedelta(seconds=4))
        opened_at = datetime.now(UTC)
        await house.auth.change(lambda: records.open("camat", shut.entry.ref, wish, opened_at))
    else:
        opening = await opened(house)
    assert (await ask(house, "camat", "POST", f"/cameras/{FIRST}/control/take")).status_code == 200
    assert shut.control.holder is not None
    if ends == "by the clock":
        await asyncio.sleep((opened_at + wish.lasting - datetime.now(UTC)).total_seconds())
    else:
        assert (await ask(house, "partner", "DELETE", f"/emergencies/{opening['id']}")).status_code == 204
    await within_a_second(lambda: shut.control.holder is None)
    problem(await ask(house, "camat", "POST", f"/cameras/{FIRST}/control/take"), 403, "forbidden")


async def test_every_step_is_on_record_with_its_reason(house: House, shut: RemoteCamera) -> None:
    opening = await opened(house)
    await opened(house)
    assert (await ask(house, "admin", "DELETE", f"/emergencies/{opening['id']}")).status_code == 204
    judged = await ask(
        house, "admin", "POST", f"/emergencies/{opening['id']}/review", {"justified": True, "words": "Sesuai"}
    )
    assert (judged.status_code, judged.json()["state"]) == (200, "justified")
    (first, again) = house.recorder.of(Action.EMERGENCY_OPEN)
    assert (first.camera, first.area, first.reason.text) == (FIRST, "31.71.07", "Banjir di Manggarai")
    assert (first.details["incident"], first.details["told"]) == ("112-0881", "admin partner")
    assert "told" not in again.details
    assert [one.actor.name for one in house.recorder.of(Action.EMERGENCY_CLOSE)] == ["Admin"]
    (review,) = house.recorder.of(Action.EMERGENCY_REVIEW)
    assert (review.details["justified"], review.reason.text) == (True, "Sesuai")


async def test_no_program_opens_a_camera(house: House, shut: RemoteCamera) -> None:
    async with (
        program(house, "camat") as everything,
        program(house, "camat", Capability.SEE, Capability.EMERGENCY) as this,
    ):
        for client in (everything, this):
            refused = problem(await client.post(f"/cameras/{FIRST}/emergency", json=WHY), 403, "forbidden")
            assert refused["why"] == "token"
    assert house.recorder.of(Action.EMERGENCY_OPEN) == []


async def test_openings_are_listed_for_whom_they_concern(house: House, shut: RemoteCamera) -> None:
    mine = await opened(house)
    others = await opened(house, "walikota")

    async def listed(who: str, query: str = "") -> list[str]:
        return [one["id"] for one in (await ask(house, who, "GET", f"/emergencies{query}")).json()["items"]]

    assert await listed("admin") == [others["id"], mine["id"]]
    assert await listed("partner") == [others["id"], mine["id"]]
    assert await listed("camat") == [mine["id"]]
    assert await listed("operator") == []
    assert await listed("admin", "?state=unreviewed") == []
    page = (await ask(house, "admin", "GET", "/emergencies?limit=1")).json()
    assert [one["id"] for one in page["items"]] == [others["id"]]
    assert await listed("admin", f"?limit=1&after={page['next']}") == [mine["id"]]
    problem(await ask(house, "admin", "GET", "/emergencies?after=yesterday"), 422, "bad-input")
    problem(await ask(house, "operator", "DELETE", f"/emergencies/{mine['id']}"), 404, "not-found")
    problem(await ask(house, "camat", "DELETE", f"/emergencies/{'0' * 32}"), 404, "not-found")


async def test_pending_is_what_is_open_or_waits_for_a_judgement(house: House, shut: RemoteCamera) -> None:
    async def pending(who: str) -> list[tuple[str, str, bool]]:
        items = (await ask(house, who, "GET", "/emergencies?pending=true")).json()["items"]
        assert all(one["camera_name"] == "Bundaran HI" for one in items)
        return [(one["id"], one["state"], one["may_close"]) for one in items]

    opening = (await opened(house))["id"]
    assert await pending("admin") == [(opening, "open", True)]
    verdict = {"justified": False, "words": "Tidak ada kejadian"}
    early = await ask(house, "admin", "POST", f"/emergencies/{opening}/review", verdict)
    assert "still open" in problem(early, 403, "forbidden")["detail"]
    assert await pending("admin") == [(opening, "open", True)]
    await ask(house, "admin", "DELETE", f"/emergencies/{opening}")
    assert await pending("admin") == [(opening, "unreviewed", False)]
    await ask(house, "admin", "POST", f"/emergencies/{opening}/review", verdict)
    assert await pending("admin") == []
    again = (await opened(house))["id"]
    await ask(house, "camat", "DELETE", f"/emergencies/{again}")
    assert await pending("camat") == [(again, "unreviewed", False)]
    assert await pending("partner") == [(again, "unreviewed", False)]
    assert await pending("operator") == []


async def test_what_is_not_needed_not_allowed_or_not_said_is_refused(house: House, shut: RemoteCamera) -> None:
    path = f"/cameras/{FIRST}/emergency"
    problem(await ask(house, "partner", "POST", path, WHY), 403, "forbidden")
    problem(await ask(house, "camat", "POST", f"/cameras/{SECOND}/emergency", WHY), 404, "not-found")
    problem(await ask(house, "operator", "POST", f"/cameras/{SECOND}/emergency", WHY), 409, "not-done")
    for wrong in ({**WHY, "minutes": 61}, {**WHY, "category": "boredom"}, {**WHY, "incident": "<script>"}, {}):
        problem(await ask(house, "camat", "POST", path, wrong), 422, "bad-input")
    assert house.recorder.of(Action.EMERGENCY_OPEN) == []
    told = (await ask(house, "camat", "GET", f"/cameras/{FIRST}/permissions")).json()["items"]
    assert (told[Capability.LIVE]["allowed"], told[Capability.LIVE]["why"]) == (False, "emergency")
