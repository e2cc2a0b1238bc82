"""Steering over plain HTTP, for integrators; the page uses the control socket."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from camctl.api.access import Seeing, Steering, UsingPresets, Visit
from camctl.api.problems import (
    BAD_INPUT,
    CAMERA_FAULT,
    CAMERA_TIMEOUT,
    CANNOT_STEER,
    FORBIDDEN,
    HELD,
    ProblemError,
    documented,
    from_camera_error,
)
from camctl.api.schemas import (
    AcceptedOut,
    GotoIn,
    HolderOut,
    MoveIn,
    MoveOut,
    PositionOut,
    PresetOut,
    PresetsOut,
    StatusOut,
    StopOut,
)
from camctl.api.steering import source_of, steerable_driver
from camctl.cameras.session import Outcome
from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError

router = APIRouter(tags=["ptz"])

_STEERING = documented(FORBIDDEN, HELD, CANNOT_STEER, CAMERA_FAULT, CAMERA_TIMEOUT)


def _accepted(visit: Visit, outcome: Outcome) -> None:
    if outcome.refusal is None:
        return
    holder = HolderOut.of(visit.camera, visit.sign_in.session_id)
    if holder is None:
        raise ProblemError(HELD, "Somebody else controls this camera.")
    raise ProblemError(
        HELD,
        f"{holder.name} controls this camera.",
        holder={"name": holder.name, "role": holder.role, "priority": holder.priority},
        expires_in_ms=holder.expires_in_ms,
    )


async def _answer_ms(outcome: Outcome) -> float | None:
    if outcome.call is None:
        return None
    try:
        return round(await asyncio.shield(outcome.call) * 1000, 1)
    except CameraError as error:
        raise from_camera_error(error) from None


@router.post("/cameras/{camera_id}/ptz/move", status_code=202, responses=_STEERING)
async def move(body: MoveIn, visit: Steering) -> MoveOut:
    """Turn for `hold_ms` unless something newer comes; takes a free camera, never one that somebody holds."""
    steerable_driver(visit.camera)
    source = source_of(visit, channel="http")
    velocity = Velocity(body.pan, body.tilt, body.zoom)
    outcome = visit.camera.command(ev.Move(source, velocity, body.hold_ms / 1000))
    _accepted(visit, outcome)
    camera_ms = await _answer_ms(outcome)
    holder = HolderOut.of(visit.camera, visit.sign_in.session_id)
    return MoveOut(hold_ms=body.hold_ms, camera_ms=camera_ms, holder=holder)


@router.post("/cameras/{camera_id}/ptz/stop", status_code=202, responses=_STEERING)
async def stop(visit: Steering) -> StopOut:
    """Stop now."""
    steerable_driver(visit.camera)
    outcome = visit.camera.command(ev.Stop(source_of(visit, channel="http")))
    _accepted(visit, outcome)
    if outcome.call is None:
        return StopOut(confirmed=visit.camera.arbiter.stop_confirmed is True)
    try:
        await asyncio.shield(outcome.call)
    except CameraError as error:
        return StopOut(confirmed=False, detail=error.detail)
    return StopOut(confirmed=True)


@router.post("/cameras/{camera_id}/ptz/goto", status_code=202, responses=_STEERING)
async def goto(body: GotoIn, visit: Steering) -> AcceptedOut:
    """Go to a preset or home."""
    if (body.preset is None) != body.home:
        raise ProblemError(BAD_INPUT, 'Give either {"preset": token} or {"home": true}.')
    steerable_driver(visit.camera)
    outcome = visit.camera.command(ev.Travel(source_of(visit, channel="http"), body.preset))
    _accepted(visit, outcome)
    await _answer_ms(outcome)
    return AcceptedOut()


@router.get("/cameras/{camera_id}/ptz/status", responses=_STEERING)
async def status(visit: Seeing) -> StatusOut:
    """Ask the camera where it looks."""
    driver = steerable_driver(visit.camera)
    answer = await driver.status()
    visit.camera.position = answer.position
    position = answer.position
    return StatusOut(
        position=PositionOut(pan=position.pan, tilt=position.tilt, zoom=position.zoom),
        move_status=answer.move_status.value,
        holder=HolderOut.of(visit.camera, visit.sign_in.session_id),
    )


@router.get("/cameras/{camera_id}/presets", responses=_STEERING)
async def presets(visit: UsingPresets) -> PresetsOut:
    """The camera's stored views."""
    driver = steerable_driver(visit.camera)
    return PresetsOut(items=[PresetOut(token=p.token, name=p.name) for p in await driver.presets()])
