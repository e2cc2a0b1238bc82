"""Troubles that tests switch on, and the other side doors."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import pytest

from streams.rtsp.auth import ClientAuth
from tests.support import sim_onvif_kit as kit
from tests.support.sim_onvif_kit import Answer, Street


async def get(street: Street, target: str) -> Any:
    answer = await kit.request(street.app, "GET", target)
    assert answer.status == 200
    return json.loads(answer.body)


async def trouble(street: Street, document: Any) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return await kit.request(street.app, "POST", "/simulator/faults", body)


async def test_faults_are_set_one_by_one_and_read_back() -> None:
    street = Street()
    assert (await trouble(street, {"delay_s": 0.5})).status == 200
    assert (await trouble(street, {"refuse_stop": True})).status == 200
    assert await get(street, "/simulator/faults") == {
        "delay_s": 0.5,
        "drop_replies": False,
        "refuse_stop": True,
        "black_hole": False,
        "soap_garbage": False,
        "http_status": None,
    }


@pytest.mark.parametrize(
    "document",
    [
        {"delay": 1},
        {"delay_s": -1},
        {"delay_s": "1"},
        {"http_status": 200},
        [],
        b"{",
        b"",
        b'{"delay_s": NaN}',
        b"\xff",
    ],
)
async def test_a_bad_fault_is_told_and_changes_nothing(document: Any) -> None:
    street = Street()
    await trouble(street, {"delay_s": 0.25})
    answer = await trouble(street, document)
    assert answer.status == 422
    assert json.loads(answer.body)["error"]
    assert street.endpoint.faults.now.delay_s == 0.25


async def test_a_refused_stop_leaves_the_camera_turning() -> None:
    street = Street()
    await street.move(pan_tilt=(0.1, 0))
    await trouble(street, {"refuse_stop": True})
    assert (await street.ptz("Stop")).fault == ["Receiver", "Action"]
    assert street.moving
    await trouble(street, {"refuse_stop": False})
    assert (await street.ptz("Stop")).status == 200


async def test_dropped_replies_are_carried_out() -> None:
    street = Street()
    await trouble(street, {"drop_replies": True})
    assert (await street.move(pan_tilt=(0.1, 0))).status == 0
    assert street.moving


async def test_a_black_hole_does_nothing() -> None:
    street = Street()
    await trouble(street, {"black_hole": True})
    assert (await street.move(pan_tilt=(0.1, 0))).status == 0
    assert not street.moving
    assert (await get(street, "/simulator/state"))["moving"] is False


async def test_garbage_is_no_xml() -> None:
    street = Street()
    await trouble(street, {"soap_garbage": True})
    answer = await street.ptz("GetStatus")
    assert answer.status == 200
    assert b"PTZStatus" not in answer.body


async def test_an_http_status_replaces_everything() -> None:
    street = Street()
    await trouble(street, {"http_status": 503})
    answer = await street.move(pan_tilt=(0.1, 0))
    assert (answer.status, answer.body[:6]) == (503, b"<html>")
    assert not street.moving
    await trouble(street, {"http_status": None})
    assert (await street.ptz("GetStatus")).status == 200


async def test_state_is_the_truth() -> None:
    street = Street("reversed", "status-without-position")
    await street.move(pan_tilt=(0.5, 0))
    street.clock.advance(1)
    state = await get(street, "/simulator/state")
    assert state["pan_deg"] == pytest.approx(street.pan_deg)
    assert state["pan_deg"] < 0
    assert state["pan_deg_per_s"] == pytest.approx(-50)
    assert state["moving"] is True
    assert (state["watchers"], state["key_frames"]) == (0, 0)
    assert state["quirks"] == ["reversed", "status-without-position"]


async def test_the_motor_log_tells_what_happened_since() -> None:
    street = Street()
    await street.move(pan_tilt=(0.5, 0), life="PT1S")
    first = await get(street, "/simulator/motor-log")
    assert [event["kind"] for event in first["events"]] == ["move"]
    street.clock.advance(5)
    later = await get(street, f"/simulator/motor-log?since={first['now_s']}")
    assert [event["kind"] for event in later["events"]] == ["timeout", "standstill"]
    assert later["events"][0]["at_s"] == pytest.approx(1.0)
    assert (await kit.request(street.app, "GET", "/simulator/motor-log?since=x")).status == 400
    assert (await kit.request(street.app, "GET", "/simulator/nothing")).status == 404


async def test_the_snapshot_needs_the_account_and_is_a_picture() -> None:
    street = Street(sub={"width": 320, "height": 180, "fps": 5})
    target = "/snapshot.jpg?stream=sub"
    closed = await kit.request(street.app, "GET", target)
    assert closed.status == 401
    client = ClientAuth(kit.USERNAME, kit.PASSWORD)
    for challenge in closed.challenges():
        client.challenge([challenge])
        headers = {"authorization": client.answer("GET", target) or ""}
        opened = await kit.request(street.app, "GET", target, headers=headers)
        assert (opened.status, dict(opened.headers)["content-type"]) == (200, "image/jpeg")
    picture = cv2.imdecode(np.frombuffer(opened.body, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (180, 320, 3)
    assert picture.std() > 10
    other = await kit.request(street.app, "GET", "/snapshot.jpg?stream=x", headers=headers)
    assert other.status in (401, 404)
    assert (await kit.request(street.app, "POST", target)).status == 405
