"""What every way of signing in ends with: the cookie, and the answer."""

from __future__ import annotations

from fastapi import Request, Response

from auth.model import SignIn
from auth.sites import Site, site_of
from camctl.api.access import COOKIE
from camctl.api.schemas import LoginOut, PersonOut
from camctl.api.services import services_of


def let_in(request: Request, response: Response, token: str, sign_in: SignIn) -> LoginOut:
    """The answer to a new sign-in; its cookie is in `response`."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services_of(request).config.sessions.absolute_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return LoginOut(token=token, expires_at=sign_in.expires_at, person=PersonOut.of(sign_in.person))


def address_of(request: Request) -> str:
    """Where the request came from; empty when that is not known."""
    return request.client.host if request.client else ""


def site_here(request: Request) -> Site:
    """For which site this request may make and use passkeys; NoPasskeysHereError when for none."""
    public_url = services_of(request).config.server.public_url
    return site_of(public_url, request.url.scheme, request.headers.get("host", ""), request.headers.get("origin"))
