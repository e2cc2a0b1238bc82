"""Who was granted what: giving, approving and taking, by those who look after people; and what roles bring."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from auth.errors import PersonRuleError, UnknownGrantError, UnknownPersonError
from auth.grant_service import Grants
from auth.granting import Granter, MayNotGrantError, may_approve
from auth.grants import GrantState
from auth.model import Person
from auth.policy import Standing
from auth.roles import CAMERA_CAPABILITIES
from auth.service import utc_now
from camctl.api.access import Caller, ManagingPeople, Seeing
from camctl.api.grant_schemas import (
    ApprovalOut,
    ApprovalsOut,
    DecisionOut,
    GrantIn,
    GrantOut,
    GrantsOut,
    LookedAfterOut,
    PeopleOut,
    PermissionsOut,
    RoleBody,
    RoleOut,
    RolesOut,
)
from camctl.api.paths import PREFIX
from camctl.api.problems import BAD_INPUT, CROSS_SITE, FORBIDDEN, NOT_FOUND, STEP_UP_NEEDED, ProblemError, documented
from camctl.api.services import Services, services_of
from camctl.api.step_up import ChangingPeople
from camctl.audit.entry import Action

router = APIRouter(prefix=PREFIX, tags=["grants"])

_NOBODY = "There is nobody of this name, or nobody whom you look after."
_NO_GRANT = "This person has no such grant."


def _granter(caller: Person, services: Services) -> Granter:
    return Granter(caller, utc_now(), services.territory)


async def _looked_after(caller: Person, username: str, services: Services) -> Person:
    """Somebody whom the caller looks after; who is somebody else's answers like nobody."""
    try:
        person = await services.auth.person(username)
    except (UnknownPersonError, PersonRuleError):
        raise ProblemError(NOT_FOUND, _NOBODY) from None
    # Who has no grant, or none any more, is in nobody's area; whoever grants the next one brings them into theirs.
    is_somebodys = any(grant.state(utc_now()) is not GrantState.OVER for grant in person.grants)
    if is_somebodys and person.id != caller.id and not Standing(caller, utc_now()).manages(person, services.territory):
        raise ProblemError(NOT_FOUND, _NOBODY)
    return person


def _wrong(error: PersonRuleError) -> ProblemError:
    return ProblemError(BAD_INPUT, f"{error.field}: {error}", faults=[{"where": error.field, "what": str(error)}])


def _refused(error: MayNotGrantError) -> ProblemError:
    return ProblemError(FORBIDDEN, str(error), why="may-not-grant")


@router.get("/people", responses=documented(FORBIDDEN))
async def list_people(
    caller: ManagingPeople,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=64)] = "",
) -> PeopleOut:
    """The people whom the caller looks after, by username."""
    services, standing = services_of(request), Standing(caller.person, utc_now())
    everybody, territory = await services.auth.list_people(), services.territory
    mine = [person for person in everybody if person.username > after and standing.manages(person, territory)]
    page = [LookedAfterOut.of(person) for person in mine[:limit]]
    return PeopleOut(items=page, next=page[-1].username if len(mine) > limit else None)


@router.get("/me/grants", responses=documented())
async def own_grants(caller: Caller, request: Request) -> GrantsOut:
    """The caller's own grants."""
    return GrantsOut.of(caller.person, utc_now(), services_of(request).territory)


@router.get("/people/{username}/grants", responses=documented(FORBIDDEN, NOT_FOUND))
async def list_grants(username: str, caller: ManagingPeople, request: Request) -> GrantsOut:
    """What somebody was granted."""
    services = services_of(request)
    return GrantsOut.of(await _looked_after(caller.person, username, services), utc_now(), services.territory)


@router.post(
    "/people/{username}/grants", status_code=201, responses=documented(STEP_UP_NEEDED, FORBIDDEN, NOT_FOUND, CROSS_SITE)
)
async def give(username: str, body: GrantIn, caller: ChangingPeople, request: Request) -> GrantOut:
    """Grant something; nobody grants what they do not hold themselves, as long as the grant lasts.

    What brings somebody half of a city or more for longer than 92 days, together with what they hold already, waits for
    a second person; so does a place among the people of a camera's owner. `waits_because` says which.
    """
    services = services_of(request)
    person = await _looked_after(caller.person, username, services)
    _check_areas(body, services)
    try:
        wish = body.wish()
        grant = await Grants(services.auth).give(person.username, wish, _granter(caller.person, services))
        await services.audit.granted(caller.person, Action.GRANT, person.username, grant, "given")
    except PersonRuleError as error:
        raise _wrong(error) from None
    except MayNotGrantError as error:
        raise _refused(error) from None
    # Read again: of two grants given at the same moment the other one may be why this one waits.
    person = await services.auth.person(person.username)
    return GrantOut.of(grant, person, utc_now(), services.territory)


