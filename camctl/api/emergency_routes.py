"""Opening a camera that its owner shares in emergencies only; closing it, and judging that it was opened."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request

from auth.emergency import Opening, OpeningState
from auth.emergency_service import Emergencies, MayNotJudgeError, MayNotOpenError, NotNeededError
from auth.errors import PersonRuleError, UnknownOpeningError
from auth.model import Person
from auth.service import utc_now
from camctl.api.access import Caller
from camctl.api.emergency_schemas import EmergencyIn, OpeningOut, OpeningsOut, ReviewIn
from camctl.api.in_person import OpeningInEmergency
from camctl.api.paths import PREFIX
from camctl.api.problems import BAD_INPUT, CROSS_SITE, FORBIDDEN, NOT_DONE, NOT_FOUND, ProblemError, documented
from camctl.api.services import Services, services_of
from camctl.audit.entry import Action

router = APIRouter(prefix=PREFIX, tags=["emergencies"])

_NO_OPENING = "There is no such opening, or none that you may know of."
_CURSOR = re.compile(r"([0-9]{1,17})~([0-9a-f]{32})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@router.post(
    "/cameras/{camera_id}/emergency",
    status_code=201,
    responses=documented(FORBIDDEN, NOT_FOUND, NOT_DONE, CROSS_SITE),
)
async def open_camera(visit: OpeningInEmergency, body: EmergencyIn, request: Request) -> OpeningOut:
    """Open the camera for the caller in person; its owner and the supervisors are told at once.

    Asked again while it is open for them, it stays as it is, so that a phone may repeat what it did not hear answered.
    """
    services = services_of(request)
    person = visit.sign_in.person
    try:
        opening, told = await Emergencies(services.auth).open(person, visit.ref, body.wish())
    except PersonRuleError as error:
        fault = {"where": error.field, "what": str(error)}
        raise ProblemError(BAD_INPUT, f"{error.field}: {error}", faults=[fault]) from None
    except NotNeededError as error:
        raise ProblemError(NOT_DONE, str(error), why="no-emergency-needed") from None
    except MayNotOpenError as error:
        raise ProblemError(FORBIDDEN, str(error)) from None
    await services.audit.opened(person, Action.EMERGENCY_OPEN, opening, told=" ".join(one.username for one in told))
    return _out(opening, person, services)


@router.get("/emergencies", responses=documented())
async def list_openings(
    caller: Caller,
    request: Request,
    state: OpeningState | None = None,
    camera: Annotated[str, Query(max_length=64)] = "",
    pending: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=60)] = "",
) -> OpeningsOut:
    """What was opened, newest first: by the caller, of their cameras, and where they judge or audit.

    `pending`: only what is open now and what nobody has judged yet; it costs little however much was ever opened.
    """

    def wanted(opening: Opening, now: datetime) -> bool:
        return (state is None or opening.state(now) is state) and (not camera or opening.camera_id == camera)

    services, person = services_of(request), caller.person
    found = await Emergencies(services.auth).known_to(person, limit + 1, _before(after), wanted, is_pending=pending)
    page = [_out(opening, person, services) for opening in found[:limit]]
    return OpeningsOut(items=page, next=_cursor(found[limit - 1]) if len(found) > limit else None)


def _out(opening: Opening, caller: Person, services: Services) -> OpeningOut:
    camera = services.cameras.get(opening.camera_id)
    return OpeningOut.of(opening, caller, utc_now(), "" if camera is None else camera.entry.name)


def _cursor(opening: Opening) -> str:
    return f"{(opening.opened_at - _EPOCH) // timedelta(microseconds=1)}~{opening.id}"


def _before(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is not None:
        return _EPOCH + timedelta(microseconds=int(found[1])), found[2]
    what = "not the `next` of a page"
    raise ProblemError(BAD_INPUT, f"after: {what}", faults=[{"where": "after", "what": what}])


@router.delete("/emergencies/{opening_id}", status_code=204, responses=documented(FORBIDDEN, NOT_FOUND, CROSS_SITE))
async def close(opening_id: str, caller: Caller, request: Request) -> None:
    """Close it before its time: who opened it, its owner, or a supervisor; what runs on it ends within a second."""
    services = services_of(request)
    try:
        opening, is_news = await Emergencies(services.auth).close(opening_id, caller.person)
    except UnknownOpeningError:
        raise ProblemError(NOT_FOUND, _NO_OPENING) from None
    except MayNotJudgeError as error:
        raise ProblemError(FORBIDDEN, str(error)) from None
    if is_news:
        await services.audit.opened(caller.person, Action.EMERGENCY_CLOSE, opening)


@router.post("/emergencies/{opening_id}/review", responses=documented(FORBIDDEN, NOT_FOUND, CROSS_SITE))
async def review(opening_id: str, body: ReviewIn, caller: Caller, request: Request) -> OpeningOut:
    """Judge an opening of somebody else's, within a week; the record keeps every judgement."""
    services = services_of(request)
    try:
        opening = await Emergencies(services.auth).review(
            opening_id, caller.person, is_justified=body.justified, words=body.words
        )
    except PersonRuleError as error:
        fault = {"where": "words", "what": str(error)}
        raise ProblemError(BAD_INPUT, f"words: {error}", faults=[fault]) from None
    except UnknownOpeningError:
        raise ProblemError(NOT_FOUND, _NO_OPENING) from None
    except MayNotJudgeError as error:
        raise ProblemError(FORBIDDEN, str(error)) from None
    await services.audit.opened(caller.person, Action.EMERGENCY_REVIEW, opening)
    return _out(opening, caller.person, services)
