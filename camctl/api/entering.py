"""What every way of signing in over HTTP has in common: where from, on what device, and the cookie at the end."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request, Response
from ua_parser import parse

from auth.errors import PersonRuleError
from auth.model import SignIn
from camctl.api.access import COOKIE
from camctl.api.problems import BAD_INPUT, ProblemError
from camctl.api.schemas import LoginOut, PersonOut
from camctl.api.services import services_of

_MOST_READ_CHARS: Final = 512


def address_of(request: Request) -> str:
    """Where the request came from; empty when that is not known."""
    return request.client.host if request.client else ""


def describe_device(user_agent: str) -> str:
    """Browser and system in a few words, such as "Chrome Mobile, Android"; empty when nothing is known. Some ms."""
    found = parse(user_agent[:_MOST_READ_CHARS])
    parts = (found.user_agent.family if found.user_agent else "", found.os.family if found.os else "")
    words = ", ".join(part for part in parts if part)
    return words or "".join(filter(str.isprintable, user_agent.partition("/")[0][:40])).strip()


async def device_of(request: Request) -> str:
    """The device in a few words."""
    return await asyncio.to_thread(describe_device, request.headers.get("user-agent", ""))


def give_cookie(request: Request, response: Response, token: str) -> None:
    """Keep the sign-in in the browser, where no script reads it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services_of(request).config.sessions.absolute_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"


def welcome(request: Request, response: Response, token: str, sign_in: SignIn) -> LoginOut:
    """The answer to whoever has just come in."""
    give_cookie(request, response, token)
    return LoginOut(token=token, expires_at=sign_in.expires_at, person=PersonOut.of(sign_in.person))


def wrong_field(error: PersonRuleError) -> ProblemError:
    """A rule that the request breaks, named by its field."""
    return ProblemError(
        BAD_INPUT, f"{error.field}: {error}", faults=[{"where": error.field, "what": str(error)}], field=error.field
    )
