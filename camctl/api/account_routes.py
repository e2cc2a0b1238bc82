"""One's own account: what one can prove oneself with. What changes it needs a fresh proof."""

from __future__ import annotations

import segno
from fastapi import APIRouter, Request, Response

from auth.errors import PersonRuleError
from auth.model import SignIn
from auth.proofs import FRESH
from auth.service import utc_now
from camctl.api.access import Caller
from camctl.api.in_person import Self
from camctl.api.letting_in import address_of, refusals_recorded, site_here
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    CROSS_SITE,
    FORBIDDEN,
    NO_PASSKEYS_HERE,
    NOT_DONE,
    PASSKEY_REFUSED,
    STEP_UP_NEEDED,
    THROTTLED,
    WRONG_CODE,
    WRONG_PROOF,
    documented,
)
from camctl.api.services import services_of
from camctl.api.sign_in_schemas import (
    AccountOut,
    CodeIn,
    NewPasskeyIn,
    OptionsOut,
    OwnPasswordIn,
    PasskeyNameIn,
    PasskeyOut,
    RecoveryCodesOut,
    TotpOut,
)
from camctl.api.step_up import CallerSteppedUp, check_fresh, site_or_none
from camctl.audit.entry import Action

router = APIRouter(prefix=f"{PREFIX}/account", tags=["account"])


async def _recorded(request: Request, caller: SignIn, change: str) -> None:
    person = caller.person
    await services_of(request).audit.surely(person, Action.PERSON_CHANGE, target=person.username, change=change)


def _private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@router.get("", responses=documented())
async def account(caller: Caller, request: Request, response: Response) -> AccountOut:
    """What the caller can prove themselves with, and until when their last proof is fresh."""
    _private(response)
    services, site = services_of(request), site_or_none(request)
    factors = await services.factors.factors_of(caller.person.id)
    passkeys = await services.passkeys.of_person(caller.person.id)
    return AccountOut(
        passkeys=[PasskeyOut.of(passkey, site.rp_id if site else None) for passkey in passkeys],
        password=factors.password,
        totp=factors.totp,
        recovery_codes=factors.recovery_codes,
        fresh_until=caller.proved_at + FRESH if caller.proved_at and caller.is_fresh(utc_now()) else None,
    )


# Passkeys ------------------------------------------------------------------------------------------------------------


@router.post("/passkeys/begin", responses=documented(CROSS_SITE, STEP_UP_NEEDED, NO_PASSKEYS_HERE))
async def begin_passkey(caller: CallerSteppedUp, request: Request, response: Response) -> OptionsOut:
    """What the browser asks an authenticator for a new passkey."""
    _private(response)
    options = await services_of(request).passkeys.begin_adding(site_here(request), caller, address_of(request))
    return OptionsOut(options=options)


@router.post("/passkeys", status_code=201, responses=documented(CROSS_SITE, STEP_UP_NEEDED, PASSKEY_REFUSED, NOT_DONE))
async def add_passkey(body: NewPasskeyIn, caller: CallerSteppedUp, request: Request) -> PasskeyOut:
    """Keep the passkey that the authenticator has made."""
    passkey = await services_of(request).passkeys.add(body.answer.plain(), body.name, caller)
    await _recorded(request, caller, "passkey-added")
    return PasskeyOut.of(passkey, passkey.rp_id)


@router.patch("/passkeys/{passkey_id}", responses=documented(FORBIDDEN, CROSS_SITE))
async def rename_passkey(passkey_id: str, body: PasskeyNameIn, caller: Self, request: Request) -> PasskeyOut:
    """Another name in the list."""
    site = site_or_none(request)
    passkey = await services_of(request).passkeys.rename(passkey_id, body.name, caller)
    return PasskeyOut.of(passkey, site.rp_id if site else None)


@router.delete("/passkeys/{passkey_id}", status_code=204, responses=documented(CROSS_SITE, STEP_UP_NEEDED, NOT_DONE))
async def remove_passkey(passkey_id: str, caller: CallerSteppedUp, request: Request) -> None:
    """Remove a passkey and end the caller's other sign-ins by passkey; the last way in cannot be removed."""
    await services_of(request).passkeys.remove(passkey_id, caller)
    await _recorded(request, caller, "passkey-removed")


# Second factor -------------------------------------------------------------------------------------------------------


@router.post("/totp/begin", responses=documented(CROSS_SITE, STEP_UP_NEEDED, NOT_DONE))
async def begin_totp(caller: CallerSteppedUp, request: Request, response: Response) -> TotpOut:
    """A secret for an authenticator app; codes are asked for once one was confirmed."""
    _private(response)
    new = await services_of(request).factors.begin_totp(caller)
    qr = segno.make(new.uri, error="m").svg_data_uri(scale=4, dark="#000", light="#fff")
    return TotpOut(secret=new.secret, uri=new.uri, qr=qr)


@router.post("/totp", responses=documented(CROSS_SITE, STEP_UP_NEEDED, WRONG_CODE, NOT_DONE))
async def confirm_totp(body: CodeIn, caller: CallerSteppedUp, request: Request, response: Response) -> RecoveryCodesOut:
    """Ask for codes at sign-in from now on, because this one is right; the answer says the recovery codes, once."""
    _private(response)
    codes = await services_of(request).factors.confirm_totp(body.code, caller)
    await _recorded(request, caller, "totp-set-up")
    return RecoveryCodesOut(codes=codes)


@router.delete("/totp", status_code=204, responses=documented(CROSS_SITE, STEP_UP_NEEDED, NOT_DONE))
async def remove_totp(caller: CallerSteppedUp, request: Request) -> None:
    """Ask for no codes any more; the recovery codes go too."""
    await services_of(request).factors.remove_totp(caller)
    await _recorded(request, caller, "totp-removed")


@router.post("/recovery-codes", responses=documented(CROSS_SITE, STEP_UP_NEEDED, NOT_DONE))
async def new_recovery_codes(caller: CallerSteppedUp, request: Request, response: Response) -> RecoveryCodesOut:
    """Fresh recovery codes, said this once; older ones no longer work."""
    _private(response)
    codes = await services_of(request).factors.new_recovery_codes(caller)
    await _recorded(request, caller, "recovery-codes")
    return RecoveryCodesOut(codes=codes)


# Password ------------------------------------------------------------------------------------------------------------


@router.put(
    "/password", status_code=204, responses=documented(FORBIDDEN, CROSS_SITE, STEP_UP_NEEDED, WRONG_PROOF, THROTTLED)
)
async def change_password(body: OwnPasswordIn, caller: Self, request: Request) -> None:
    """A new password, for which the old one is needed; all other sign-ins of the caller end.

    Who has no old one, or an authenticator app beside it, needs a fresh proof.
    """
    services = services_of(request)
    factors = await services.factors.factors_of(caller.person.id)
    if factors.password and body.old is None:
        raise PersonRuleError("old", "Your old password is needed.")
    if factors.totp or not factors.password:
        await check_fresh(request, caller)
    if body.old is not None:
        with refusals_recorded(request, known=caller.person):
            await services.factors.prove_password(body.old, caller, address_of(request))
    await services.auth.set_password(caller.person.username, body.new, keep_session_id=caller.session_id)
    await _recorded(request, caller, "password")
