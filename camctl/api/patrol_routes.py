"""Patrols and events of a camera: presets that the service itself goes to, and gives way with to any person."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from auth.roles import Capability
from camctl.api.access import AtCamera, Seeing, Visit
from camctl.api.control_schemas import RoundOut
from camctl.api.paths import PREFIX
from camctl.api.patrol_schemas import EventIn, EventOut, PatrolIn, PatrolOut, PatrolsOut
from camctl.api.problems import (
    BAD_INPUT,
    CAMERA_FAULT,
    CANNOT_STEER,
    FORBIDDEN,
    NOT_FOUND,
    ProblemError,
    documented,
)
from camctl.api.services import services_of
from camctl.api.steering import check_steerable, check_stoppable
from camctl.audit.entry import Action
from camctl.cameras.model import CameraState
from camctl.cameras.patrols import MOST_PER_CAMERA, Patrols
from camctl.control.client import RemoteCamera
from camctl.ptz.events import SourceKind
from camctl.ptz.ports import CameraError
from camctl.ptz.rounds import Round, RoundStop
from camctl.store.patrols import StoredPatrol

_log = logging.getLogger(__name__)

router = APIRouter(prefix=PREFIX, tags=["patrols"])

PATROL_PRIORITY = 10
EVENT_PRIORITY = 30

Patrolling = Annotated[Visit, Depends(AtCamera(Capability.PATROLS))]
ShowingEvents = Annotated[Visit, Depends(AtCamera(Capability.EVENTS))]

_READING = documented()
_CHANGING = documented(FORBIDDEN, CANNOT_STEER)


async def _patrols(request: Request) -> Patrols:
    return services_of(request).patrols


Book = Annotated[Patrols, Depends(_patrols)]


def _out(camera: RemoteCamera, stored: StoredPatrol) -> PatrolOut:
    return PatrolOut.of(stored, RoundOut.of(camera.view.round, time.monotonic()))


def _found(camera: RemoteCamera, stored: StoredPatrol | None) -> PatrolOut:
    if stored is None:
        raise ProblemError(NOT_FOUND, "This camera has no such patrol.")
    return _out(camera, stored)


def _priority(request: Request, visit: Visit, wanted: int | None, usual: int) -> int:
    """What a round may claim: less than who writes it, so that they can always turn the camera themselves."""
    own = visit.standing.priority_on(visit.ref, services_of(request).priorities)
    if wanted is None:
        return max(0, min(usual, own - 1))
    if wanted >= own:
        detail = f"priority: must be less than your own on this camera, which is {own}"
        raise ProblemError(BAD_INPUT, detail, faults=[{"where": "priority", "what": f"must be less than {own}"}])
    return wanted


async def _check_presets(camera: RemoteCamera, wanted: Sequence[tuple[str, str]]) -> None:
    """Refuse presets that the camera certainly has not; `wanted`: where each one stands, and its token."""
    if camera.health.state is not CameraState.LIVE:
        return  # it cannot be asked; a station that is not there is skipped, and the patrol's state says so
    try:
        presets = await camera.presets()
    except CameraError as error:
        _log.info("camera %s: presets are not checked: %s", camera.entry.id, error.detail)
        return
    known = {preset.token for preset in presets}
    faults = [
        {"where": where, "what": f"the camera has no preset {token!r}"} for where, token in wanted if token not in known
    ]
    if faults:
        there = ", ".join(f"{preset.token!r} ({preset.name})" for preset in presets[:20]) or "none"
        said = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
        raise ProblemError(BAD_INPUT, f"{said}. Its presets: {there}.", faults=faults)


async def _stored(visit: Visit, body: PatrolIn, patrol_id: str, priority: int) -> StoredPatrol:
    check_stoppable(visit.camera)
    stored = StoredPatrol(
        id=patrol_id,
        camera_id=visit.camera.entry.id,
        name=body.name,
        priority=priority,
        stops=[stop.model_dump() for stop in body.stops],
        windows=[window.stored() for window in body.windows],
        enabled=body.enabled,
        place=body.order,
        updated_by=visit.sign_in.person.display_name,
        updated_at=datetime.now(UTC),
    )
    await _check_presets(visit.camera, [(f"stops.{i}.preset", stop.preset) for i, stop in enumerate(body.stops)])
    return stored


@router.get("/cameras/{camera_id}/patrols", responses=_READING)
async def patrols(visit: Seeing, book: Book, request: Request) -> PatrolsOut:
    """The camera's patrols, in running order."""
    stored = await book.of_camera(visit.camera.entry.id)
    zone = services_of(request).config.control.time_zone
    return PatrolsOut(items=[_out(visit.camera, one) for one in stored], time_zone=zone)


