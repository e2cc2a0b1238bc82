"""Who controls a camera over plain HTTP, against real arbiters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from camctl.cameras.model import CameraState, Health
from camctl.control.view import CameraView
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden
from camctl.ptz.model import SafetyNet
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.rounds import RoundView
from tests.support.fake_control import STEERABLE, facts
from tests.unit.camctl.api.api_kit import FEED, FIRST, SECOND, House


async def post(house: House, username: str, path: str, body: Any = None, camera: str = FIRST) -> httpx.Response:
    async with house.client(username) as client:
        return await client.post(f"/cameras/{camera}/{path}", json=body)


async def state(house: House, username: str, camera: str = FIRST) -> dict[str, Any]:
    async with house.client(username) as client:
        answer = await client.get(f"/cameras/{camera}/control")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def done(house: House, username: str, path: str, body: Any = None) -> dict[str, Any]:
    answer = await post(house, username, path, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_taking_and_releasing(house: House) -> None:
    assert (await state(house, "walikota"))["holder"] is None
    taken = await done(house, "walikota", "control/take")
    assert taken["holder"]["you"]
    assert taken["fence"] == 1
    assert taken["life_ms"] is None
    seen = await state(house, "operator")
    assert seen["holder"]["name"] == "Walikota"
    assert seen["fence"] is None
    assert not seen["may_take"]
    assert not seen["may_take_over"]
    assert (await done(house, "walikota", "control/release"))["holder"] is None
    again = await post(house, "walikota", "control/release")
    assert (again.status_code, again.json()["code"]) == (409, "nothing-to-release")
    assert again.json()["type"] == "urn:camctl:problem:not-done"


async def test_a_held_camera_is_refused_with_its_holder(house: House) -> None:
    await done(house, "walikota", "control/take")
    for path, body in (
        ("control/take", None),
        ("ptz/move", {"pan": 1.0}),
        ("ptz/stop", None),
        ("ptz/goto", {"home": True}),
    ):
        answer = await post(house, "operator", path, body)
        assert answer.status_code == 409, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["type"], problem["code"]) == ("urn:camctl:problem:held", "held")
        assert problem["detail"] == "Walikota controls this camera."
        assert problem["holder"]["name"] == "Walikota"
        assert problem["expires_in_ms"] == problem["holder"]["expires_in_ms"] > 5000


async def test_taking_over_needs_priority(house: House) -> None:
    await done(house, "camat", "control/take")
    refused = await post(house, "operator", "control/take-over", {"reason": "macet"})
    assert (refused.status_code, refused.json()["code"]) == (403, "priority-too-low")
    taken = await done(house, "walikota", "control/take-over", {"reason": "banjir"})
    assert (taken["holder"]["you"], taken["holder"]["reason"]) == (True, "banjir")
    assert [type(action) for action in house.control.sent] == [ev.SendStop]


async def test_the_queue_and_the_hand_over(house: House) -> None:
    await done(house, "walikota", "control/take")
    waiting = await done(house, "operator", "control/request", {"reason": "macet"})
    assert [(w["name"], w["you"], w["reason"]) for w in waiting["queue"]] == [("Operator", True, "macet")]
    await done(house, "operator2", "control/request")
    mine = await state(house, "walikota")
    assert [w["name"] for w in mine["queue"]] == ["Operator", "Operator2"]
    second = mine["queue"][1]["ticket"]
    stranger = await post(house, "operator", "control/hand-over", {"ticket": second})
    assert stranger.json()["code"] == "not-holder"
    assert (await post(house, "walikota", "control/hand-over", {"ticket": 99})).json()["code"] == "not-waiting"
    handed = await done(house, "walikota", "control/hand-over", {"ticket": second})
    assert handed["holder"]["name"] == "Operator2"
    assert (await done(house, "operator", "control/withdraw"))["queue"] == []
    assert (await post(house, "operator", "control/withdraw")).json()["code"] == "not-waiting"


async def test_reserving_and_breaking_it(house: House) -> None:
    reserved = await done(house, "operator", "control/reserve", {"reason": "evakuasi", "limit_s": 600})
    assert reserved["holder"]["reserved"]
    assert reserved["holder"]["expires_in_ms"] > 500_000
    for path, body in (("control/take-over", {"reason": "x"}), ("ptz/move", {"pan": 0.5})):
        refused = await post(house, "walikota", path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "reserved")
        assert refused.json()["detail"] == "Operator has reserved this camera: evakuasi"
    seen = await state(house, "admin")
    assert seen["may_break"]
    assert not (await state(house, "walikota"))["may_break"]
    broken = await done(house, "admin", "control/take-over", {"reason": "darurat"})
    assert (broken["holder"]["you"], broken["holder"]["reserved"]) == (True, False)
    assert (await post(house, "operator", "control/unreserve")).json()["code"] == "not-holder"
    again = await done(house, "admin", "control/reserve", {"reason": "lagi", "limit_s": 60})
    assert again["holder"]["reserved"]
    assert not (await done(house, "admin", "control/unreserve"))["holder"]["reserved"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("take-over", {}), ("take-over", {"reason": ""}), ("take-over", {"reason": "x" * 201}), ("hand-over", {}),
        ("hand-over", {"ticket": "1"}), ("reserve", {"reason": "x"}), ("reserve", {"reason": "x", "limit_s": 59}),
        ("reserve", {"reason": "x", "limit_s": 90_000}), ("reserve", {"reason": "x", "limit_s": 60, "more": 1}),
        ("request", {"reason": 5}),
    ],
)  # fmt: skip
async def test_a_bad_body_is_told_what_is_wrong(house: House, path: str, body: dict[str, Any]) -> None:
    answer = await post(house, "walikota", f"control/{path}", body)
    assert answer.status_code == 422
    assert answer.json()["faults"]
    assert not house.control.events


async def test_who_may_not_steer_may_look_and_who_may_not_see_finds_nothing(house: House) -> None:
    assert not (await state(house, "partner"))["may_control"]
    assert (await post(house, "partner", "control/take")).status_code == 403
    async with house.client("walikota") as client:
        foreign = await client.get(f"/cameras/{SECOND}/control")
        unknown = await client.get("/cameras/nothing/control")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.content == unknown.content
    async with house.client() as nobody:
        assert (await nobody.get(f"/cameras/{FIRST}/control")).status_code == 401


async def test_that_only_the_stop_of_a_take_over_failed_is_told_in_the_state(house: House) -> None:
    await done(house, "camat", "control/take")
    house.control.failing = CameraError(CameraFault.TIMEOUT, "no answer")
    taken = await done(house, "walikota", "control/take-over", {"reason": "x"})
    assert taken["holder"]["you"]
    assert taken["stop_confirmed"] is False
    failed = await post(house, "walikota", "ptz/move", {"pan": 0.5})
    assert failed.status_code in {202, 504}
    stopped = await post(house, "walikota", "ptz/stop")
    assert (stopped.status_code, stopped.json()) == (202, {"confirmed": False, "detail": "no answer"})


async def test_a_control_process_that_cannot_be_asked_is_a_fault_and_no_state(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None

    def unreachable(*_arguments: object) -> Any:
        raise CameraError(CameraFault.UNREACHABLE, "steering is being restarted; try again in a second")

    house.control._decide = unreachable  # type: ignore[assignment,method-assign]
    for path, body in (("take", None), ("reserve", {"reason": "x", "limit_s": 60}), ("request", None)):
        answer = await post(house, "walikota", f"control/{path}", body)
        assert answer.status_code == 502, answer.text
        assert "being restarted" in answer.json()["detail"]


async def test_a_camera_without_a_safety_net_says_why_it_is_not_steered(house: House) -> None:
    house.control.show(
        FIRST, CameraView(Health(CameraState.LIVE), facts(replace(STEERABLE, safety_net=SafetyNet.NONE)))
    )
    refused = await post(house, "walikota", "ptz/move", {"pan": 0.5})
    assert (refused.status_code, refused.json()["safety_net"]) == (409, "none")
    assert "does not stop by itself when the link to it dies" in refused.json()["detail"]
    assert (await post(house, "walikota", "control/take")).status_code == 409
    assert (await post(house, "walikota", "ptz/stop")).status_code == 202
    async with house.client("walikota") as client:
        camera = (await client.get(f"/cameras/{FIRST}")).json()
    assert (camera["steerable"], camera["safety_net"]) == (False, "none")
    feed = await post(house, "walikota", "control/take", camera=FEED)
    assert feed.json()["type"] == "urn:camctl:problem:cannot-steer"


async def test_a_patrol_is_seen_and_gives_way(house: House) -> None:
    patrol = ev.Source("patrol:7", "patrol:7", "Ronda", "patrol", 10, "patrol:7", ev.SourceKind.PATROL)
    camera = house.control.get(FIRST)
    assert camera is not None
    await camera.command(ev.Take(patrol))
    view = RoundView("7", "Ronda", ev.SourceKind.PATROL, "running", 1, 3)
    house.control.show(FIRST, replace(camera.view, round=view))
    seen = await state(house, "operator")
    assert (seen["holder"]["kind"], seen["holder"]["name"]) == ("patrol", "Ronda")
    assert seen["may_take"]
    assert seen["patrol"] == {
        "id": "7", "name": "Ronda", "kind": "patrol", "state": "running", "stop": 1, "stops": 3, "resumes_in_ms": None,
        "detail": "",
    }  # fmt: skip
    moved = await post(house, "operator", "ptz/move", {"pan": 0.5})
    assert moved.status_code == 202, moved.text
    assert [type(action) for action in house.control.sent] == [ev.SendStop, ev.SendMove]


async def test_a_hidden_picture_is_refused_with_the_reason(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    house.control.show(FIRST, replace(camera.view, hidden=Hidden.SECTOR))
    async with house.client("walikota") as client:
        offer = await client.post(f"/cameras/{FIRST}/whep", content="v=0", headers={"Content-Type": "application/sdp"})
        picture = await client.get(f"/cameras/{FIRST}/snapshot.jpg")
        listed = (await client.get("/cameras")).json()["items"]
    for answer in (offer, picture):
        assert answer.status_code == 409
        assert (answer.json()["type"], answer.json()["hidden"]) == ("urn:camctl:problem:hidden", "sector")
        assert "turn it away" in answer.json()["detail"]
    assert {item["id"]: item["hidden"] for item in listed} == {FIRST: "sector", FEED: None}
    assert (await state(house, "walikota"))["hidden"] == "sector"
