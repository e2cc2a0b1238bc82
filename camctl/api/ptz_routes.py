"""Steering over plain HTTP, for integrators; the page uses the control socket."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from fastapi import APIRouter, Request

from camctl.api.access import Seeing, Steering, Stopping, UsingPresets, Visit
from camctl.api.control_schemas import HolderOut, PositionOut
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    BAD_INPUT,
    CAMERA_FAULT,
    CAMERA_TIMEOUT,
    CANNOT_STEER,
    FORBIDDEN,
    HELD,
    NOT_DONE,
    NOT_ON_RECORD,
    ProblemError,
    documented,
)
from camctl.api.refusals import problem
from camctl.api.schemas import AcceptedOut, GotoIn, MoveIn, MoveOut, PresetOut, PresetsOut, StatusOut, StopOut
from camctl.api.services import services_of
from camctl.api.steering import check_reached, check_steerable, check_stoppable, source_of
from camctl.control.view import Outcome
from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError

router = APIRouter(prefix=PREFIX, tags=["ptz"])

CHANNEL: Literal["http"] = "http"
_STEERING = documented(FORBIDDEN, HELD, NOT_DONE, CANNOT_STEER, CAMERA_FAULT, CAMERA_TIMEOUT, NOT_ON_RECORD)


def caller(visit: Visit, request: Request) -> ev.Source:
    """The caller of a plain request as the arbiter knows them."""
    return source_of(visit, CHANNEL, services_of(request).priorities)


def holder_of(visit: Visit) -> HolderOut | None:
    """Who holds the camera of this visit now."""
    return HolderOut.of(visit.camera.control, visit.sign_in.session_id, time.monotonic())


async def carried_out(visit: Visit, event: ev.Event) -> Outcome:
    """Put `event` to the camera's arbiter and wait for what becomes of it.

    Raises:
        ProblemError: it was refused.
        CameraError: the camera did not do it.
    """
    # Shielded: that the client hangs up must not leave half a command behind.
    outcome = await asyncio.shield(visit.camera.command(event))
    if outcome.refusal is not None:
        raise problem(outcome.refusal, holder_of(visit))
    return outcome


@router.post("/cameras/{camera_id}/ptz/move", status_code=202, responses=_STEERING)
async def move(body: MoveIn, visit: Steering, request: Request) -> MoveOut:
    """Turn for `hold_ms` unless something newer comes; takes a free camera, never one that somebody holds."""
    check_steerable(visit.camera)
    velocity = Velocity(body.pan, body.tilt, body.zoom)
    outcome = await carried_out(visit, ev.Move(caller(visit, request), velocity, body.hold_ms / 1000))
    camera_ms = None if outcome.camera_s is None else round(outcome.camera_s * 1000, 1)
    return MoveOut(hold_ms=body.hold_ms, camera_ms=camera_ms, holder=holder_of(visit))


@router.post("/cameras/{camera_id}/ptz/stop", status_code=202, responses=_STEERING)
async def stop(visit: Stopping, request: Request) -> StopOut:
    """Stop now."""
    check_stoppable(visit.camera)
    try:
        outcome = await carried_out(visit, ev.Stop(caller(visit, request)))
    except CameraError as error:
        check_reached(visit.camera)  # the Stop of one that never was is not repeated
        return StopOut(confirmed=False, detail=error.detail)
    return StopOut(confirmed=outcome.camera_s is not None or visit.camera.control.stop_confirmed is True)


@router.post("/cameras/{camera_id}/ptz/goto", status_code=202, responses=_STEERING)
async def goto(body: GotoIn, visit: Steering, request: Request) -> AcceptedOut:
    """Go to a preset or home."""
    if (body.preset is None) != body.home:
        raise ProblemError(BAD_INPUT, 'Give either {"preset": token} or {"home": true}.')
    check_steerable(visit.camera)
    await carried_out(visit, ev.Travel(caller(visit, request), body.preset))
    return AcceptedOut()


@router.get("/cameras/{camera_id}/ptz/status", responses=_STEERING)
async def status(visit: Seeing) -> StatusOut:
    """Ask the camera where it looks."""
    check_steerable(visit.camera)
    answer = await visit.camera.status()
    position = answer.position
    return StatusOut(
        position=PositionOut(pan=position.pan, tilt=position.tilt, zoom=position.zoom),
        move_status=answer.move_status.value,
        holder=holder_of(visit),
    )


@router.get("/cameras/{camera_id}/presets", responses=_STEERING)
async def presets(visit: UsingPresets) -> PresetsOut:
    """The camera's stored views."""
    check_steerable(visit.camera)
    return PresetsOut(items=[PresetOut(token=p.token, name=p.name) for p in await visit.camera.presets()])
