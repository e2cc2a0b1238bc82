"""Which way of stopping comes when, and what is moved how: decided without a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from camctl.onvif import quirks
from camctl.onvif.capabilities import Space, Spaces, abilities, safety_net
from camctl.onvif.moving import Moving
from camctl.onvif.quirks import ALL_STOP_WAYS, StopWay
from camctl.onvif.steering import Steering
from camctl.onvif.stopping import Stopping
from camctl.onvif.values import SIGNED, UNSIGNED, TimeoutLimits
from camctl.onvif.ways import Ladder
from camctl.ptz.model import STILL, SafetyNet, Velocity
from camctl.ptz.ports import CameraError, CameraFault

TWO, ZOOM, PLACE = Space("two", SIGNED, SIGNED), Space("zoom", SIGNED, SIGNED), Space("place", UNSIGNED, UNSIGNED)
FULL = Steering("P", Spaces(TWO, ZOOM, TWO, PLACE, TWO, ZOOM), has_zoom=True, timeout=TimeoutLimits())
NOT_RELATIVE = Steering("P", Spaces(TWO, ZOOM, TWO, PLACE), has_zoom=True, timeout=TimeoutLimits())
REFUSED = CameraError(CameraFault.REFUSED, "no")
UNSUPPORTED = CameraError(CameraFault.UNSUPPORTED, "never heard of it")
LOST = CameraError(CameraFault.TIMEOUT, "no answer")


def test_the_ladder_begins_with_what_was_accepted_last() -> None:
    ladder = Ladder("abc")
    assert ladder.order(0) == ("a", "b", "c")
    ladder.accepted("b")
    assert ladder.order(0) == ("b", "c", "a")


def test_a_way_that_was_accepted_without_standstill_gives_way_to_the_next() -> None:
    ladder = Ladder("abc")
    tried = []
    for attempt in range(4):
        first = ladder.order(attempt)[0]
        ladder.accepted(first)
        tried.append(first)
    assert tried == ["a", "b", "c", "a"]


def test_a_way_that_was_not_answered_is_said_once_more() -> None:
    ladder = Ladder("abc")
    assert [ladder.order(attempt)[0] for attempt in range(5)] == ["a", "a", "b", "b", "c"]
    assert ladder.order(0)[0] == "a"  # nothing but an acceptance is remembered


def test_every_row_can_go_through_ways_that_were_not_its_first() -> None:
    for row in quirks.ROWS:
        assert len(row.stop_ways) >= 4
        assert len(set(row.stop_ways)) == len(row.stop_ways)
    # Accepted and ignored by some cameras: after all that name the axes.
    assert ALL_STOP_WAYS.index(StopWay.PLAIN) > ALL_STOP_WAYS.index(StopWay.PER_AXIS)


Reaction = Callable[[str, dict[str, Any]], CameraError | None]


class Camera:
    """Takes requests and remembers them; `refuses` says to which it says no."""

    def __init__(self, refuses: Reaction = lambda _operation, _request: None) -> None:
        self.refuses = refuses
        self.sent: list[str] = []

    async def send(self, operation: str, request: dict[str, Any]) -> None:
        said = [name for name in ("PanTilt", "Zoom", "Timeout", "Speed") if name in request]
        self.sent.append(" ".join([operation, *said]))
        error = self.refuses(operation, request)
        if error is not None:
            raise error


async def stopped(stopping: Stopping, camera: Camera, attempt: int = 0, steering: Steering = FULL) -> list[str]:
    camera.sent.clear()
    await stopping.stop(steering, attempt, camera.send)
    return list(camera.sent)


async def test_escalation_goes_through_all_ways_and_remembers_the_last_one() -> None:
    stopping, camera = Stopping(ALL_STOP_WAYS), Camera()
    said = [await stopped(stopping, camera, attempt) for attempt in range(5)]
    assert said == [
        ["Stop PanTilt Zoom"],
        ["Stop PanTilt", "Stop Zoom"],
        ["Stop"],
        ["ContinuousMove Timeout"],
        ["RelativeMove"],
    ]
    assert await stopped(stopping, camera) == ["RelativeMove"]


async def test_a_refused_way_leads_to_the_next_at_once() -> None:
    camera = Camera(lambda operation, request: REFUSED if {"PanTilt", "Zoom"} <= set(request) else None)
    stopping = Stopping(ALL_STOP_WAYS)
    assert await stopped(stopping, camera) == ["Stop PanTilt Zoom", "Stop PanTilt", "Stop Zoom"]
    assert await stopped(stopping, camera) == ["Stop PanTilt", "Stop Zoom"]


async def test_a_camera_that_does_not_know_stop_is_not_asked_thrice() -> None:
    camera = Camera(lambda operation, _: UNSUPPORTED if operation == "Stop" else None)
    assert await stopped(Stopping(ALL_STOP_WAYS), camera) == ["Stop PanTilt Zoom", "ContinuousMove Timeout"]


async def test_when_all_ways_are_refused_the_first_refusal_is_told() -> None:
    camera = Camera(lambda operation, _: UNSUPPORTED if operation == "Stop" else REFUSED)
    with pytest.raises(CameraError) as caught:
        await stopped(Stopping(ALL_STOP_WAYS), camera)
    assert caught.value is UNSUPPORTED
    assert {"Stop", "Stop Zoom", "RelativeMove"} & set(camera.sent) == {"Stop", "RelativeMove"}


async def test_what_got_lost_is_told_and_said_again() -> None:
    stopping, camera = Stopping(ALL_STOP_WAYS), Camera(lambda *_: LOST)
    for attempt in range(2):
        with pytest.raises(CameraError) as caught:
            await stopped(stopping, camera, attempt)
        assert caught.value is LOST
        assert camera.sent == ["Stop PanTilt Zoom"]


async def test_a_camera_without_relative_moves_has_one_way_less() -> None:
    stopping, camera = Stopping((StopWay.RELATIVE_ZERO, StopWay.AXES)), Camera()
    assert await stopped(stopping, camera, steering=NOT_RELATIVE) == ["Stop PanTilt Zoom"]


async def test_a_standstill_velocity_without_timeout_for_a_camera_that_takes_none() -> None:
    camera = Camera(lambda operation, request: REFUSED if "Timeout" in request else None)
    stopping = Stopping((StopWay.ZERO_VELOCITY,))
    assert (await stopped(stopping, camera))[-1] == "ContinuousMove"
    assert await stopped(stopping, camera) == ["ContinuousMove"]


@pytest.mark.parametrize(
    ("spaces", "timeout", "row", "net"),
    [
        (FULL.spaces, TimeoutLimits(), "default", SafetyNet.TIMEOUT),
        (NOT_RELATIVE.spaces, TimeoutLimits(), "default", SafetyNet.TIMEOUT),
        (FULL.spaces, TimeoutLimits(0, 0), "default", SafetyNet.STEPS),
        (FULL.spaces, TimeoutLimits(), "ignores-timeout", SafetyNet.STEPS),
        (FULL.spaces, TimeoutLimits(), "ignores-timeout-relative-dead", SafetyNet.NONE),
        (NOT_RELATIVE.spaces, TimeoutLimits(0, 0), "default", SafetyNet.NONE),
        (NOT_RELATIVE.spaces, TimeoutLimits(), "ignores-timeout", SafetyNet.NONE),
        (Spaces(TWO, translation_zoom=ZOOM), TimeoutLimits(), "ignores-timeout", SafetyNet.STEPS),
    ],
)
def test_the_net_of_a_camera(spaces: Spaces, timeout: TimeoutLimits, row: str, net: SafetyNet) -> None:
    assert safety_net(spaces, timeout, quirks.named(row)) is net


def test_a_camera_in_steps_turns_what_can_be_stepped() -> None:
    spaces = Spaces(TWO, ZOOM, translation_pan_tilt=TWO)
    found = abilities(spaces, None, presets=False, status=None, quirk=quirks.DEFAULT, net=SafetyNet.STEPS)
    assert (found.pan_tilt, found.zoom) == (True, False)
    turned = abilities(spaces, None, presets=False, status=None, quirk=quirks.DEFAULT, net=SafetyNet.TIMEOUT)
    assert (turned.pan_tilt, turned.zoom) == (True, True)


def no_timeout(_operation: str, request: dict[str, Any]) -> CameraError | None:
    return REFUSED if "Timeout" in request else None


async def moved(moving: Moving, camera: Camera, velocity: Velocity, steering: Steering = FULL) -> list[str]:
    camera.sent.clear()
    await moving.move(steering, velocity, 1, camera.send)
    return list(camera.sent)


async def test_a_camera_that_refuses_timeouts_is_stepped_from_then_on() -> None:
    moving, camera = Moving(SafetyNet.TIMEOUT, can_step=True, owner_accepts_no_net=True), Camera(no_timeout)
    sent = await moved(moving, camera, Velocity(pan=0.5))
    assert sent[-1] == "RelativeMove Speed"
    assert "ContinuousMove" not in sent  # never without a Timeout
    assert moving.net is SafetyNet.STEPS
    assert await moved(moving, camera, Velocity(pan=0.5)) == ["RelativeMove Speed"]


async def test_without_steps_it_is_moved_only_if_the_owner_accepts_that() -> None:
    camera = Camera(no_timeout)
    careful = Moving(SafetyNet.TIMEOUT, can_step=False, owner_accepts_no_net=False)
    with pytest.raises(CameraError, match=r"no; without a Timeout .*steer_without_timeout"):
        await moved(careful, camera, Velocity(pan=0.5), NOT_RELATIVE)
    assert "ContinuousMove" not in camera.sent
    bold = Moving(SafetyNet.TIMEOUT, can_step=False, owner_accepts_no_net=True)
    assert (await moved(bold, camera, Velocity(pan=0.5), NOT_RELATIVE))[-1] == "ContinuousMove"
    assert bold.net is SafetyNet.NONE
    assert await moved(bold, camera, Velocity(pan=0.5), NOT_RELATIVE) == ["ContinuousMove"]


async def test_a_refusal_of_something_else_is_told_as_it_was() -> None:
    moving, camera = Moving(SafetyNet.TIMEOUT, can_step=True, owner_accepts_no_net=True), Camera(lambda *_: REFUSED)
    with pytest.raises(CameraError) as caught:
        await moved(moving, camera, Velocity(pan=0.5))
    assert caught.value is REFUSED
    assert moving.net is SafetyNet.TIMEOUT
    settled, good = Moving(SafetyNet.TIMEOUT, can_step=True, owner_accepts_no_net=False), Camera()
    await moved(settled, good, Velocity(pan=0.5))
    with pytest.raises(CameraError):
        await moved(settled, camera, Velocity(pan=0.5))
    assert camera.sent == ["ContinuousMove Timeout"]  # it takes Timeouts: no other way is tried


async def test_an_axis_that_is_let_go_gets_a_step_of_nothing() -> None:
    named: list[list[str]] = []

    def note(_operation: str, request: dict[str, Any]) -> CameraError | None:
        named.append(sorted(request["Translation"]))
        return None

    moving, camera = Moving(SafetyNet.STEPS, can_step=True, owner_accepts_no_net=False), Camera(note)
    for velocity in (Velocity(pan=0.5), Velocity(pan=0.5), Velocity(zoom=0.5), Velocity(zoom=0.5), STILL):
        await moved(moving, camera, velocity)
    assert named == [["PanTilt"], ["PanTilt"], ["PanTilt", "Zoom"], ["Zoom"], ["PanTilt", "Zoom"]]


async def test_steps_without_speed_for_a_camera_that_refuses_it() -> None:
    camera = Camera(lambda _, request: REFUSED if "Speed" in request else None)
    moving = Moving(SafetyNet.STEPS, can_step=True, owner_accepts_no_net=False)
    assert (await moved(moving, camera, Velocity(tilt=-1)))[-1] == "RelativeMove"
    assert await moved(moving, camera, Velocity(tilt=-1)) == ["RelativeMove"]
