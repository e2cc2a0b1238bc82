"""One control socket against real arbiters: its answers, its two lanes, its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from auth.emergency import EmergencyCategory, EmergencyWish
from auth.emergency_service import Emergencies
from auth.model import SignIn
from auth.roles import ViewingRank
from camctl.api.access import Visit
from camctl.api.control_socket import ControlSocket
from camctl.audit.entry import Action, Outcome
from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError, CameraFault
from streams.quality import Demand
from tests.unit.camctl.api.api_kit import FIRST, SECOND, FakeWebSocket, House, sign_in_of


@asynccontextmanager
async def open_socket(house: House, sign_in: SignIn, camera_id: str = FIRST) -> AsyncIterator[FakeWebSocket]:
    socket = FakeWebSocket()
    camera = house.control.get(camera_id)
    assert camera is not None
    connection = ControlSocket(cast("Any", socket), Visit(sign_in, camera), house.services)
    with house.services.uses.registered(connection):
        running = asyncio.create_task(connection.run())
        await socket.state()
        yield socket
        socket.leaves()
        await running


async def video(house: House, sign_in: SignIn, camera_id: str = FIRST) -> str:
    camera = house.control.get(camera_id)
    assert camera is not None
    media = house.services.media
    session_id, _ = await media.open(
        camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
    )
    return session_id


def datagram(house: House, session_id: str, kind: str, seq: int, **fields: Any) -> None:
    text = json.dumps({"type": kind, "seq": seq, **fields})
    house.services.media.on_event({"type": "datagram", "session_id": session_id, "text": text})


def datagram_answers(house: House, session_id: str) -> list[dict[str, Any]]:
    return [message for to, message in house.pool.datagrams if to == session_id]


async def test_a_move_is_acknowledged_and_everybody_sees_who_holds(house: House) -> None:
    sari, budi = sign_in_of("official"), sign_in_of("operator", name="budi")
    async with open_socket(house, sari) as phone, open_socket(house, budi) as desk:
        phone.hears("move", 1, pan=0.5, gesture=1)
        ack = await phone.answer(1)
        assert (ack["type"], ack["kind"], ack["camera_ms"]) == ("ack", "move", 12.0)
        assert 0 <= ack["server_ms"] < 100
        state = await desk.state(lambda state: state["holder"] is not None)
        assert state["holder"]["name"] == "Sari"
        assert (state["holder"]["kind"], state["holder"]["you"], state["holder"]["reserved"]) == (
            "person",
            False,
            False,
        )
        assert state["fence"] is None
        assert not state["may_take"]
        mine = await phone.state(lambda state: state["holder"] is not None)
        assert mine["holder"]["you"]
        assert mine["fence"] == 1
        assert mine["may_take"]
        assert mine["life_ms"] == 500
        desk.hears("move", 1, pan=0.5)
        refused = await desk.answer(1)
        assert refused["code"] == "held"
        assert refused["detail"] == "Sari controls this camera."
        assert refused["holder"]["name"] == "Sari"


async def test_the_queue_and_the_hand_over_are_seen_by_all(house: House) -> None:
    sari, budi = sign_in_of("official"), sign_in_of("operator", name="budi")
    async with open_socket(house, sari) as phone, open_socket(house, budi) as desk:
        phone.hears("take", 1)
        await phone.answer(1)
        desk.hears("request", 1, reason="banjir")
        assert (await desk.answer(1))["type"] == "ack"
        state = await phone.state(lambda state: state["queue"])
        (waiter,) = state["queue"]
        assert (waiter["name"], waiter["reason"], waiter["you"]) == ("Budi", "banjir", False)
        assert state["holder"]["capped_in_ms"] > 9000
        phone.hears("hand_over", 2, ticket=waiter["ticket"])
        assert (await phone.answer(2))["type"] == "ack"
        state = await phone.state(lambda state: state["holder"] and not state["holder"]["you"])
        assert state["queue"] == []
        assert state["holder"]["reason"] == "banjir"
        phone.hears("move", 3, pan=1.0, fence=1)
        assert (await phone.answer(3))["code"] in {"fenced", "held"}


async def test_a_reservation_is_broken_by_the_right_alone(house: House) -> None:
    sari = sign_in_of("operator")
    gubernur, admin = sign_in_of("official", "31", name="gubernur"), sign_in_of("admin", "31", name="admin")
    async with (
        open_socket(house, sari) as desk,
        open_socket(house, gubernur) as phone,
        open_socket(house, admin) as laptop,
    ):
        desk.hears("reserve", 1, reason="evakuasi", limit_s=600)
        await desk.answer(1)
        state = await phone.state(lambda state: state["holder"])
        assert state["holder"]["reserved"]
        assert not state["may_take_over"]
        assert not state["may_break"]
        phone.hears("take_over", 1, reason="saya")
        refused = await phone.answer(1)
        assert refused["code"] == "reserved"
        assert refused["detail"] == "Sari has reserved this camera: evakuasi"
        state = await laptop.state(lambda state: state["holder"])
        assert state["may_break"]
        assert state["may_take_over"]
        laptop.hears("take_over", 1, reason="darurat")
        assert (await laptop.answer(1))["type"] == "ack"
        lost = await desk.state(lambda state: state["holder"] and not state["holder"]["you"])
        assert lost["holder"]["reason"] == "darurat"
        assert not lost["may_break"]


async def test_datagrams_are_part_of_the_same_channel(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        phone.hears("datagrams", 1, video=session)
        assert (await phone.answer(1))["kind"] == "datagrams"
        datagram(house, session, "move", 2, pan=0.5, gesture=1)
        await asyncio.sleep(0)
        (move,) = house.control.of(ev.Move)
        phone.hears("stop", 3, gesture=1)
        await phone.answer(3)
        (stop,) = house.control.of(ev.Stop)
        assert isinstance(move, ev.Move)
        assert isinstance(stop, ev.Stop)
        assert move.source == stop.source
        datagram(house, session, "move", 4, pan=0.5, gesture=1)
        await asyncio.sleep(0.01)
        answers = datagram_answers(house, session)
        assert [(a["type"], a["seq"]) for a in answers] == [("ack", 2), ("error", 4)]
        assert answers[1]["code"] == "released"
        assert all(a["seq"] not in {2, 4} for a in phone.said if a["type"] in {"ack", "error"})


async def test_a_stop_over_both_lanes_counts_once_and_is_answered_over_both(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        phone.hears("datagrams", 1, video=session)
        await phone.answer(1)
        datagram(house, session, "move", 2, pan=0.5, gesture=1)
        datagram(house, session, "stop", 3, gesture=1)
        datagram(house, session, "move", 4, pan=0.7, gesture=2)
        phone.hears("stop", 3, gesture=1)  # the same one, late over the slower lane: the finger is down again
        ack = await phone.answer(3)
        assert ack["type"] == "ack"
        assert len(house.control.of(ev.Stop)) == 1
        assert [a["seq"] for a in datagram_answers(house, session)] == [2, 3, 4]
        camera = house.control.get(FIRST)
        assert camera is not None
        assert camera.control.is_moving
        phone.hears("stop", 5, gesture=2)
        await phone.answer(5)
        assert not camera.control.is_moving


async def test_what_comes_twice_or_late_over_the_other_lane_does_no_harm(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        phone.hears("datagrams", 1, video=session)
        await phone.answer(1)
        datagram(house, session, "move", 2, pan=0.5)
        phone.hears("move", 2, pan=0.5)
        phone.hears("stop", 4)
        await phone.answer(4)
        datagram(house, session, "move", 3, pan=0.5)
        await asyncio.sleep(0.01)
        assert len(house.control.of(ev.Move)) == 1
        assert datagram_answers(house, session)[-1]["code"] == "stale"


async def test_only_moves_stops_and_pings_are_heard_over_the_data_channel(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        phone.hears("datagrams", 1, video=session)
        await phone.answer(1)
        datagram(house, session, "ping", 2)
        datagram(house, session, "take_over", 3, reason="x")
        house.services.media.on_event({"type": "datagram", "session_id": session, "text": "{"})
        kinds = [(a["type"], a.get("code", a.get("kind"))) for a in datagram_answers(house, session)]
        assert kinds == [("ack", "ping"), ("error", "bad-input"), ("error", "bad-input")]
        assert not house.control.events


async def test_a_video_session_of_another_sign_in_or_camera_is_refused(house: House) -> None:
    sari, same_person = sign_in_of("official"), sign_in_of("official", device="2")
    async with open_socket(house, sari) as phone:
        elsewhere = await video(house, sari, SECOND)
        others = await video(house, same_person)
        for seq, session in enumerate((elsewhere, others, "nothing"), 1):
            phone.hears("datagrams", seq, video=session)
            assert (await phone.answer(seq))["code"] == "no-video"
            datagram(house, session, "move", 10 + seq, pan=0.5)
        assert not house.control.events


async def test_the_lane_ends_with_the_video_session_and_with_the_socket(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        phone.hears("datagrams", 1, video=session)
        await phone.answer(1)
        await house.services.media.close(session)
        datagram(house, session, "move", 2, pan=0.5)
        assert not house.control.events
        session = await video(house, sari)
        phone.hears("datagrams", 3, video=session)
        await phone.answer(3)
        datagram(house, session, "move", 4, pan=0.5)
        assert len(house.control.of(ev.Move)) == 1
    datagram(house, session, "move", 5, pan=0.5)
    assert len(house.control.of(ev.Move)) == 1
    assert isinstance(house.control.events[-1][1], ev.ChannelClosed)


async def test_a_lost_video_session_is_told_at_once(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        closed, lost = await video(house, sari), await video(house, sari)
        await house.services.media.close(closed)
        for session in (closed, lost):
            house.services.media.on_event({"type": "session_state", "state": "closed", "session_id": session})
        assert await phone.until(lambda message: message["type"] == "video_ended") == {
            "type": "video_ended",
            "video": lost,
        }


async def test_the_end_of_the_socket_stops_what_it_moved_and_leaves_the_queue(house: House) -> None:
    sari, budi = sign_in_of("official"), sign_in_of("operator", name="budi")
    camera = house.control.get(FIRST)
    assert camera is not None
    async with open_socket(house, sari) as phone:
        phone.hears("move", 1, pan=0.5)
        await phone.answer(1)
        async with open_socket(house, budi) as desk:
            desk.hears("request", 1)
            await desk.answer(1)
            assert [waiter.source.name for waiter in camera.control.queue] == ["Budi"]
        assert not camera.control.queue
        assert camera.control.is_moving
    assert not camera.control.is_moving
    assert isinstance(house.control.sent[-1], ev.SendStop)


async def test_a_camera_that_fails_is_told_and_a_stop_still_goes_through(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        house.control.failing = CameraError(CameraFault.TIMEOUT, "the camera did not answer")
        phone.hears("stop", 1)
        refused = await phone.answer(1)
        assert (refused["code"], refused["detail"]) == ("camera-fault", "the camera did not answer")
        assert (await phone.state(lambda state: state["stop_confirmed"] is False))["moving"]


async def test_a_stop_needs_no_database_and_no_sign_in_that_still_lasts(house: House) -> None:
    sari = replace(sign_in_of("official"), expires_at=datetime.now(UTC) + timedelta(seconds=1))
    async with open_socket(house, sari) as phone:
        phone.hears("move", 1, pan=0.5)
        await phone.answer(1)
        house.people.is_broken = True
        for seq in range(2, 60):
            phone.hears("stop", seq)
        assert (await phone.answer(59))["type"] == "ack"
        await phone.until(lambda message: message["type"] == "closing")
        assert phone.code == 4401


async def test_changed_rights_count_from_the_next_message(house: House) -> None:
    sari = sign_in_of("official")
    socket = FakeWebSocket()
    camera = house.control.get(FIRST)
    assert camera is not None
    connection = ControlSocket(cast("Any", socket), Visit(sari, camera), house.services)
    running = asyncio.create_task(connection.run())
    await socket.state(lambda state: state["may_control"])
    connection.renew(sign_in_of("partner", organisation="PT Contoh"))
    await socket.state(lambda state: not state["may_control"] and not state["may_take"])
    socket.hears("stop", 1)
    assert (await socket.answer(1))["code"] == "forbidden"
    socket.leaves()
    await running


async def test_a_message_that_no_right_covers_is_on_record_once_a_minute_over_whichever_lane(house: House) -> None:
    guest = sign_in_of("partner", organisation="PT Contoh")
    async with open_socket(house, guest) as phone:
        session_id = await video(house, guest)
        phone.hears("datagrams", 1, video=session_id)
        assert (await phone.answer(1))["type"] == "ack"
        phone.hears("take_over", 2, reason="saya")
        for seq in range(3, 40):
            phone.hears("move", seq, pan=0.5)
        assert (await phone.answer(39))["code"] == "forbidden"
        datagram(house, session_id, "move", 40, pan=0.5)
        datagram(house, session_id, "stop", 41)
        phone.hears("stop", 41)
        assert (await phone.answer(41))["code"] == "forbidden"
    camera = house.control.get(FIRST)
    assert camera is not None
    told = house.recorder.of(Action.REFUSAL)
    assert [(one.target, one.reason.text) for one in told] == [
        ("socket take_over", "role"), ("socket move", "role"), ("datagram stop", "role"),
    ]  # fmt: skip
    assert {(one.actor.id, one.actor.organisation) for one in told} == {(guest.person.id, "PT Contoh")}
    assert {(one.camera, one.area, one.outcome) for one in told} == {(FIRST, camera.entry.area, Outcome.REFUSED)}


async def test_a_refusal_that_no_right_decides_is_no_row(house: House) -> None:
    async with open_socket(house, sign_in_of("official")) as phone, open_socket(house, sign_in_of("operator")) as desk:
        phone.hears("take", 1)
        assert (await phone.answer(1))["type"] == "ack"
        desk.hears("datagrams", 1, video="another's")
        assert (await desk.answer(1))["code"] == "no-video"
    assert house.recorder.of(Action.REFUSAL) == []


async def test_it_ends_when_the_camera_may_still_be_known_of_but_no_longer_watched(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    camera.entry = replace(camera.entry, emergency_only=True)
    emergencies = Emergencies(house.services.auth)
    sari = await house.sign_in("walikota")
    wish = EmergencyWish(EmergencyCategory.FLOOD, "112-0881", "Banjir")
    opening, _ = await emergencies.open(sari.person, camera.entry.ref, wish)
    async with open_socket(house, await house.services.auth.recheck(sari.session_id) or sari) as phone:
        await phone.state(lambda state: state["may_control"])
        await emergencies.close(opening.id, sari.person)
        said = await phone.until(lambda message: message["type"] == "closing")
        assert (phone.code, said["reason"]) == (4404, "you may no longer watch this camera")


async def test_the_number_of_viewers_is_told_when_it_changes(house: House) -> None:
    sari = sign_in_of("official")
    async with open_socket(house, sari) as phone:
        session = await video(house, sari)
        await phone.state(lambda state: state["viewers"] == 1)
        phone.said.clear()
        house.services.media.on_event({"type": "session_state", "state": "closed", "session_id": session})
        await phone.state(lambda state: state["viewers"] == 0)


@pytest.mark.parametrize(
    "options", [{"control": {"priorities": [{"area": "31.71", "role": "operator", "priority": 77}]}}]
)
async def test_the_areas_rule_decides_who_may_take_over(house: House) -> None:
    sari, budi = sign_in_of("official"), sign_in_of("operator", name="budi")
    async with open_socket(house, sari) as phone, open_socket(house, budi) as desk:
        phone.hears("take", 1)
        await phone.answer(1)
        assert (await desk.state(lambda state: state["holder"]))["may_take_over"]
        desk.hears("take_over", 1, reason="x")
        assert (await desk.answer(1))["type"] == "ack"
    assert any(
        isinstance(event, ev.TakeOver) and event.source.priority == 77 for event in house.control.of(ev.TakeOver)
    )


async def test_a_velocity_reaches_the_camera_as_it_was_pushed(house: House) -> None:
    async with open_socket(house, sign_in_of("official")) as phone:
        phone.hears("move", 1, pan=-0.25, tilt=0.5)
        await phone.answer(1)
    moves = [action for action in house.control.sent if isinstance(action, ev.SendMove)]
    assert [move.velocity for move in moves] == [Velocity(-0.25, 0.5)]
