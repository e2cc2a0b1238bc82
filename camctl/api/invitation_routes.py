"""One-time links: invitations and recoveries are made by who looks after the person, and used by who has the link.

The secret comes in bodies only: never in a path, which would be in logs.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response

from auth.errors import PersonRuleError, UnknownPersonError
from auth.invitations import Invitation, TooManyInvitationsError, UnknownInvitationError
from camctl.api.access import Anyone, refuse_cross_site
from camctl.api.entering import address_of, device_of, welcome, wrong_field
from camctl.api.in_person import ManagingPeople
from camctl.api.invitation_schemas import (
    AcceptIn,
    InvitationIn,
    InvitationOut,
    InvitationsOut,
    LookIn,
    LookOut,
    NewInvitationOut,
    RecoveryIn,
)
from camctl.api.problems import (
    BAD_INPUT,
    CROSS_SITE,
    FORBIDDEN,
    NOT_DONE,
    NOT_FOUND,
    THROTTLED,
    WRONG_SIGN_IN,
    ProblemError,
    documented,
)
from camctl.api.schemas import LoginOut
from camctl.api.services import Services, services_of
from camctl.one_time_links import service_address

_log = logging.getLogger(__name__)

router = APIRouter(tags=["invitations"])

_NOT_YOURS = "Such a person would not be yours to look after: choose areas inside your own, and no more than you may."
_NOBODY = "There is nobody of this name, or nobody whose password you may renew."
_NO_LINK = "There is no such unused link, or none that you may know of."


def _check_areas(services: Services, codes: list[str]) -> None:
    faults = [
        {"where": f"areas.{index}", "what": f"there is no area {code[:40]!r}"}
        for index, code in enumerate(codes)
        if code not in services.areas
    ]
    if faults:
        raise ProblemError(BAD_INPUT, "; ".join(f"{f['where']}: {f['what']}" for f in faults[:5]), faults=faults)


def _made(services: Services, request: Request, response: Response, made: tuple[str, Invitation]) -> NewInvitationOut:
    secret, invitation = made
    response.headers["Cache-Control"] = "no-store"
    reached_at = f"{request.url.scheme}://{request.url.netloc}"
    return NewInvitationOut.of(service_address(services.config, reached_at), secret, invitation)


@router.post("/invitations", status_code=201, responses=documented(FORBIDDEN, CROSS_SITE, NOT_DONE))
async def invite(body: InvitationIn, caller: ManagingPeople, request: Request, response: Response) -> NewInvitationOut:
    """Invite somebody by a link that works once; the answer says it, this once."""
    services = services_of(request)
    _check_areas(services, body.areas)
    life_s = body.life_s or services.config.invitations.life_s
    try:
        made = await services.joining.invite(body.wish(), caller.person, life_s)
    except PersonRuleError as error:
        raise wrong_field(error) from None
    except UnknownPersonError:
        raise ProblemError(FORBIDDEN, _NOT_YOURS, why="area") from None
    except TooManyInvitationsError as error:
        raise ProblemError(NOT_DONE, str(error)) from None
    _log.info("%s made the invitation %s", caller.person.username, made[1].id)
    return _made(services, request, response, made)


@router.post("/people/{username}/recovery", status_code=201, responses=documented(FORBIDDEN, CROSS_SITE, NOT_DONE))
async def recover(
    username: str, body: RecoveryIn, caller: ManagingPeople, request: Request, response: Response
) -> NewInvitationOut:
    """Make a link with which this person sets a new password; the password stays unknown to the caller."""
    services = services_of(request)
    try:
        made = await services.joining.recover(
            username, caller.person, body.life_s or services.config.invitations.life_s
        )
    except (UnknownPersonError, PersonRuleError):
        raise ProblemError(NOT_FOUND, _NOBODY) from None
    except TooManyInvitationsError as error:
        raise ProblemError(NOT_DONE, str(error)) from None
    _log.info("%s made the recovery %s of %s", caller.person.username, made[1].id, made[1].concerns.username)
    return _made(services, request, response, made)


@router.get("/invitations", responses=documented(FORBIDDEN))
async def list_invitations(caller: ManagingPeople, request: Request) -> InvitationsOut:
    """The unused links for people whom the caller looks after."""
    found = await services_of(request).joining.pending(caller.person)
    return InvitationsOut(items=[InvitationOut.of(one) for one in found])


@router.delete("/invitations/{invitation_id}", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def withdraw(invitation_id: str, caller: ManagingPeople, request: Request) -> None:
    """Withdraw an unused link."""
    try:
        await services_of(request).joining.withdraw(invitation_id, caller.person)
    except UnknownInvitationError:
        raise ProblemError(NOT_FOUND, _NO_LINK) from None
    _log.info("%s withdrew the link %s", caller.person.username, invitation_id)


@router.post("/invitations/look", dependencies=[Anyone], responses=documented(THROTTLED, CROSS_SITE))
async def look(body: LookIn, request: Request, response: Response) -> LookOut:
    """What a link is for, asked by who has it."""
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    response.headers["Cache-Control"] = "no-store"
    try:
        return LookOut.of(await services.joining.look(body.secret, address_of(request)))
    except UnknownInvitationError as error:
        raise ProblemError(NOT_FOUND, str(error)) from None


@router.post("/invitations/accept", dependencies=[Anyone], responses=documented(WRONG_SIGN_IN, THROTTLED, CROSS_SITE))
async def accept(body: AcceptIn, request: Request, response: Response) -> LoginOut:
    """Use a link: choose a password (and a name where that is open) and be signed in."""
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    try:
        token, sign_in = await services.joining.accept(
            body.secret,
            body.password,
            username=body.username,
            address=address_of(request),
            device=await device_of(request),
        )
    except UnknownInvitationError as error:
        raise ProblemError(NOT_FOUND, str(error)) from None
    except PersonRuleError as error:
        raise wrong_field(error) from None
    _log.info("%s came in by a link", sign_in.person.username)
    return welcome(request, response, token, sign_in)
