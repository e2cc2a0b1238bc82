"""What every way of signing in ends with: the cookie, and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request, Response

from auth.errors import AuthError, AuthUnavailableError, SecondFactorPendingError, ThrottledError
from auth.model import SignIn
from auth.sites import Site, site_of
from camctl.api.access import COOKIE
from camctl.api.schemas import LoginOut, PersonOut
from camctl.api.services import services_of
from camctl.audit.entry import Action


async def let_in(request: Request, response: Response, token: str, sign_in: SignIn, by: str) -> LoginOut:
    """The answer to a new sign-in, which is on record with how it was proved; its cookie is in `response`."""
    services = services_of(request)
    await services.audit.surely(sign_in.person, Action.SIGN_IN, address=address_of(request), by=by)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services.config.sessions.absolute_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return LoginOut(token=token, expires_at=sign_in.expires_at, person=PersonOut.of(sign_in.person))


@contextmanager
def refusals_recorded(request: Request, username: str = "") -> Iterator[None]:
    """What fails within is on record as a refused sign-in; what was typed as the name is not kept."""
    try:
        yield
    except AuthError as error:
        why = "throttled" if isinstance(error, ThrottledError) else "wrong"
        if not isinstance(error, AuthUnavailableError | SecondFactorPendingError):
            services_of(request).audit.sign_in_refused(username, address_of(request), why)
        raise


def address_of(request: Request) -> str:
    """Where the request came from; empty when that is not known."""
    return request.client.host if request.client else ""


def site_here(request: Request) -> Site:
    """For which site this request may make and use passkeys; NoPasskeysHereError when for none."""
    public_url = services_of(request).config.server.public_url
    return site_of(public_url, request.url.scheme, request.headers.get("host", ""), request.headers.get("origin"))
