"""The whole control path over real sockets: service, ONVIF, simulated motors. Truth is the motors', not a reply's."""

from __future__ import annotations

import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.control import Phone
from tests.support.demo import Demo

pytestmark = pytest.mark.system

FIRST, SECOND = "31.71", "31.74"


def test_a_held_move_turns_right_and_ends_by_itself(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    before = demo.truth(camera)["pan_deg"]
    with demo.client("official", FIRST) as client:
        answer = client.post(f"/cameras/{camera['id']}/ptz/move", json={"pan": 0.5, "hold_ms": 700})
        assert answer.status_code == 202, answer.text
        assert answer.json()["holder"]["you"] is True
        demo.wait_moving(camera, 0.5)
        demo.wait_still(camera, 1.7)
        assert demo.truth(camera)["pan_deg"] > before + 5
        client.post(f"/cameras/{camera['id']}/ptz/stop")


def test_a_hold_longer_than_the_cameras_timeout_is_renewed(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    with demo.client("official", FIRST) as client:
        before = len(demo.motor_log(camera))
        client.post(f"/cameras/{camera['id']}/ptz/move", json={"pan": -0.2, "hold_ms": 2000}).raise_for_status()
        demo.wait_moving(camera, 0.5)
        demo.wait_still(camera, 3.5)
        events = demo.motor_log(camera)[before:]
    moves = [event["at_s"] for event in events if event["kind"] == "move"]
    assert len(moves) >= 3  # the first one and its renewals
    assert not any(event["kind"] == "timeout" for event in events)
    [stopped, *_] = [event["at_s"] for event in events if event["kind"] == "stop" and event["at_s"] > moves[-1]]
    assert stopped - moves[0] == pytest.approx(2.0, abs=0.3)


def test_the_finger_lifts_and_the_camera_stops(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    with Phone(demo.api, camera["id"], demo.person("official", FIRST)["token"]) as phone:
        phone.drag(0.6, tilt=0.4, gesture=1)
        assert demo.is_moving(camera)
        answer = phone.ask("stop")
        assert answer["type"] == "ack"
        assert answer["camera_ms"] is not None
        assert demo.wait_still(camera, 0.5) < 0.5
        late = phone.ask("move", tilt=0.4, gesture=1)
        assert late["code"] == "released"
        assert not demo.is_moving(camera)


def test_silence_with_the_socket_open_stops_within_a_second(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    with Phone(demo.api, camera["id"], demo.person("official", FIRST)["token"]) as phone:
        phone.drag(0.5, pan=0.4)
        assert demo.wait_still(camera, 1.0) <= 1.0


def test_a_socket_that_is_cut_stops_within_a_second(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    with Phone(demo.api, camera["id"], demo.person("official", FIRST)["token"]) as phone:
        phone.drag(0.5, pan=-0.4)
        assert demo.is_moving(camera)
        phone.socket.socket.shutdown(socket.SHUT_RDWR)  # no goodbye, as when the radio goes
        assert demo.wait_still(camera, 1.0) <= 1.0


def test_a_move_on_a_held_camera_is_refused_with_the_holders_name(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    with Phone(demo.api, camera["id"], demo.person("official", FIRST)["token"]) as phone:
        assert phone.ask("take")["type"] == "ack"
        with demo.client("operator") as operator:
            answer = operator.post(f"/cameras/{camera['id']}/ptz/move", json={"pan": 0.5})
            assert answer.status_code == 409
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["holder"]["name"] in answer.json()["detail"]
            assert operator.post(f"/cameras/{camera['id']}/ptz/stop").status_code == 409
        assert not demo.is_moving(camera)
        assert phone.ask("release")["type"] == "ack"


def test_a_higher_priority_takes_over_and_the_camera_stops_in_between(demo: Demo) -> None:
    camera = demo.camera(FIRST)
    lower, higher = demo.person("operator"), demo.person("official", FIRST)
    with (
        Phone(demo.api, camera["id"], lower["token"]) as first,
        Phone(demo.api, camera["id"], higher["token"]) as second,
    ):
        first.drag(0.4, pan=0.3)
        refused = second.ask("move", pan=-0.3)
        assert refused["code"] == "held"
        assert refused["holder"]["name"] in refused["detail"]
        second.state(lambda state: state["holder"] and state["may_take_over"])
        started = time.time()
        assert second.ask("take_over", reason="kecelakaan di simpang")["type"] == "ack"
        first.state(lambda state: state["holder"] and not state["holder"]["you"])
        assert first.ask("move", pan=0.3)["code"] == "held"
        assert first.ask("take_over", reason="mine")["code"] == "priority-too-low"
        second.drag(0.4, pan=-0.3)
        second.ask("stop")
        kinds = [event["kind"] for event in demo.motor_log(camera) if event["wall_s"] >= started]
        assert "stop" in kinds
        assert kinds.index("stop") < kinds.index("move"), kinds
        second.ask("release")
    demo.wait_still(camera, 1.0)


def test_signing_out_cuts_the_socket_and_stops_the_camera_within_a_second(demo: Demo) -> None:
    camera = demo.camera(SECOND)
    person = demo.person("official", SECOND)
    with demo.client("operator") as anybody:
        login = anybody.post("/auth/login", json={"username": person["username"], "password": person["password"]})
    token = login.json()["token"]
    with Phone(demo.api, camera["id"], token) as phone:
        phone.drag(0.4, pan=0.3)
        assert demo.is_moving(camera)
        with demo.client("operator") as client:
            client.post("/auth/logout", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        started = time.monotonic()
        with pytest.raises(ConnectionClosed):
            phone.wait_for(lambda _message: False)
        assert time.monotonic() - started <= 1.0
        demo.wait_still(camera, 1.0)


def test_presets_and_home_end_at_their_target(demo: Demo) -> None:
    camera = demo.camera(SECOND)
    with demo.client("official", SECOND) as client:
        presets = client.get(f"/cameras/{camera['id']}/presets").json()["items"]
        assert len(presets) >= 2
        before = demo.truth(camera)["pan_deg"]
        answer = client.post(f"/cameras/{camera['id']}/ptz/goto", json={"preset": presets[-1]["token"]})
        assert answer.status_code == 202, answer.text
        demo.wait_moving(camera, 1.0)
        demo.wait_still(camera, 8.0)
        assert abs(demo.truth(camera)["pan_deg"] - before) > 10
        client.post(f"/cameras/{camera['id']}/ptz/goto", json={"home": True}).raise_for_status()
        demo.wait_moving(camera, 1.0)
        demo.wait_still(camera, 8.0)
        status = client.get(f"/cameras/{camera['id']}/ptz/status").json()
        assert status["move_status"] == "idle"
        assert status["position"]["pan"] == pytest.approx(0.0, abs=0.02)


def test_an_unconfirmed_stop_is_told_to_everyone_and_repeated(demo: Demo) -> None:
    camera = demo.camera(SECOND)
    with (
        Phone(demo.api, camera["id"], demo.person("official", SECOND)["token"]) as phone,
        Phone(demo.api, camera["id"], demo.person("operator")["token"]) as watcher,
    ):
        phone.drag(0.3, pan=0.2)
        demo.faults(camera, black_hole=True)
        try:
            phone.send("stop")
            watcher.state(lambda state: state["stop_confirmed"] is False, 8.0)
        finally:
            demo.faults(camera, black_hole=False)
        watcher.state(lambda state: state["stop_confirmed"] is True, 12.0)
        demo.wait_still(camera, 1.0)
        phone.ask("release")


def test_a_socket_needs_a_sign_in_and_a_camera_one_may_know(demo: Demo) -> None:
    other = demo.camera(SECOND)
    with pytest.raises(InvalidStatus) as unknown, Phone(demo.api, "nothing", demo.person("official", FIRST)["token"]):
        pass
    with pytest.raises(InvalidStatus) as foreign, Phone(demo.api, other["id"], demo.person("official", FIRST)["token"]):
        pass
    with pytest.raises(InvalidStatus) as stranger, Phone(demo.api, other["id"], "no-token"):
        pass
    assert unknown.value.response.status_code == foreign.value.response.status_code == 404
    assert unknown.value.response.body == foreign.value.response.body
    assert stranger.value.response.status_code == 401


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[]", "{}", '{"type":"fly","seq":1}', '{"type":"move","seq":1,"pan":NaN}',
        '{"type":"move","seq":1,"pan":1.5}', '{"type":"move","seq":-1}', '{"type":"take_over","seq":1,"reason":""}',
    ],
)  # fmt: skip
def test_a_bad_message_is_answered_and_the_socket_lives_on(demo: Demo, text: str) -> None:
    camera = demo.camera(FIRST)
    with Phone(demo.api, camera["id"], demo.person("official", FIRST)["token"]) as phone:
        phone.socket.send(text)
        answer = phone.wait_for(lambda message: message["type"] == "error")
        assert answer["code"] == "bad-input"
        assert answer["detail"]
        assert phone.ask("ping")["type"] == "ack"
    assert not demo.is_moving(camera)
