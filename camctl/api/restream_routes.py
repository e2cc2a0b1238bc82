"""Accounts of the re-stream: each person's own, and those of the people whom an administrator looks after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from auth.errors import PersonRuleError, UnknownPersonError
from auth.granting import Granter, MayNotGrantError
from auth.model import Person, SignIn
from auth.policy import Standing, allows
from auth.restreams import TooManyAccountsError, UnknownAccountError, account_name
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.access import Caller
from camctl.api.forwarded import parse_address
from camctl.api.in_person import LiveInPerson, Self
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    BAD_INPUT,
    CROSS_SITE,
    FORBIDDEN,
    NOT_DONE,
    NOT_FOUND,
    RESTREAM_OFF,
    STEP_UP_NEEDED,
    ProblemError,
    documented,
)
from camctl.api.restream_schemas import (
    NewRestreamAccountOut,
    RestreamAccountIn,
    RestreamAccountOut,
    RestreamAccountsOut,
)
from camctl.api.services import Services, services_of
from camctl.api.step_up import check_fresh
from camctl.audit.entry import Action
from camctl.restream import grants
from camctl.restream_account import new_account

_log = logging.getLogger(__name__)

router = APIRouter(prefix=PREFIX, tags=["restream"])

MOST_PER_PERSON: Final = 16
_ANY_ADDRESS = {"", "0.0.0.0"}  # noqa: S104  compared with, not listened on
_NOBODY = "There is nobody of this name, or nobody whose accounts you may make."
_NO_ACCOUNT = "There is no re-stream account of this name, or none that you may know of."
_OFF = "Recorders cannot pull video here: set restream.enabled to true in config.yaml and restart the service."


def _looked_after_by(caller: Person, services: Services) -> Callable[[Person], bool]:
    """Whose accounts the caller may see and remove: their own, and an administrator those of their areas."""
    standing, territory = Standing(caller, utc_now()), services.territory
    return lambda person: person.id == caller.id or standing.manages(person, territory)


async def _person(request: Request, sign_in: SignIn, username: str | None) -> Person:
    """Whom the account is to stand for; somebody of another area answers like nobody.

    An account shows what its person may watch to whoever has its secret. So of others only those make one who could
    grant them all that they hold, with a fresh proof.
    """
    services, caller = services_of(request), sign_in.person
    try:
        person = caller if username is None else await services.auth.person(username)
    except (UnknownPersonError, PersonRuleError):
        raise ProblemError(NOT_FOUND, _NOBODY) from None
    if not _looked_after_by(caller, services)(person):
        raise ProblemError(NOT_FOUND, _NOBODY)
    if person.id != caller.id:
        try:
            Granter(caller, utc_now(), services.territory).check_acting_for(person)
        except MayNotGrantError as error:
            raise ProblemError(FORBIDDEN, str(error), why="may-not-grant") from None
        await check_fresh(request, sign_in)
    if not Standing(person, utc_now()).holds(Capability.LIVE):
        raise _wrong("username", f"{person.username} may not watch live video, or their account is closed")
    return person


def _wrong(where: str, what: str) -> ProblemError:
    return ProblemError(BAD_INPUT, f"{where}: {what}", faults=[{"where": where, "what": what}])


def _check_cameras(services: Services, person: Person, wanted: Sequence[str]) -> None:
    """Refuse cameras that the account could never play; to name one that must not be known is to name none."""
    cameras = ((camera_id, services.cameras.get(camera_id)) for camera_id in wanted)
    faults = [
        {"where": f"cameras.{index}", "what": f"there is no camera {camera_id!r} that {person.username} may watch"}
        for index, (camera_id, camera) in enumerate(cameras)
        if camera is None or not allows(person, Capability.LIVE, camera.entry.ref, utc_now())
    ]
    if faults:
        said = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
        raise ProblemError(BAD_INPUT, said, faults=faults)


def _root(request: Request, services: Services, port: int) -> str:
    """The re-stream's address: as configured, else the address at which the caller reached us; not what Host claims."""
    host = services.config.restream.host
    if host in _ANY_ADDRESS:
        reached = (request.scope.get("server") or (host,))[0]
        host = urlsplit(services.config.server.public_url or "").hostname or str(parse_address(reached) or reached)
    return f"rtsp://[{host}]:{port}" if ":" in host else f"rtsp://{host}:{port}"


@router.get("/restream/accounts", responses=documented())
async def list_accounts(caller: Caller, request: Request) -> RestreamAccountsOut:
    """The caller's own accounts; an administrator's list has those of the people in their areas too."""
    stored = await asyncio.to_thread(services_of(request).restreams.all)
    is_mine = _looked_after_by(caller.person, services_of(request))
    return RestreamAccountsOut(items=[RestreamAccountOut.of(account) for account in stored if is_mine(account.person)])


@router.post(
    "/restream/accounts",
    status_code=201,
    responses=documented(STEP_UP_NEEDED, FORBIDDEN, CROSS_SITE, RESTREAM_OFF, NOT_DONE),
)
async def add_account(
    body: RestreamAccountIn, caller: LiveInPerson, request: Request, response: Response
) -> NewRestreamAccountOut:
    """Make an account for a recorder or player; the answer says its secret, this once."""
    services = services_of(request)
    port = services.restream_port()
    if port is None:
        raise ProblemError(RESTREAM_OFF, _OFF)
    person = await _person(request, caller, body.username)
    _check_cameras(services, person, body.cameras)
    try:
        stored, secret = await new_account(
            services.restreams, person.username, body.name, body.cameras, MOST_PER_PERSON
        )
    except PersonRuleError as error:
        raise _wrong(error.field, str(error)) from None
    except TooManyAccountsError as error:
        raise ProblemError(NOT_DONE, str(error)) from None
    _log.info("%s made the re-stream account %s of %s", caller.person.username, stored.name, person.username)
    await services.audit.surely(
        caller.person, Action.RESTREAM_CHANGE, target=stored.name, change="added", of=person.username
    )
    response.headers["Cache-Control"] = "no-store"
    keys = grants([stored], (camera.entry for camera in services.cameras), utc_now())[stored.name].keys
    return NewRestreamAccountOut.of(stored, secret, _root(request, services, port), keys)


@router.delete("/restream/accounts/{name}", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def remove_account(name: str, caller: Self, request: Request) -> None:
    """Remove an account; what it plays ends within a second."""
    accounts = services_of(request).restreams
    try:
        name = account_name(name)
        await asyncio.to_thread(accounts.remove, name, utc_now(), _looked_after_by(caller.person, services_of(request)))
    except (UnknownAccountError, PersonRuleError):
        raise ProblemError(NOT_FOUND, _NO_ACCOUNT) from None
    services_of(request).audit.did(caller.person, Action.RESTREAM_CHANGE, target=name, change="removed")
    _log.info("%s removed the re-stream account %s", caller.person.username, name)