def _check_areas(body: GrantIn, services: Services) -> None:
    faults = [
        {"where": f"areas.{index}", "what": f"there is no area {area!r}"}
        for index, area in enumerate(body.areas)
        if area not in services.areas
    ]
    if faults:
        raise ProblemError(BAD_INPUT, "; ".join(f"{each['where']}: {each['what']}" for each in faults), faults=faults)


@router.post(
    "/people/{username}/grants/{grant_id}/approve",
    responses=documented(STEP_UP_NEEDED, FORBIDDEN, NOT_FOUND, CROSS_SITE),
)
async def approve(username: str, grant_id: str, caller: ChangingPeople, request: Request) -> GrantOut:
    """Approve what somebody else granted and what waits for a second person."""
    services = services_of(request)
    person = await _looked_after(caller.person, username, services)
    try:
        granter = _granter(caller.person, services)
        grant = await Grants(services.auth).approve(person.username, grant_id, granter)
        await services.audit.granted(caller.person, Action.GRANT, person.username, grant, "approved")
    except UnknownGrantError:
        raise ProblemError(NOT_FOUND, _NO_GRANT) from None
    except MayNotGrantError as error:
        raise _refused(error) from None
    return GrantOut.of(grant, person, utc_now(), services.territory)


@router.delete(
    "/people/{username}/grants/{grant_id}",
    status_code=204,
    responses=documented(STEP_UP_NEEDED, FORBIDDEN, NOT_FOUND, CROSS_SITE),
)
async def revoke(username: str, grant_id: str, caller: ChangingPeople, request: Request) -> None:
    """Take a grant away; what runs on it ends within a second."""
    services = services_of(request)
    person = await _looked_after(caller.person, username, services)
    try:
        gone = await Grants(services.auth).revoke(person.username, grant_id, _granter(caller.person, services))
        await services.audit.granted(caller.person, Action.REVOKE, person.username, gone, "taken")
    except UnknownGrantError:
        raise ProblemError(NOT_FOUND, _NO_GRANT) from None
    except MayNotGrantError as error:
        raise _refused(error) from None


@router.get("/approvals", responses=documented(FORBIDDEN))
async def list_waiting(
    caller: ManagingPeople, request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> ApprovalsOut:
    """What waits for a second person, of the people whom the caller looks after: the oldest first."""
    services, now = services_of(request), utc_now()
    territory, standing = services.territory, Standing(caller.person, now)
    granter = _granter(caller.person, services)
    waiting = [
        ApprovalOut(
            username=person.username,
            display_name=person.display_name,
            organisation=person.organisation,
            grant=GrantOut.of(grant, person, now, territory),
            may_approve=may_approve(grant, person.id, granter),
        )
        for person in await services.auth.list_waiting()
        if standing.manages(person, territory)
        for grant in person.grants
        if grant.waits
    ]
    waiting.sort(key=lambda each: (each.grant.created or now, each.grant.id))
    return ApprovalsOut(items=waiting[:limit], more=len(waiting) > limit)


@router.get("/roles", responses=documented(FORBIDDEN))
async def list_roles(_caller: ManagingPeople, request: Request) -> RolesOut:
    """The roles and what they bring."""
    roles = await Grants(services_of(request).auth).roles()
    return RolesOut(items=[RoleOut.of(name, role) for name, role in roles.items()])


@router.put("/roles/{name}", responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE))
async def set_role(name: str, body: RoleBody, caller: ChangingPeople, request: Request) -> RoleOut:
    """Make a role or change what it brings to everybody who has it; for those who answer for the whole city.

    It is not made to bring more by a grant that needs a second person: make a new role and grant that.
    """
    services = services_of(request)
    try:
        await Grants(services.auth).set_role(name, body.role(), _granter(caller.person, services))
        words = " ".join(sorted(body.capabilities))
        await services.audit.surely(caller.person, Action.ROLE_CHANGE, target=name, capabilities=words)
    except PersonRuleError as error:
        raise _wrong(error) from None
    except MayNotGrantError as error:
        raise _refused(error) from None
    return RoleOut.of(name, body.role())


@router.get("/cameras/{camera_id}/permissions", responses=documented(NOT_FOUND))
async def explain(visit: Seeing) -> PermissionsOut:
    """What the caller may do with this camera, and why or why not."""
    standing = visit.standing
    return PermissionsOut(
        items={each: DecisionOut.of(standing.allows(each, visit.ref)) for each in sorted(CAMERA_CAPABILITIES)}
    )
