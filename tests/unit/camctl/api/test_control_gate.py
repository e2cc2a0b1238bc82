"""What of a socket's messages reaches the arbiter."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from camctl.api import messages
from camctl.api.access import Visit
from camctl.api.control_gate import Gate, Lane, SeqOrder
from camctl.api.steering import NO_NET, source_of
from camctl.cameras.model import CameraState, Health
from camctl.config import ControlConfig
from camctl.control.view import CameraView
from camctl.ptz import events as ev
from camctl.ptz.model import Position, PtzAbilities, SafetyNet, Velocity
from tests.support.fake_control import STEERABLE, FakeControl, facts
from tests.unit.camctl.api.api_kit import ENTRIES, FEED, FIRST, sign_in_of


def message(kind: str, seq: int = 1, **fields: Any) -> Any:
    return messages.parse(json.dumps({"type": kind, "seq": seq, **fields}))


@pytest.fixture
async def control() -> FakeControl:
    return FakeControl(ENTRIES)


def visit(control: FakeControl, role: str = "official", camera_id: str = FIRST) -> Visit:
    camera = control.get(camera_id)
    assert camera is not None
    return Visit(sign_in_of(role, organisation="PT Contoh"), camera)


def refusal(gate: Gate, at: Visit, sent: Any, now: float = 0.0) -> str | None:
    refused = gate.refuses(sent, at, now)
    return refused.code if refused else None


async def test_a_stop_passes_the_rate_the_age_and_the_order_but_not_the_right(control: FakeControl) -> None:
    gate = Gate(ControlConfig(moves_per_s=5))
    gate.order.has_two_lanes = True
    steering = visit(control)
    assert [refusal(gate, steering, message("move", seq)) for seq in range(1, 7)] == [None] * 5 + ["rate-limited"]
    assert all(refusal(gate, steering, message("stop", seq)) is None for seq in (9, 3, *range(100, 200)))
    assert refusal(gate, visit(control, "partner"), message("stop", 300)) == "forbidden"


async def test_the_rate_is_shared_by_everything_but_stop_and_recovers(control: FakeControl) -> None:
    gate = Gate(ControlConfig(moves_per_s=5))
    steering = visit(control)
    kinds = [message("take"), message("request"), message("move"), message("home"), message("release"), message("move")]
    assert [refusal(gate, steering, sent) for sent in kinds] == [None] * 5 + ["rate-limited"]
    assert refusal(gate, steering, message("move"), 0.21) is None


async def test_a_move_that_was_long_under_way_is_dropped_and_lengthens_the_life_of_the_next(
    control: FakeControl,
) -> None:
    gate = Gate(ControlConfig())
    steering = visit(control)
    assert gate.life_s == 0.5
    for count in range(5):
        assert refusal(gate, steering, message("move", count, at_ms=100.0 * count), 7 + 0.1 * count) is None
    assert refusal(gate, steering, message("move", 5, at_ms=500.0), 7.9) == "stale"
    assert 0.85 <= gate.life_s <= 0.9
    event = gate.event(message("move", 6, pan=1.0), source_of(steering, "ws-1", ()), steering.camera)
    assert isinstance(event, ev.Move)
    assert event.life_s == gate.life_s


async def test_over_two_lanes_a_move_does_not_come_through_behind_a_newer_message(control: FakeControl) -> None:
    gate = Gate(ControlConfig())
    steering = visit(control)
    assert refusal(gate, steering, message("stop", 5)) is None
    assert refusal(gate, steering, message("move", 4)) is None, "one lane keeps its order by itself"
    gate.order.has_two_lanes = True
    assert refusal(gate, steering, message("move", 4)) == "stale"
    assert refusal(gate, steering, message("move", 6)) is None
    assert refusal(gate, steering, message("goto", 3, preset="a")) is None, "only moves are repeated, the rest is not"


def test_a_message_repeats_only_over_the_other_lane() -> None:
    order = SeqOrder(remember=4)
    assert not order.repeats(1, Lane.SOCKET)
    assert not order.repeats(1, Lane.DATAGRAM), "nothing is remembered from before there were two"
    order.has_two_lanes = True
    assert not order.repeats(2, Lane.DATAGRAM)
    assert order.repeats(2, Lane.SOCKET)
    assert not order.repeats(2, Lane.DATAGRAM), "on its own lane it is the client's second message"
    for seq in range(10, 14):
        assert not order.repeats(seq, Lane.SOCKET)
    assert not order.repeats(2, Lane.SOCKET), "forgotten"


async def test_a_feed_cannot_be_steered_nor_stopped(control: FakeControl) -> None:
    for kind in ("move", "stop", "take"):
        assert refusal(Gate(ControlConfig()), visit(control, camera_id=FEED), message(kind)) == "cannot-steer"


@pytest.mark.parametrize(
    ("abilities", "move", "stop"),
    [
        (replace(STEERABLE, safety_net=SafetyNet.STEPS), None, None),
        (replace(STEERABLE, safety_net=SafetyNet.NONE), "cannot-steer", None),
        (replace(STEERABLE, safety_net=SafetyNet.NONE, owner_accepts_no_net=True), None, None),
        (PtzAbilities(), "cannot-steer", "cannot-steer"),
        (None, "camera-fault", None),
    ],
    ids=["steps", "no net", "no net, accepted", "no motors", "never reached"],
)
async def test_what_may_be_steered_and_what_may_at_least_be_stopped(
    control: FakeControl, abilities: PtzAbilities | None, move: str | None, stop: str | None
) -> None:
    fresh = FakeControl(ENTRIES)
    camera = fresh.get(FIRST)
    assert camera is not None
    known = None if abilities is None else facts(abilities)
    camera.view = CameraView(Health(CameraState.LIVE), known)
    gate = Gate(ControlConfig())
    assert refusal(gate, visit(fresh), message("move")) == move
    assert refusal(gate, visit(fresh), message("stop")) == stop


async def test_the_words_say_why_a_camera_without_a_safety_net_is_not_steered(control: FakeControl) -> None:
    control.show(FIRST, CameraView(Health(CameraState.LIVE), facts(replace(STEERABLE, safety_net=SafetyNet.NONE))))
    refused = Gate(ControlConfig()).refuses(message("take"), visit(control), 0.0)
    assert refused is not None
    assert refused.detail == NO_NET
    assert "does not stop by itself when the link to it dies" in refused.detail


ME = ev.Source("s", "p", "P", "official", 70, "s:ws-1")


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        (message("stop", gesture=3, fence=7), ev.Stop(ME, 3, 7)),
        (message("take"), ev.Take(ME)),
        (message("take_over", reason="banjir"), ev.TakeOver(ME, "banjir")),
        (message("release"), ev.Release(ME)),
        (message("request"), ev.Request(ME, "")),
        (message("request", reason="macet"), ev.Request(ME, "macet")),
        (message("withdraw"), ev.Withdraw(ME)),
        (message("hand_over", ticket=4), ev.HandOver(ME, 4)),
        (message("reserve", reason="demo", limit_s=600), ev.Reserve(ME, "demo", 600)),
        (message("unreserve"), ev.Unreserve(ME)),
        (message("goto", preset="p1", fence=2), ev.Travel(ME, "p1", None, 2)),
        (message("home"), ev.Travel(ME, None)),
        (message("move", pan=0.5, gesture=9, fence=8), ev.Move(ME, Velocity(0.5), 0.5, 9, 8)),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
async def test_each_message_becomes_its_event(control: FakeControl, sent: Any, event: ev.Event) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    assert Gate(ControlConfig()).event(sent, ME, camera) == event


async def test_a_move_is_slower_when_zoomed_in_and_when_the_picture_comes_late(control: FakeControl) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    gate = Gate(ControlConfig())

    def pan(**fields: Any) -> float:
        event = gate.event(message("move", pan=0.8, **fields), ME, camera)
        assert isinstance(event, ev.Move)
        return event.velocity.pan

    assert pan() == pan(delay_ms=300) == 0.8
    assert pan(delay_ms=1200) == pytest.approx(0.4)
    control.show(FIRST, replace(camera.view, position=Position(0.0, 0.0, 1.0)))
    assert pan() < 0.2


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[]", "{}", '{"type":"fly","seq":1}', '{"type":"move","seq":1,"pan":NaN}',
        '{"type":"move","seq":1,"delay_ms":-1}', '{"type":"move","seq":1,"delay_ms":1e9}',
        '{"type":"move","seq":1,"fence":-1}', '{"type":"request","seq":1,"reason":"%s"}' % ("x" * 201),
        '{"type":"hand_over","seq":1}', '{"type":"reserve","seq":1,"reason":"","limit_s":60}',
        '{"type":"reserve","seq":1,"reason":"x","limit_s":59}', '{"type":"reserve","seq":1,"reason":"x","limit_s":1e6}',
        '{"type":"datagrams","seq":1,"video":""}', '{"type":"stop","seq":1,"gesture":"1"}', "[" * 4000, "x" * 5000,
    ],
)  # fmt: skip
def test_a_bad_message_is_told_why(text: str) -> None:
    with pytest.raises(messages.MessageError) as fault:
        messages.parse(text)
    assert fault.value.detail
