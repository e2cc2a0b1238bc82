"""Troubles that tests switch on, and the other side doors."""

from __future__ import annotations

import asyncio
import json
import time
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
        "reply_delay_s": 0.0,
        "drop_replies": False,
        "refuse_stop": True,
        "ignore_stops": 0,
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
        {"ignore_stops": -1},
        {"ignore_stops": True},
        {"reply_delay_s": 61},
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


@pytest.mark.parametrize(
    "say",
    [
        lambda street: street.ptz("Stop"),
        lambda street: street.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"),
        lambda street: street.move(pan_tilt=(0, 0), zoom=0),
        lambda street: street.ptz("RelativeMove", '<tptz:Translation><tt:PanTilt x="0" y="0"/></tptz:Translation>'),
    ],
    ids=["plain", "axes", "zero-velocity", "relative-zero"],
)
async def test_stops_are_confirmed_and_ignored_as_often_as_wanted(say: Any) -> None:
    street = Street()
    await street.move(pan_tilt=(0.1, 0))
    await trouble(street, {"ignore_stops": 2})
    for left in (1, 0):
        assert (await say(street)).status == 200
        street.clock.advance(0.5)
        assert street.moving
        assert (await get(street, "/simulator/faults"))["ignore_stops"] == left
    assert (await say(street)).status == 200
    street.clock.advance(0.5)
    assert not street.moving


async def test_a_late_reply_is_to_a_command_that_was_carried_out_at_once() -> None:
    street = Street()
    await trouble(street, {"reply_delay_s": 0.3})
    started = time.monotonic()
    moving = asyncio.create_task(street.move(pan_tilt=(0.1, 0)))
    await asyncio.sleep(0.1)
    assert street.moving
    assert not moving.done()
    assert (await moving).status == 200
    assert time.monotonic() - started > 0.29


async def test_the_position_is_true_while_it_moves() -> None:
    street = Street()
    await street.move(pan_tilt=(0.5, -0.25), zoom=0.5)
    for _ in range(5):
        street.clock.advance(0.2)
        answer = await street.ptz("GetStatus")
        now = street.camera.motors.generic()
        assert float(answer.attribute("PanTilt", "x") or "") == pytest.approx(now.pan, abs=1e-5)
        assert float(answer.attribute("PanTilt", "y") or "") == pytest.approx(now.tilt, abs=1e-5)
        assert float(answer.attribute("Zoom", "x") or "") == pytest.approx(now.zoom, abs=1e-5)
        assert now.pan == pytest.approx(street.pan_deg / 170)
    assert street.pan_deg > 40


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
