"""What every way of signing in has in common: where from and on what device, the record, the cookie, the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request, Response
from ua_parser import parse

from auth.errors import AuthError, AuthUnavailableError, SecondFactorPendingError, ThrottledError
from auth.model import SignIn
from auth.sites import Site, site_of
from camctl.api.access import COOKIE
from camctl.api.schemas import LoginOut, PersonOut
from camctl.api.services import services_of
from camctl.audit.entry import Action

_MOST_READ_CHARS: Final = 512


async def let_in(request: Request, response: Response, token: str, sign_in: SignIn, by: str) -> LoginOut:
    """The answer to a new sign-in, which is on record with how it was proved; its cookie is in `response`."""
    await enter(request, response, token, sign_in, by)
    return LoginOut(token=token, expires_at=sign_in.expires_at, person=PersonOut.of(sign_in.person))


async def enter(request: Request, response: Response, token: str, sign_in: SignIn, by: str) -> None:
    """Put a new sign-in on record and its cookie into the answer, whatever that is."""
    services = services_of(request)
    device = await asyncio.to_thread(describe_device, request.headers.get("user-agent", ""))
    await asyncio.to_thread(services.sign_ins.describe, sign_in.session_id, device)
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


def describe_device(user_agent: str) -> str:
    """Browser and system in a few words, such as "Chrome Mobile, Android"; empty when nothing is known. Some ms."""
    found = parse(user_agent[:_MOST_READ_CHARS])
    parts = (found.user_agent.family if found.user_agent else "", found.os.family if found.os else "")
    words = ", ".join(part for part in parts if part)
    return words or "".join(filter(str.isprintable, user_agent.partition("/")[0][:40])).strip()


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
