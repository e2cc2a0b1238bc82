"""A person's own sign-ins: which there are, and ending them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from auth.model import Person, SignInKind
from auth.service import utc_now
from auth.sign_in_list import ListedSignIn
from camctl.api.in_person import Self
from camctl.api.paths import PREFIX
from camctl.api.problems import CROSS_SITE, FORBIDDEN, NOT_FOUND, ProblemError, documented
from camctl.api.services import Services, services_of
from camctl.api.session_schemas import SessionOut, SessionsOut
from camctl.audit.entry import Action

router = APIRouter(prefix=PREFIX, tags=["people"])

_NO_SESSION = "There is no such sign-in of yours, or it is over."


async def sign_ins_of(services: Services, person: Person, kind: SignInKind) -> list[ListedSignIn]:
    """The person's sign-ins or tokens that hold now."""
    return await asyncio.to_thread(services.sign_ins.of, person.id, kind, utc_now())


async def end_one(
    services: Services, caller: Person, person: Person, kind: SignInKind, session_id: str, otherwise: str
) -> None:
    """End one of them, on record; 404 with the sentence `otherwise` when it is none of this person's."""
    if all(listed.id != session_id for listed in await sign_ins_of(services, person, kind)):
        raise ProblemError(NOT_FOUND, otherwise)
    await services.auth.end_session(session_id)
    change = "sign-in-ended" if kind is SignInKind.BROWSER else "token-ended"
    await services.audit.surely(caller, Action.PERSON_CHANGE, target=person.username, change=change, id=session_id[:8])


@router.get("/me/sessions", responses=documented(FORBIDDEN))
async def list_sessions(caller: Self, request: Request) -> SessionsOut:
    """Where the caller is signed in."""
    found = await sign_ins_of(services_of(request), caller.person, SignInKind.BROWSER)
    return SessionsOut(items=[SessionOut.of(listed, caller.session_id) for listed in found])


@router.delete("/me/sessions/{session_id}", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def end_session(session_id: str, caller: Self, request: Request) -> None:
    """End one sign-in of the caller's; what it watches and controls ends with it."""
    await end_one(services_of(request), caller.person, caller.person, SignInKind.BROWSER, session_id, _NO_SESSION)


@router.delete("/me/sessions", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def end_other_sessions(caller: Self, request: Request) -> None:
    """End every sign-in of the caller's but this one; tokens go on."""
    services = services_of(request)
    for listed in await sign_ins_of(services, caller.person, SignInKind.BROWSER):
        if listed.id != caller.session_id:
            await services.auth.end_session(listed.id)
    person = caller.person
    await services.audit.surely(person, Action.PERSON_CHANGE, target=person.username, change="other-sign-ins-ended")
