"""One-time links: invitations and recoveries are made by who looks after the person, and used by who has the link.

The secret comes in bodies only: never in a path, which would be in logs.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from auth.errors import PersonRuleError, UnknownPersonError
from auth.granting import MayNotGrantError
from auth.invitations import (
    Invitation,
    InvitationKind,
    MakerMayNotError,
    TooManyInvitationsError,
    UnknownInvitationError,
)
from auth.model import Person
from camctl.api.access import Anyone, refuse_cross_site
from camctl.api.entering import come_in, wrong_field
from camctl.api.in_person import ManagingInPerson
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
from camctl.api.letting_in import address_of, refusals_recorded
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    BAD_INPUT,
    CROSS_SITE,
    FORBIDDEN,
    NOT_DONE,
    NOT_FOUND,
    SECOND_FACTOR_NEEDED,
    STEP_UP_NEEDED,
    THROTTLED,
    WRONG_SIGN_IN,
    ProblemError,
    documented,
)
from camctl.api.schemas import LoginOut
from camctl.api.services import Services, services_of
from camctl.api.step_up import ChangingPeople
from camctl.audit.entry import Action
from camctl.one_time_links import service_address

router = APIRouter(prefix=PREFIX, tags=["invitations"])

_NOBODY: Final = (
    "There is nobody of this name, or nobody whose password you may renew. "
    "That of who answers for the whole city is renewed on the machine itself: `camctl user recover`."
)
_NO_LINK: Final = "There is no such unused link, or none that you may know of."
_DONE = {InvitationKind.INVITATION: "joined", InvitationKind.RECOVERY: "recovered"}


def _check_areas(services: Services, codes: list[str]) -> None:
    faults = [
        {"where": f"areas.{index}", "what": f"there is no area {code[:40]!r}"}
        for index, code in enumerate(codes)
        if code not in services.areas
    ]
    if faults:
        raise ProblemError(BAD_INPUT, "; ".join(f"{f['where']}: {f['what']}" for f in faults[:5]), faults=faults)


async def _made(request: Request, response: Response, maker: Person, made: tuple[str, Invitation]) -> NewInvitationOut:
    services, (secret, invitation) = services_of(request), made
    concerned = invitation.concerns
    await services.audit.surely(
        maker, Action.PERSON_CHANGE, target=concerned.username or concerned.display_name,
        change=f"{invitation.kind.value}-made", link=invitation.id, role=concerned.role or "",
        areas=" ".join(concerned.areas), organisation=concerned.organisation,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    reached_at = f"{request.url.scheme}://{request.url.netloc}"
    why = await services.joining.why_it_waits(invitation)
    return NewInvitationOut.of(service_address(services.config, reached_at), secret, invitation, why)


@router.post("/invitations", status_code=201, responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE, NOT_DONE))
async def invite(body: InvitationIn, caller: ChangingPeople, request: Request, response: Response) -> NewInvitationOut:
    """Invite somebody by a link that works once; the answer says it, this once.

    Nobody invites with what they could not grant; what waits for a second person when it is granted waits then too.
    """
    services = services_of(request)
    _check_areas(services, body.areas)
    life_s = body.life_s or services.config.invitations.life_s
    try:
        made = await services.joining.invite(body.wish(), caller.person, life_s)
    except PersonRuleError as error:
        raise wrong_field(error) from None
    except MayNotGrantError as error:
        raise ProblemError(FORBIDDEN, str(error), why="may-not-grant") from None
    except TooManyInvitationsError as error:
        raise ProblemError(NOT_DONE, str(error)) from None
    return await _made(request, response, caller.person, made)


@router.post(
    "/people/{username}/recovery",
    status_code=201,
    responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE, NOT_DONE),
)
async def recover(
    username: str, body: RecoveryIn, caller: ChangingPeople, request: Request, response: Response
) -> NewInvitationOut:
    """Make a link with which this person sets a new password; the password stays unknown to the caller.

    Nobody does so for a person who holds what the caller could not grant.
    """
    services = services_of(request)
    life_s = body.life_s or services.config.invitations.life_s
    try:
        made = await services.joining.recover(username, caller.person, life_s)
    except (UnknownPersonError, PersonRuleError, MayNotGrantError):
        raise ProblemError(NOT_FOUND, _NOBODY) from None
    except TooManyInvitationsError as error:
        raise ProblemError(NOT_DONE, str(error)) from None
    return await _made(request, response, caller.person, made)


@router.get("/invitations", responses=documented(FORBIDDEN))
async def list_invitations(caller: ManagingInPerson, request: Request) -> InvitationsOut:
    """The caller's unused links, and those for people whom the caller looks after."""
    found = await services_of(request).joining.pending(caller.person)
    return InvitationsOut(items=[InvitationOut.of(one) for one in found])


@router.delete(
    "/invitations/{invitation_id}", status_code=204, responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE)
)
async def withdraw(invitation_id: str, caller: ChangingPeople, request: Request) -> None:
    """Withdraw an unused link."""
    services = services_of(request)
    try:
        await services.joining.withdraw(invitation_id, caller.person)
    except UnknownInvitationError:
        raise ProblemError(NOT_FOUND, _NO_LINK) from None
    await services.audit.surely(caller.person, Action.PERSON_CHANGE, target=invitation_id, change="link-withdrawn")


@router.post("/invitations/look", dependencies=[Anyone], responses=documented(THROTTLED, CROSS_SITE, NOT_DONE))
async def look(body: LookIn, request: Request, response: Response) -> LookOut:
    """What a link is for, asked by who has it."""
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    response.headers["Cache-Control"] = "no-store"
    try:
        return LookOut.of(await services.joining.look(body.secret, address_of(request)))
    except UnknownInvitationError as error:
        raise ProblemError(NOT_FOUND, str(error)) from None
    except MakerMayNotError as error:
        raise ProblemError(NOT_DONE, str(error), why="maker") from None


@router.post(
    "/invitations/accept",
    dependencies=[Anyone],
    responses=documented(WRONG_SIGN_IN, SECOND_FACTOR_NEEDED, THROTTLED, CROSS_SITE, NOT_DONE),
)
async def accept(body: AcceptIn, request: Request, response: Response) -> LoginOut:
    """Use a link: choose a password (and a name where that is open) and be signed in.

    Whoever has a second factor gets `second-factor-needed`, as after any right password.
    """
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    with refusals_recorded(request):
        person, invitation = await _accepted(services, body, address_of(request))
        await _recorded(services, person, invitation)
        return await come_in(request, response, person)


async def _accepted(services: Services, body: AcceptIn, address: str) -> tuple[Person, Invitation]:
    try:
        return await services.joining.accept(body.secret, body.password, username=body.username, address=address)
    except UnknownInvitationError as error:
        services.audit.sign_in_refused(address, "link")
        raise ProblemError(NOT_FOUND, str(error)) from None
    except MakerMayNotError as error:
        raise ProblemError(NOT_DONE, str(error), why="maker") from None
    except PersonRuleError as error:
        raise wrong_field(error) from None


async def _recorded(services: Services, person: Person, invitation: Invitation) -> None:
    maker = invitation.maker
    await services.audit.surely(
        person, Action.PERSON_CHANGE, target=person.username, change=_DONE[invitation.kind], link=invitation.id,
        by="command line" if maker is None else maker.username,
    )  # fmt: skip
    if invitation.kind is InvitationKind.INVITATION:
        for grant in person.grants:
            await services.audit.granted(maker or person, Action.GRANT, person.username, grant, "by invitation")