@router.post("/cameras/{camera_id}/patrols", status_code=201, responses=_CHANGING)
async def add_patrol(body: PatrolIn, visit: Patrolling, book: Book, request: Request) -> PatrolOut:
    """Define a patrol; it runs when it is enabled, due, and nobody has control."""
    priority = _priority(request, visit, body.priority, PATROL_PRIORITY)
    wanted = await _stored(visit, body, uuid.uuid4().hex, priority)
    stored = await book.add(wanted, visit.camera.set_patrols)
    if stored is None:
        raise ProblemError(BAD_INPUT, f"This camera has {MOST_PER_CAMERA} patrols; delete one first.")
    _record(request, visit, stored.id, "added", stored.name)
    return _out(visit.camera, stored)


@router.get("/cameras/{camera_id}/patrols/{patrol_id}", responses=_READING)
async def patrol(patrol_id: str, visit: Seeing, book: Book) -> PatrolOut:
    """One patrol."""
    return _found(visit.camera, await book.get(visit.camera.entry.id, patrol_id))


@router.put("/cameras/{camera_id}/patrols/{patrol_id}", responses=_CHANGING)
async def replace_patrol(patrol_id: str, body: PatrolIn, visit: Patrolling, book: Book, request: Request) -> PatrolOut:
    """Write the whole patrol anew; one that runs goes on at the station it is at."""
    camera = visit.camera
    old = await book.get(camera.entry.id, patrol_id)
    if old is None:
        return _found(camera, None)
    # Who may not give such a priority may still correct the stations of a patrol that has it.
    kept = body.priority in {None, old.priority}
    priority = old.priority if kept else _priority(request, visit, body.priority, PATROL_PRIORITY)
    wanted = await _stored(visit, body, patrol_id, priority)
    found = _found(camera, await book.change(camera.entry.id, patrol_id, lambda _old: wanted, camera.set_patrols))
    _record(request, visit, patrol_id, "replaced", body.name)
    return found


@router.delete("/cameras/{camera_id}/patrols/{patrol_id}", status_code=204, responses=_CHANGING)
async def remove_patrol(patrol_id: str, visit: Patrolling, book: Book, request: Request) -> None:
    """Forget a patrol; if it runs, it stops and gives control back."""
    if not await book.remove(visit.camera.entry.id, patrol_id, visit.camera.set_patrols):
        raise ProblemError(NOT_FOUND, "This camera has no such patrol.")
    _record(request, visit, patrol_id, "removed")


def _record(request: Request, visit: Visit, patrol_id: str, change: str, name: str = "") -> None:
    person, camera = visit.sign_in.person, visit.camera.entry
    services_of(request).audit.did(person, Action.PATROL_CHANGE, camera, patrol_id, change=change, name=name)


async def _enable(request: Request, visit: Visit, book: Patrols, patrol_id: str, *, enabled: bool) -> PatrolOut:
    by, at = visit.sign_in.person.display_name, datetime.now(UTC)

    def edit(old: StoredPatrol) -> StoredPatrol:
        return replace(old, enabled=enabled, updated_by=by, updated_at=at)

    camera = visit.camera
    found = _found(camera, await book.change(camera.entry.id, patrol_id, edit, camera.set_patrols))
    _record(request, visit, patrol_id, "started" if enabled else "stopped")
    return found


@router.post("/cameras/{camera_id}/patrols/{patrol_id}/start", responses=_CHANGING)
async def start_patrol(patrol_id: str, visit: Patrolling, book: Book, request: Request) -> PatrolOut:
    """Enable a patrol: it runs whenever it is due, also after a restart of the service."""
    check_stoppable(visit.camera)
    return await _enable(request, visit, book, patrol_id, enabled=True)


@router.post("/cameras/{camera_id}/patrols/{patrol_id}/stop", responses=_CHANGING)
async def stop_patrol(patrol_id: str, visit: Patrolling, book: Book, request: Request) -> PatrolOut:
    """Disable a patrol: if it runs, the camera is stopped and control given back."""
    return await _enable(request, visit, book, patrol_id, enabled=False)


@router.post(
    "/cameras/{camera_id}/events", status_code=202, responses=documented(FORBIDDEN, CANNOT_STEER, CAMERA_FAULT)
)
async def show_event(body: EventIn, visit: ShowingEvents, request: Request) -> EventOut:
    """Show a preset because something happened; it interrupts patrols and an earlier event, never a person."""
    check_steerable(visit.camera)
    priority = _priority(request, visit, body.priority, EVENT_PRIORITY)
    await _check_presets(visit.camera, [("preset", body.preset)])
    event = Round(
        id=uuid.uuid4().hex,
        name=body.reason,
        kind=SourceKind.EVENT,
        priority=priority,
        stops=(RoundStop(body.preset, body.hold_s),),
    )
    await visit.camera.show_event(event)
    person, entry = visit.sign_in.person, visit.camera.entry
    services_of(request).audit.did(person, Action.EVENT_SHOW, entry, body.preset, body.reason)
    return EventOut(id=event.id, preset=body.preset, hold_s=body.hold_s, reason=body.reason, priority=priority)
