"""The API's end of control, with a control process that is made up: it dies and comes back as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from auth.model import CameraRef
from camctl.cameras.model import CameraEntry, CameraPolicy, CameraState, Health
from camctl.control import client as module
from camctl.control import codec
from camctl.control.client import ControlClient, RemoteCamera
from camctl.control.view import CameraView, Outcome
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden, Limits, Sector
from camctl.ptz.model import Position, Preset, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.rounds import Round, RoundStop
from camctl.ptz.rules import Rules
from camctl.ptz.view import ControlView, HolderView, WaiterView
from camctl.supervisor import Supervisor
from streams.wire import WireError
from tests.support.fake_child import FakeChild, FakePeer

LURAH = ev.Source("s1", "p1", "Ibu Lurah", "official", 50, "s1:ws-1")
CAMAT = ev.Source("s2", "p2", "Pak Camat", "official", 60, "s2:ws-2")
MOVE = ev.Move(LURAH, Velocity(pan=0.5), 0.6)
STOP = ev.Stop(LURAH)


SECTORS = Limits(sectors=(Sector((0.1, 0.2), (0.1, 0.2)),))


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ControlClient]:
    monkeypatch.setattr(module, "Child", FakeChild)
    entries = (
        CameraEntry("cam", "Cam", "31", onvif_url="http://192.0.2.7/", password="geheim", limits=SECTORS),
        CameraEntry("feed", "Feed", "31", rtsp_main="rtsp://192.0.2.8/"),
    )
    supervisor = Supervisor()
    client = ControlClient(codec.Setup(entries, Rules(), ("192.0.2.0/24",)), supervisor)
    await client.start()
    yield client
    await client.close()
    await supervisor.close()


@pytest.fixture
def child(client: ControlClient) -> FakeChild:
    return FakeChild.newest


def cam(client: ControlClient) -> RemoteCamera:
    camera = client.get("cam")
    assert camera is not None
    return camera


def peer_of(child: FakeChild) -> FakePeer:
    assert child.peer is not None
    return child.peer


def held(*waiters: ev.Source, moving: bool = False) -> CameraView:
    queue = tuple(WaiterView(number, source, 1.0, "mine") for number, source in enumerate(waiters))
    control = ControlView(HolderView(LURAH, 7, 1.0, 2.0), queue, moving)
    return CameraView(Health(CameraState.LIVE), control=control)


async def test_a_new_process_is_told_everything_and_only_of_cameras_that_may_be_steered(child: FakeChild) -> None:
    assert peer_of(child).kinds() == [codec.SETUP, codec.CAMERA, codec.GO]
    _, _, blob = peer_of(child).said[1]
    assert codec.decode(CameraEntry, blob).password == "geheim"


async def test_commands_leave_at_once_and_in_order_and_each_gets_its_own_answer(
    client: ControlClient, child: FakeChild
) -> None:
    camera = cam(client)
    tasks = [camera.command(event) for event in (MOVE, STOP, ev.Take(CAMAT))]
    assert peer_of(child).events() == [MOVE, STOP, ev.Take(CAMAT)], "before anybody awaits"
    numbers = [payload["id"] for kind, payload, _ in peer_of(child).said if kind == codec.COMMAND]
    child.answer(numbers[2], codec.outcome_payload(Outcome(ev.Refusal.HELD)))
    child.answer(numbers[1], codec.outcome_payload(Outcome(None, 0.02, 0.001)))
    child.answer(numbers[0], codec.fault_payload(CameraError(CameraFault.TIMEOUT, "no answer")))
    assert await tasks[2] == Outcome(ev.Refusal.HELD)
    assert await tasks[1] == Outcome(None, 0.02, 0.001)
    with pytest.raises(CameraError, match="no answer"):
        await tasks[0]


async def test_views_reach_the_mirror_and_everyone_watching(client: ControlClient, child: FakeChild) -> None:
    camera = cam(client)
    assert camera.hidden is Hidden.POSITION_UNKNOWN, "nothing is shown before control has looked"
    seen: list[CameraView] = []
    unsubscribe = camera.subscribe(lambda: seen.append(camera.view))
    child.show("cam", held())
    child.show("cam", held())
    assert seen == [held()]
    assert camera.hidden is None
    unsubscribe()
    child.show("cam", held(CAMAT))
    assert len(seen) == 1
    child.show("nobody", held())


async def test_while_control_is_away_moves_fail_and_a_stop_waits_for_it(
    client: ControlClient, child: FakeChild
) -> None:
    camera = cam(client)
    child.die()
    assert not client.is_up
    assert client.problems
    with pytest.raises(CameraError, match="being restarted"):
        await camera.command(MOVE)
    with pytest.raises(CameraError, match="being restarted"):
        await camera.status()
    stop = camera.command(STOP)
    await asyncio.sleep(0.01)
    assert not stop.done()
    peer = child.rise()
    assert peer.kinds()[:3] == [codec.SETUP, codec.CAMERA, codec.GO]
    assert peer.events() == [STOP]
    child.answer(peer.said[-1][1]["id"], codec.outcome_payload(Outcome(None, 0.02)))
    assert (await stop).camera_s == 0.02
    assert client.is_up
    assert client.problems == ()


async def test_a_stop_that_was_under_way_when_control_died_is_sent_again_and_a_move_is_not(
    client: ControlClient, child: FakeChild
) -> None:
    camera = cam(client)
    move, stop = camera.command(MOVE), camera.command(STOP)
    child.die()
    with pytest.raises(CameraError, match="being restarted"):
        await move
    assert child.rise().events() == [STOP]
    assert not stop.done()
    stop.cancel()


async def test_a_stop_does_not_wait_for_ever(
    client: ControlClient, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_WAITS_S", 0.05)
    child.die()
    with pytest.raises(CameraError, match="being restarted") as failure:
        await cam(client).command(STOP)
    assert failure.value.fault is CameraFault.UNREACHABLE
    assert child.rise().events() == []


async def test_what_is_known_stays_known_but_nobody_is_told_that_it_stands(
    client: ControlClient, child: FakeChild
) -> None:
    camera = cam(client)
    child.show("cam", held(moving=True))
    child.die()
    assert camera.health.state is CameraState.CONNECTING
    assert camera.control.holder == held().control.holder
    assert camera.control.stop_confirmed is False
    assert camera.hidden is Hidden.POSITION_UNKNOWN
    peer = child.rise()
    assert peer.said[1][1] == {"fence": 7}, "later leases are above it, journal or not"


async def test_who_waited_keeps_the_place_but_not_who_left_or_was_revoked(
    client: ControlClient, child: FakeChild
) -> None:
    camera = cam(client)
    gone, cut = (ev.Source(f"s{n}", f"p{n}", "x", "official", 50, f"s{n}:ws-{n}") for n in (3, 4))
    child.show("cam", held(CAMAT, gone, cut))
    child.die()
    camera.tell(ev.ChannelClosed(gone.channel))
    client.revoke(cut.sign_in)
    peer = child.rise()
    assert peer.events() == [ev.Request(CAMAT, "mine")]
    child.die()
    assert child.rise().events() == [ev.Request(CAMAT, "mine")], "that one died before it said anything"
    child.show("cam", held())
    child.die()
    assert child.rise().events() == []


async def test_a_withdrawn_right_is_not_forgotten_while_control_is_away(
    client: ControlClient, child: FakeChild
) -> None:
    child.die()
    client.revoke("s1")
    cam(client).revoke("s2")
    stop = cam(client).command(STOP)
    peer = child.rise()
    assert peer.kinds()[3:] == [codec.REVOKE, codec.COMMAND, codec.COMMAND], "before anything else"
    assert peer.said[3][1] == {"sign_in": "s1"}
    assert peer.events() == [ev.Revoke("s2"), STOP]
    stop.cancel()


async def test_patrols_are_told_again_to_every_new_process(client: ControlClient, child: FakeChild) -> None:
    patrol = Round("1", "night", ev.SourceKind.PATROL, 10, (RoundStop("7", 5.0),))
    camera = cam(client)

    def told(peer: FakePeer) -> list[tuple[Round, ...]]:
        return [codec.decode(tuple[Round, ...], blob) for kind, _, blob in peer.said if kind == codec.PATROLS]

    camera.set_patrols([patrol])
    assert told(peer_of(child)) == [(patrol,)]
    child.die()
    assert told(child.rise()) == [(patrol,)]
    child.die()
    camera.set_patrols([])
    assert told(child.rise()) == [()]


async def test_a_policy_is_told_surely_and_no_patrol_runs_in_emergencies(
    client: ControlClient, child: FakeChild
) -> None:
    patrol = Round("1", "night", ev.SourceKind.PATROL, 10, (RoundStop("7", 5.0),))
    camera = cam(client)
    camera.set_patrols([patrol])
    shut, shared = replace(camera.entry.policy, owner="PT Lain", emergency_only=True), camera.entry.policy

    def told(peer: FakePeer) -> list[object]:
        kinds: dict[str, Any] = {
            codec.PATROLS: tuple[Round, ...],
            codec.POLICY: CameraPolicy,
            codec.CAMERA: CameraEntry,
        }
        return [codec.decode(kinds[kind], blob) for kind, _, blob in peer.said if kind in kinds]

    camera.set_policy(shut)
    assert camera.entry.ref == CameraRef("cam", "31", "PT Lain", emergency_only=True)
    assert told(peer_of(child))[-2:] == [shut, ()]
    camera.set_patrols([patrol, patrol])
    assert told(peer_of(child))[-1] == ()
    child.die()
    assert told(child.rise()) == [camera.entry, ()], "a new process begins with it"
    child.die()
    camera.set_policy(shared)
    assert told(child.rise()) == [camera.entry, shared, (patrol, patrol)]
    feed = client.get("feed")
    assert feed is not None
    feed.set_policy(shut)
    assert told(peer_of(child))[3:] == [], "a plain feed is none of control's business"


async def test_a_plain_feed_is_none_of_controls_business(client: ControlClient, child: FakeChild) -> None:
    feed = client.get("feed")
    assert feed is not None
    feed.set_health(Health(CameraState.LIVE))
    feed.want_key_frame("main")
    feed.tell(ev.ChannelClosed("x"))
    with pytest.raises(CameraError, match="picture only") as failure:
        await feed.command(ev.Take(LURAH))
    assert failure.value.fault is CameraFault.UNSUPPORTED
    child.die()
    assert feed.health.state is CameraState.LIVE
    assert peer_of(child).kinds() == [codec.SETUP, codec.CAMERA, codec.GO]


async def test_questions_are_answered_or_fail_as_the_camera_did(client: ControlClient, child: FakeChild) -> None:
    camera, peer = cam(client), peer_of(child)
    peer.answers[codec.STATUS] = codec.encode(PtzStatus(Position(0.1, 0.2)))
    peer.answers[codec.PRESETS] = codec.encode([Preset("7", "gate")], list[Preset])
    assert (await camera.status()).position == Position(0.1, 0.2)
    assert await camera.presets() == [Preset("7", "gate")]
    for failure, fault in (
        (WireError("bad-credentials", "wrong password"), CameraFault.BAD_CREDENTIALS),
        (WireError("internal", "status failed"), CameraFault.PROTOCOL),
        (ConnectionError(), CameraFault.UNREACHABLE),
        (TimeoutError(), CameraFault.TIMEOUT),
    ):
        peer.answers[codec.STATUS] = failure
        with pytest.raises(CameraError) as raised:
            await camera.status()
        assert raised.value.fault is fault


async def test_control_that_lives_but_does_not_answer_is_ended(
    client: ControlClient, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING_S", 0.01)
    await asyncio.sleep(1.1)
    assert child.killed == 0
    peer_of(child).answers[codec.PING] = TimeoutError()
    await asyncio.sleep(0.1)
    assert child.killed >= 1


async def test_the_end_asks_control_to_stop_everything_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "Child", FakeChild)
    entry = CameraEntry("cam", "Cam", "31", onvif_url="http://192.0.2.7/")
    supervisor = Supervisor()
    client = ControlClient(codec.Setup((entry,), Rules()), supervisor)
    await client.start()
    child = FakeChild.newest
    peer = peer_of(child)
    move = cam(client).command(MOVE)
    await client.close()
    assert peer.asked == [codec.SHUTDOWN]
    assert child.closed == 1
    with pytest.raises(CameraError, match="ending"):
        await move
    await supervisor.close()
