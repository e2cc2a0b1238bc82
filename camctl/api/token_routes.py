"""Personal access tokens: a program's way in, that may do less than its person. Made by the person themselves only."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request, Response

from auth.errors import PersonRuleError, UnknownPersonError
from auth.model import Person, SignInKind
from auth.policy import Standing
from auth.scopes import parse_scopes
from auth.service import utc_now
from camctl.api.entering import wrong_field
from camctl.api.in_person import ManagingInPerson, Self
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    CROSS_SITE,
    FORBIDDEN,
    NOT_DONE,
    NOT_FOUND,
    STEP_UP_NEEDED,
    ProblemError,
    documented,
)
from camctl.api.services import Services, services_of
from camctl.api.session_routes import end_one, sign_ins_of
from camctl.api.session_schemas import NewTokenOut, TokenIn, TokenOut, TokensOut
from camctl.api.step_up import CallerSteppedUp, ChangingPeople
from camctl.audit.entry import Action

router = APIRouter(prefix=PREFIX, tags=["tokens"])

MOST_PER_PERSON: Final = 20
_NOT_THERE = "There is no such token, or none that you may know of."
_NOBODY = "There is nobody of this name, or nobody whom you look after."


@router.get("/me/tokens", responses=documented(FORBIDDEN))
async def list_tokens(caller: Self, request: Request) -> TokensOut:
    """The caller's tokens."""
    return await _listed(services_of(request), caller.person)


@router.post("/me/tokens", status_code=201, responses=documented(STEP_UP_NEEDED, CROSS_SITE, NOT_DONE))
async def make_token(body: TokenIn, caller: CallerSteppedUp, request: Request, response: Response) -> NewTokenOut:
    """Make a token for a program; the answer says its secret, this once.

    It outlives this sign-in by far, so it needs a fresh proof.
    """
    services = services_of(request)
    person = caller.person
    await _refuse_too_many(services, person)
    try:
        scopes = parse_scopes(body.scopes)
        _check_held(person, scopes)
        secret = await services.auth.issue_token(
            person.username, utc_now() + timedelta(days=body.days), body.name, scopes
        )
    except PersonRuleError as error:
        raise wrong_field(error) from None
    made = await services.auth.authenticate(secret)
    found = [one for one in await sign_ins_of(services, person, SignInKind.API) if made and one.id == made.session_id]
    if not found:
        raise ProblemError(NOT_DONE, "The token was ended while it was being made.")
    await services.audit.surely(
        person, Action.PERSON_CHANGE, target=person.username, change="token-made", id=found[0].id[:8],
        name=found[0].name, scopes=" ".join(sorted(scopes)),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return NewTokenOut(token=TokenOut.of(found[0]), secret=secret)


@router.delete("/me/tokens/{token_id}", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def end_token(token_id: str, caller: Self, request: Request) -> None:
    """End a token of the caller's; what it watches and controls ends with it."""
    await end_one(services_of(request), caller.person, caller.person, SignInKind.API, token_id, _NOT_THERE)


@router.get("/people/{username}/tokens", responses=documented(FORBIDDEN))
async def list_tokens_of(username: str, caller: ManagingInPerson, request: Request) -> TokensOut:
    """The tokens of somebody whom the caller looks after."""
    services = services_of(request)
    return await _listed(services, await _looked_after(services, caller.person, username))


@router.delete(
    "/people/{username}/tokens/{token_id}", status_code=204, responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE)
)
async def end_token_of(username: str, token_id: str, caller: ChangingPeople, request: Request) -> None:
    """End a token of somebody whom the caller looks after."""
    services = services_of(request)
    person = await _looked_after(services, caller.person, username)
    await end_one(services, caller.person, person, SignInKind.API, token_id, _NOT_THERE)


async def _listed(services: Services, person: Person) -> TokensOut:
    return TokensOut(items=[TokenOut.of(one) for one in await sign_ins_of(services, person, SignInKind.API)])


async def _looked_after(services: Services, caller: Person, username: str) -> Person:
    try:
        person = await services.auth.person(username)
    except (UnknownPersonError, PersonRuleError):
        raise ProblemError(NOT_FOUND, _NOBODY) from None
    if not Standing(caller, utc_now()).manages(person, services.territory):
        raise ProblemError(NOT_FOUND, _NOBODY)
    return person


def _check_held(person: Person, scopes: frozenset[str]) -> None:
    beyond = scopes - Standing(person, utc_now()).capabilities()
    if beyond:
        raise PersonRuleError("scopes", f"You may not do this yourself: {', '.join(sorted(beyond))}.")


async def _refuse_too_many(services: Services, person: Person) -> None:
    if await asyncio.to_thread(services.sign_ins.count, person.id, SignInKind.API, utc_now()) >= MOST_PER_PERSON:
        raise ProblemError(NOT_DONE, f"You have {MOST_PER_PERSON} tokens; end one first.")
