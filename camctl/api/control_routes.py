"""Who controls a camera, over plain HTTP, for integrators: the same as the control socket's messages."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import APIRouter, Request

from auth.roles import Capability
from camctl.api.access import Steering, Visit, Watching
from camctl.api.control_schemas import ControlOut, HandOverIn, RequestIn, ReserveIn, TakeOverIn
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    CAMERA_FAULT,
    CAMERA_TIMEOUT,
    CANNOT_STEER,
    FORBIDDEN,
    HELD,
    NOT_DONE,
    NOT_ON_RECORD,
    OUTRANKED,
    documented,
)
from camctl.api.ptz_routes import caller, carried_out
from camctl.api.services import services_of
from camctl.api.steering import check_steerable
from camctl.ptz import events as ev
from camctl.ptz.ports import CameraError
from camctl.ptz.view import ControlView

router = APIRouter(prefix=PREFIX, tags=["control"])

_ANSWERS = documented(FORBIDDEN, OUTRANKED, HELD, NOT_DONE, CANNOT_STEER, CAMERA_FAULT, CAMERA_TIMEOUT, NOT_ON_RECORD)


def _holds(view: ControlView, sign_in: str) -> bool:
    return view.holder is not None and view.holder.source.sign_in == sign_in


def _does_not_hold(view: ControlView, sign_in: str) -> bool:
    return not _holds(view, sign_in)


def _has_reserved(view: ControlView, sign_in: str) -> bool:
    return _holds(view, sign_in) and view.holder is not None and view.holder.reserved_until is not None


def _state(visit: Visit, request: Request) -> ControlOut:
    return ControlOut.of(
        visit.camera,
        caller(visit, request),
        may_control=visit.may(Capability.CONTROL),
        viewers=services_of(request).media.viewers(visit.camera.entry.id),
        life_s=None,
        now=time.monotonic(),
    )


async def _carry_out(
    visit: Visit, request: Request, event: ev.Event, is_done: Callable[[ControlView, str], bool]
) -> ControlOut:
    """The state after `event`. That only the Stop which goes with it failed is told by `stop_confirmed` there."""
    try:
        await carried_out(visit, event)
    except CameraError:
        if not is_done(visit.camera.control, visit.sign_in.session_id):
            raise
    return _state(visit, request)


@router.get("/cameras/{camera_id}/control", responses=documented(FORBIDDEN))
async def get_control(visit: Watching, request: Request) -> ControlOut:
    """Who controls the camera, who waits, and what the caller may do about it."""
    return _state(visit, request)


@router.post("/cameras/{camera_id}/control/take", responses=_ANSWERS)
async def take(visit: Steering, request: Request) -> ControlOut:
    """Take the free camera, or go on with the control one has."""
    check_steerable(visit.camera)
    return await _carry_out(visit, request, ev.Take(caller(visit, request)), _holds)


@router.post("/cameras/{camera_id}/control/take-over", responses=_ANSWERS)
async def take_over(body: TakeOverIn, visit: Steering, request: Request) -> ControlOut:
    """Take the camera from its holder: by higher priority, or by the right to break a reservation."""
    check_steerable(visit.camera)
    return await _carry_out(visit, request, ev.TakeOver(caller(visit, request), body.reason), _holds)


@router.post("/cameras/{camera_id}/control/release", responses=_ANSWERS)
async def release(visit: Steering, request: Request) -> ControlOut:
    """Give control back."""
    return await _carry_out(visit, request, ev.Release(caller(visit, request)), _does_not_hold)


@router.post("/cameras/{camera_id}/control/request", responses=_ANSWERS)
async def request_control(visit: Steering, request: Request, body: RequestIn | None = None) -> ControlOut:
    """Wait for control, or get it at once where it is free. To be repeated within a minute to keep the place."""
    check_steerable(visit.camera)
    reason = body.reason if body is not None else ""
    return await _carry_out(visit, request, ev.Request(caller(visit, request), reason), _holds)


@router.post("/cameras/{camera_id}/control/withdraw", responses=_ANSWERS)
async def withdraw(visit: Steering, request: Request) -> ControlOut:
    """Wait no longer."""
    return await _carry_out(visit, request, ev.Withdraw(caller(visit, request)), _does_not_hold)


@router.post("/cameras/{camera_id}/control/hand-over", responses=_ANSWERS)
async def hand_over(body: HandOverIn, visit: Steering, request: Request) -> ControlOut:
    """Give control to the one who waits with this ticket."""
    return await _carry_out(visit, request, ev.HandOver(caller(visit, request), body.ticket), _does_not_hold)


@router.post("/cameras/{camera_id}/control/reserve", responses=_ANSWERS)
async def reserve(body: ReserveIn, visit: Steering, request: Request) -> ControlOut:
    """Keep the camera, used or not, for at most `limit_s`; takes a free one."""
    check_steerable(visit.camera)
    event = ev.Reserve(caller(visit, request), body.reason, body.limit_s)
    return await _carry_out(visit, request, event, _has_reserved)


@router.post("/cameras/{camera_id}/control/unreserve", responses=_ANSWERS)
async def unreserve(visit: Steering, request: Request) -> ControlOut:
    """End one's reservation; control goes on as any other."""
    return await _carry_out(visit, request, ev.Unreserve(caller(visit, request)), _holds)
