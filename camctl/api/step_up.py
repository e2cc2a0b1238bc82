"""A fresh proof as a permission: for exports, for changing grants, and for changing how one signs in.

@router.post("/grants")
async def add(caller: Annotated[SignIn, Depends(SteppedUp(Capability.MANAGE_PEOPLE))], ...) -> ...
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from auth.errors import NoPasskeysHereError
from auth.factor_service import Way
from auth.model import SignIn, SignInKind
from auth.roles import Capability
from auth.sites import Site, site_of
from camctl.api.access import Holding, SignedIn
from camctl.api.problems import STEP_UP_NEEDED, ProblemError
from camctl.api.services import Services, services_of

_PROVE = "Prove once more who you are: the last proof is more than ten minutes old."
_PROGRAM = "A program's token cannot do this; a person has to sign in and do it."
_SIGN_IN = "Sign in again: the last proof is more than ten minutes old, and there is no other way to renew it."


class SteppedUp(SignedIn):
    """Somebody signed in who proved themselves within ten minutes, and holds these capabilities anywhere."""

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities = capabilities

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller; 403 without a capability, 403 `step-up-needed` with the ways that they have."""
        sign_in = await Holding(*self.capabilities)(connection)
        await check_fresh(connection, sign_in)
        return sign_in


async def check_fresh(connection: HTTPConnection, sign_in: SignIn) -> None:
    """Return when the sign-in's proof is fresh; for permissions that look at more, such as a camera."""
    services = services_of(connection)
    proof = await services.factors.proof(sign_in)
    if proof is not None and proof.is_fresh(datetime.now(UTC)):
        return
    if proof is None or proof.kind is not SignInKind.BROWSER:
        raise ProblemError(STEP_UP_NEEDED, _PROGRAM, ways=[])
    ways = await ways_of(services, sign_in, site_or_none(connection))
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
    headers, public_url = connection.headers, services_of(connection).config.server.public_url
    try:
        return site_of(public_url, connection.url.scheme, headers.get("host", ""), headers.get("origin"))
    except NoPasskeysHereError:
        return None


ChangingPeople = Annotated[SignIn, Depends(SteppedUp(Capability.MANAGE_PEOPLE))]
TakingRecord = Annotated[SignIn, Depends(SteppedUp(Capability.AUDIT, Capability.EXPORT))]
CallerSteppedUp = Annotated[SignIn, Depends(SteppedUp())]
