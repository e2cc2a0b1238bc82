"""A fresh proof as a permission: for exports, for changing grants, and for changing how one signs in.

@router.post("/grants")
async def add(caller: Annotated[SignIn, Depends(SteppedUp(Capability.MANAGE_PEOPLE))], ...) -> ...
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from auth.errors import NoPasskeysHereError
from auth.factor_service import Way
from auth.model import SignIn, SignInKind
from auth.roles import Capability
from auth.service import utc_now
from auth.sites import Site
from camctl.api.access import Holding
from camctl.api.letting_in import site_here
from camctl.api.problems import STEP_UP_NEEDED, ProblemError
from camctl.api.services import Services, services_of

_PROVE = "Prove once more who you are: the last proof is more than ten minutes old."
_PROGRAM = "A program's token cannot do this; a person has to sign in and do it."
_SIGN_IN = "Sign in again: the last proof is more than ten minutes old, and there is no other way to renew it."


class SteppedUp(Holding):
    """Somebody who holds these capabilities, if any are named, and proved within ten minutes who they are.

    A token that was issued to a program proves nobody: it is refused whatever its person may do.
    """

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller; 403 without a capability, 403 `step-up-needed` with the ways that they have."""
        sign_in = await super().__call__(connection)
        await check_fresh(connection, sign_in)
        return sign_in


def refuse_programs(sign_in: SignIn) -> None:
    """403 `step-up-needed` without ways for a token that no person stands behind."""
    if sign_in.kind is not SignInKind.BROWSER:
        raise ProblemError(STEP_UP_NEEDED, _PROGRAM, ways=[])


async def check_fresh(connection: HTTPConnection, sign_in: SignIn) -> None:
    """Return when the sign-in's proof is fresh; for permissions that look at more, such as a camera."""
    refuse_programs(sign_in)
    if sign_in.is_fresh(utc_now()):
        return
    ways = await ways_of(services_of(connection), sign_in, site_or_none(connection))
    raise ProblemError(STEP_UP_NEEDED, _PROVE if ways else _SIGN_IN, ways=[way.value for way in ways])


async def ways_of(services: Services, sign_in: SignIn, site: Site | None) -> list[Way]:
    """How this person can renew their proof here, the best first."""
    factors = await services.factors.factors_of(sign_in.person.id)
    passkeys = await services.passkeys.of_person(sign_in.person.id)
    ways = [Way.PASSKEY] if any(site is not None and key.rp_id == site.rp_id for key in passkeys) else []
    if factors.totp:
        return [*ways, Way.CODE]
    return [*ways, Way.PASSWORD] if factors.password else ways


def site_or_none(connection: HTTPConnection) -> Site | None:
    """The site of this request; None where passkeys do not work."""
    try:
        return site_here(connection)
    except NoPasskeysHereError:
        return None


ChangingPeople = Annotated[SignIn, Depends(SteppedUp(Capability.MANAGE_PEOPLE))]
TakingRecord = Annotated[SignIn, Depends(SteppedUp(Capability.AUDIT, Capability.EXPORT))]
CallerSteppedUp = Annotated[SignIn, Depends(SteppedUp())]
