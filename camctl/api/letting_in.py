"""What every way of signing in has in common: where from and on what device, the record, the cookie, the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.requests import HTTPConnection
from ua_parser import parse

from auth.errors import (
    AuthError,
    PasskeyRefusedError,
    PendingOverError,
    SecondFactorPendingError,
    ThrottledError,
    WrongCodeError,
    WrongProofError,
    WrongSignInError,
)
from auth.model import Person, SignIn
from auth.pending import LIFE_S
from auth.sites import Site, site_of
from camctl.api.access import COOKIE
from camctl.api.problems import SECOND_FACTOR_NEEDED, ProblemError
from camctl.api.schemas import LoginOut, PersonOut
from camctl.api.services import services_of
from camctl.audit.entry import Action

_HALF_COOKIE = "camctl_half"
_WHY: dict[type[AuthError], str] = {
    WrongSignInError: "wrong",
    ThrottledError: "throttled",
    WrongCodeError: "wrong-code",
    PendingOverError: "second-factor-over",
    PasskeyRefusedError: "passkey-refused",
    WrongProofError: "wrong-proof",
}
_MOST_READ_CHARS: Final = 512


async def let_in(request: Request, response: Response, token: str, sign_in: SignIn) -> LoginOut:
    """The answer to a new sign-in, which is on record with how it was proved; its cookie is in `response`."""
    await enter(request, response, token, sign_in)
    return LoginOut(token=token, expires_at=sign_in.expires_at, person=PersonOut.of(sign_in.person))


async def enter(request: Request, response: Response, token: str, sign_in: SignIn) -> None:
    """Put a new sign-in on record and its cookie into the answer, whatever that is."""
    services = services_of(request)
    device = await asyncio.to_thread(describe_device, request.headers.get("user-agent", ""))
    await asyncio.to_thread(services.sign_ins.describe, sign_in.session_id, device)
    await services.audit.surely(sign_in.person, Action.SIGN_IN, address=address_of(request), by=sign_in.method or "")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services.config.sessions.absolute_s),
        httponly=True,
        samesite="strict",
        secure=is_https(request),
    )
    response.headers["Cache-Control"] = "no-store"


def describe_device(user_agent: str) -> str:
    """Browser and system in a few words, such as "Chrome Mobile, Android"; empty when nothing is known. Some ms."""
    found = parse(user_agent[:_MOST_READ_CHARS])
    parts = (found.user_agent.family if found.user_agent else "", found.os.family if found.os else "")
    words = ", ".join(part for part in parts if part)
    return words or "".join(filter(str.isprintable, user_agent.partition("/")[0][:40])).strip()


# A sign-in in two steps: its secret goes out in two halves, so that what a page, a log or a glance at a screen gives
# away is of no use in another browser. Each half has 128 random bits.


def half_in(request: Request, error: SecondFactorPendingError) -> ProblemError:
    """The answer to a right password when a code is needed too: half of the secret in it, half in a cookie."""
    middle = len(error.pending) // 2
    cookie = Response()
    cookie.set_cookie(
        _HALF_COOKIE,
        error.pending[middle:],
        max_age=int(LIFE_S),
        path=_path_of_steps(request),
        httponly=True,
        samesite="strict",
        secure=is_https(request),
    )
    headers = {"Set-Cookie": cookie.headers["set-cookie"]}
    return ProblemError(SECOND_FACTOR_NEEDED, str(error), headers=headers, pending=error.pending[:middle])


def whole_of(request: Request, pending: str) -> str:
    """The secret of a sign-in in two steps, of which this request brings both halves."""
    return pending + request.cookies.get(_HALF_COOKIE, "")


def forget_half(request: Request, response: Response) -> None:
    """The second step was done: the cookie of the first goes."""
    response.delete_cookie(_HALF_COOKIE, path=_path_of_steps(request), httponly=True, samesite="strict")


def _path_of_steps(request: Request) -> str:
    # Of the second step's address, wherever the first one was: a password, or a link that set one.
    return request.url_for("second_factor").path.rpartition("/")[0]


@contextmanager
def refusals_recorded(request: Request, typed: str | None = None, known: Person | str | None = None) -> Iterator[None]:
    """What is refused within is on record; `typed`: what was in the field of the name, `known`: whose sign-in it is."""
    try:
        yield
    except tuple(_WHY) as error:
        services_of(request).audit.sign_in_refused(address_of(request), _WHY[type(error)], typed=typed, known=known)
        raise


def address_of(request: Request) -> str:
    """Where the request came from; empty when that is not known."""
    return request.client.host if request.client else ""


def is_https(connection: HTTPConnection) -> bool:
    """Whether browsers reach this service by HTTPS, be it through a proxy that ends it and asks us without."""
    public_url = services_of(connection).config.server.public_url
    return connection.url.scheme == "https" or (public_url is not None and urlsplit(public_url).scheme == "https")


def site_here(connection: HTTPConnection) -> Site:
    """For which site this request may make and use passkeys; NoPasskeysHereError when for none."""
    public_url, headers = services_of(connection).config.server.public_url, connection.headers
    return site_of(public_url, connection.url.scheme, headers.get("host", ""), headers.get("origin"))
