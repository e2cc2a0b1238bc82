"""Signing in by passkey, the second step after a password, and proving oneself anew."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response

from auth.model import SignIn
from auth.proofs import FRESH
from camctl.api.access import Anyone, Caller, refuse_cross_site
from camctl.api.letting_in import address_of, forget_half, let_in, refusals_recorded, site_here, whole_of
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    CROSS_SITE,
    NO_PASSKEYS_HERE,
    PASSKEY_REFUSED,
    SECOND_FACTOR_OVER,
    STEP_UP_NEEDED,
    THROTTLED,
    WRONG_CODE,
    WRONG_PROOF,
    documented,
)
from camctl.api.schemas import LoginOut
from camctl.api.services import services_of
from camctl.api.sign_in_schemas import (
    ByCode,
    ByPasskey,
    ByPassword,
    OptionsOut,
    PasskeySignInIn,
    ProofOut,
    SecondFactorIn,
    StepUpIn,
    WaysOut,
)
from camctl.api.step_up import refuse_programs, site_or_none, ways_of

router = APIRouter(prefix=PREFIX, tags=["people"])


def _refuse_cross_site(request: Request) -> None:
    refuse_cross_site(request, services_of(request).config.server.public_url)


@router.post("/auth/passkey/begin", dependencies=[Anyone], responses=documented(CROSS_SITE, NO_PASSKEYS_HERE))
async def begin_passkey(request: Request, response: Response) -> OptionsOut:
    """What the browser asks for any passkey of this site: nobody has to be named."""
    _refuse_cross_site(request)
    response.headers["Cache-Control"] = "no-store"
    options = services_of(request).passkeys.begin_sign_in(site_here(request), address_of(request))
    return OptionsOut(options=options)


@router.post(
    "/auth/passkey/finish", dependencies=[Anyone], responses=documented(CROSS_SITE, PASSKEY_REFUSED, THROTTLED)
)
async def finish_passkey(body: PasskeySignInIn, request: Request, response: Response) -> LoginOut:
    """Sign in by a passkey; it needs no second factor, because the device has checked its owner."""
    _refuse_cross_site(request)
    with refusals_recorded(request):
        token, sign_in = await services_of(request).passkeys.sign_in(body.answer.plain(), address_of(request))
    return await let_in(request, response, token, sign_in)


@router.post(
    "/auth/second-factor",
    dependencies=[Anyone],
    responses=documented(CROSS_SITE, SECOND_FACTOR_OVER, WRONG_CODE, THROTTLED),
)
async def second_factor(body: SecondFactorIn, request: Request, response: Response) -> LoginOut:
    """The second step of a sign-in whose password was right; it wants the cookie of the first step too."""
    _refuse_cross_site(request)
    factors, secret = services_of(request).factors, whole_of(request, body.pending)
    with refusals_recorded(request, known=factors.whose(secret)):
        token, sign_in = await factors.second_factor(secret, body.code, address_of(request))
    forget_half(request, response)
    return await let_in(request, response, token, sign_in)


@router.post("/auth/step-up/begin", responses=documented(CROSS_SITE, STEP_UP_NEEDED))
async def begin_step_up(caller: Caller, request: Request, response: Response) -> WaysOut:
    """How the caller may prove again who they are, with what a passkey is asked."""
    refuse_programs(caller)
    services, site = services_of(request), site_or_none(request)
    options = None
    if site is not None:
        options = await services.passkeys.begin_step_up(site, caller, address_of(request))
    response.headers["Cache-Control"] = "no-store"
    return WaysOut(ways=await ways_of(services, caller, site), options=options)


@router.post(
    "/auth/step-up/finish",
    responses=documented(CROSS_SITE, PASSKEY_REFUSED, WRONG_CODE, WRONG_PROOF, STEP_UP_NEEDED, THROTTLED),
)
async def finish_step_up(body: StepUpIn, caller: Caller, request: Request) -> ProofOut:
    """Prove again who one is; the proof is fresh for ten minutes."""
    refuse_programs(caller)
    with refusals_recorded(request, known=caller.person):
        return ProofOut(fresh_until=await _proved(body, caller, request) + FRESH)


async def _proved(body: StepUpIn, caller: SignIn, request: Request) -> datetime:
    services, address = services_of(request), address_of(request)
    match body.proof:
        case ByPasskey(answer=answer):
            return await services.passkeys.step_up(answer.plain(), caller, address)
        case ByCode(code=code):
            return await services.factors.step_up_by_code(code, caller, address)
        case ByPassword(password=password):
            return await services.factors.step_up_by_password(password, caller, address)
