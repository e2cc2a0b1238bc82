"""Signing in with the city's account: to the directory and back. The browser comes here by itself, so it is sent on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from auth.errors import ThrottledError, WrongSignInError
from auth.oidc_settings import DirectoryRefusedError, OidcError
from camctl.api.access import Anyone
from camctl.api.entering import come_from_directory
from camctl.api.letting_in import address_of, is_https, refusals_recorded
from camctl.api.paths import PREFIX
from camctl.api.problems import NOT_FOUND, ProblemError, documented
from camctl.api.services import Services, services_of
from camctl.audit.entry import Action

if TYPE_CHECKING:
    from auth.city_sign_in import Arrival, CitySignIn

_log = logging.getLogger(__name__)

router = APIRouter(prefix=PREFIX, tags=["people"])

ATTEMPT_S: Final = 600
_HOME, _FAILED = "/#/", "/#/city-sign-in-failed"
_UNAVAILABLE = "/#/city-sign-in-unavailable"  # as the kind of problem: nothing that the person could mend
_SENT_ON: dict[int | str, dict[str, Any]] = {303: {"description": "To the directory, or back to the page"}}


class CitySignInOut(BaseModel):
    """Whether people can sign in with the city's account."""

    enabled: bool


@router.get("/auth/oidc", dependencies=[Anyone], responses=documented())
async def city_sign_in(request: Request) -> CitySignInOut:
    """Whether there is a directory to sign in with."""
    return CitySignInOut(enabled=services_of(request).city is not None)


@router.get(
    "/auth/oidc/start", dependencies=[Anyone], status_code=303, response_class=RedirectResponse,
    responses=documented() | _SENT_ON,
)  # fmt: skip
async def start(request: Request) -> RedirectResponse:
    """Send the browser to the directory; what it has to bring back stays with it in a cookie."""
    city = _city(services_of(request))
    try:
        address, attempt = await city.start()
    except OidcError as error:
        return _failed(error)
    answer = _to(address)
    answer.set_cookie(
        _cookie(request), attempt.text(), max_age=ATTEMPT_S, httponly=True, samesite="lax",
        secure=is_https(request),
    )  # fmt: skip
    return answer


@router.get(
    "/auth/oidc/callback", dependencies=[Anyone], status_code=303, response_class=RedirectResponse,
    responses=documented() | _SENT_ON,
)  # fmt: skip
async def callback(request: Request) -> RedirectResponse:
    """Where the directory sends the browser back: signed in, or to a page that says that it did not work."""
    city = _city(services_of(request))
    answer = _forgetting(request, _to(_HOME))
    try:
        with refusals_recorded(request):
            kept = request.cookies.get(_cookie(request))
            arrival = await city.finish(request.query_params, kept, address=address_of(request))
            await _recorded(request, arrival)
            await come_from_directory(request, answer, arrival)
    except (OidcError, WrongSignInError, ThrottledError) as error:
        return _forgetting(request, _failed(error))
    return answer


async def _recorded(request: Request, arrival: Arrival) -> None:
    """What the directory gave and took is on record, as that of the person whom it speaks of."""
    audit, person = services_of(request).audit, arrival.person
    for action, grants, step in ((Action.GRANT, arrival.given, "given"), (Action.REVOKE, arrival.taken, "taken")):
        for grant in grants:
            await audit.granted(person, action, person.username, grant, f"{step} by the directory")


def _city(services: Services) -> CitySignIn:
    if services.city is None:
        raise ProblemError(NOT_FOUND, "There is no directory to sign in with; set oidc in config.yaml.")
    return services.city


def _cookie(request: Request) -> str:
    """The attempt's name; over https one that no other host of the domain can set."""
    return "__Host-camctl_oidc" if is_https(request) else "camctl_oidc"


def _failed(error: Exception) -> RedirectResponse:
    _log.warning("a sign-in by the directory was refused: %s", error)
    return _to(_UNAVAILABLE if isinstance(error, DirectoryRefusedError) else _FAILED)


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def _forgetting(request: Request, answer: RedirectResponse) -> RedirectResponse:
    answer.delete_cookie(_cookie(request), httponly=True, samesite="lax", secure=is_https(request))
    return answer
