"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from auth.errors import ThrottledError, WrongSignInError
from auth.model import SignInKind
from camctl.api.access import COOKIE, Anyone, Caller, refuse_cross_site, token_of
from camctl.api.problems import CROSS_SITE, THROTTLED, WRONG_SIGN_IN, documented
from camctl.api.schemas import LoginIn, LoginOut, PersonOut
from camctl.api.services import services_of
from camctl.audit.entry import Action

router = APIRouter(tags=["people"])


@router.post("/auth/login", dependencies=[Anyone], responses=documented(WRONG_SIGN_IN, THROTTLED, CROSS_SITE))
async def login(body: LoginIn, request: Request, response: Response) -> LoginOut:
    """Sign in with name and password: a cookie for browsers, the same token in the answer for programs."""
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    address = request.client.host if request.client else ""
    try:
        token, sign_in = await services.auth.sign_in(body.username, body.password, address, SignInKind.BROWSER)
    except (WrongSignInError, ThrottledError) as error:
        why = "throttled" if isinstance(error, ThrottledError) else "wrong"
        services.audit.sign_in_refused(body.username, address, why)
        raise
    await services.audit.surely(sign_in.person, Action.SIGN_IN, address=address)
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


@router.post("/auth/logout", status_code=204, responses=documented(CROSS_SITE))
async def logout(caller: Caller, request: Request, response: Response) -> None:
    """End this sign-in; what it watches and controls ends with it."""
    token, _ = token_of(request)
    services = services_of(request)
    await services.auth.sign_out(token or "")
    await services.audit.surely(caller.person, Action.SIGN_OUT)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/me", responses=documented())
async def me(caller: Caller) -> PersonOut:
    """Who is signed in."""
    return PersonOut.of(caller.person)
