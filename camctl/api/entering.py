"""Coming in otherwise than by a proof that was known before: by a link, the set-up code, or the city's directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request, Response

from auth.errors import PersonRuleError, SecondFactorPendingError
from auth.model import Person
from auth.proofs import Method
from camctl.api.letting_in import address_of, enter, half_in, let_in
from camctl.api.problems import BAD_INPUT, ProblemError
from camctl.api.schemas import LoginOut
from camctl.api.services import services_of

if TYPE_CHECKING:
    from auth.city_sign_in import Arrival


async def come_in(request: Request, response: Response, person: Person) -> LoginOut:
    """Sign in somebody who has just set their password; as after any right one a code may be needed too."""
    try:
        token, sign_in = await services_of(request).factors.admit(person, address_of(request))
    except SecondFactorPendingError as error:
        raise half_in(request, error) from None
    return await let_in(request, response, token, sign_in)


async def come_from_directory(request: Request, response: Response, arrival: Arrival) -> None:
    """Sign in whom the city's directory vouches for; WrongSignInError when the account here is closed."""
    token, sign_in = await services_of(request).auth.admit(arrival.person.id, Method.DIRECTORY, address_of(request))
    await enter(request, response, token, sign_in)


def wrong_field(error: PersonRuleError) -> ProblemError:
    """A rule that the request breaks, named by its field."""
    return ProblemError(
        BAD_INPUT, f"{error.field}: {error}", faults=[{"where": error.field, "what": str(error)}], field=error.field
    )
