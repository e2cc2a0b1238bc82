"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from auth.errors import SecondFactorPendingError
from camctl.api.access import COOKIE, Anyone, Caller, refuse_cross_site, token_of
from camctl.api.in_person import Self
from camctl.api.invitation_schemas import NoticeOut
from camctl.api.letting_in import address_of, half_in, let_in, refusals_recorded
from camctl.api.paths import PREFIX
from camctl.api.problems import CROSS_SITE, FORBIDDEN, SECOND_FACTOR_NEEDED, THROTTLED, WRONG_SIGN_IN, documented
from camctl.api.schemas import LoginIn, LoginOut, MeOut, PersonOut
from camctl.api.services import services_of
from camctl.audit.entry import Action

router = APIRouter(prefix=PREFIX, tags=["people"])


@router.post(
    "/auth/login",
    dependencies=[Anyone],
    responses=documented(WRONG_SIGN_IN, SECOND_FACTOR_NEEDED, THROTTLED, CROSS_SITE),
)
async def login(body: LoginIn, request: Request, response: Response) -> LoginOut:
    """Sign in with name and password: a cookie for browsers, the same token in the answer for programs.

    Whoever has a second factor gets `second-factor-needed` with a `pending` secret for POST /auth/second-factor, which
    also wants the cookie that comes with this answer.
    """
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    try:
        with refusals_recorded(request, typed=body.username):
            token, sign_in = await services.factors.sign_in(body.username, body.password, address_of(request))
    except SecondFactorPendingError as error:
        raise half_in(request, error) from None
    return await let_in(request, response, token, sign_in)


@router.post("/auth/logout", status_code=204, responses=documented(CROSS_SITE))
async def logout(caller: Caller, request: Request, response: Response) -> None:
    """End this sign-in; what it watches and controls ends with it."""
    token, _ = token_of(request)
    services = services_of(request)
    await services.auth.sign_out(token or "")
    await services.audit.surely(caller.person, Action.SIGN_OUT)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/me", responses=documented())
async def me(caller: Caller, request: Request) -> MeOut:
    """Who is signed in, and what they have to be told."""
    notices = await services_of(request).joining.notices(caller.person)
    return MeOut(**PersonOut.of(caller.person).model_dump(), notices=[NoticeOut.of(notice) for notice in notices])


@router.delete("/me/notices/{notice_id}", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE))
async def read_notice(notice_id: str, caller: Self, request: Request) -> None:
    """The caller has read this notice; it is not told again."""
    await services_of(request).joining.read(caller.person, notice_id)
