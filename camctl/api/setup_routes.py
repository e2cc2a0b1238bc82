"""The first administrator, by the code that the service printed; once that is done, there is no such address."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from auth.errors import PersonRuleError
from auth.model import Person
from auth.setup_code import SetupClosedError, WrongSetupCodeError
from camctl.api.access import Anyone, refuse_cross_site
from camctl.api.entering import come_in, wrong_field
from camctl.api.invitation_schemas import SetupIn
from camctl.api.letting_in import address_of, refusals_recorded
from camctl.api.paths import PREFIX
from camctl.api.problems import CROSS_SITE, THROTTLED, WRONG_SIGN_IN, ProblemError, documented
from camctl.api.schemas import LoginOut
from camctl.api.services import Services, services_of
from camctl.audit.entry import Action


class WhileSetupIsOpen(APIRoute):
    """A route that is not there, whatever is sent to it, while no set-up code waits to be used."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As always, or not at all."""
        app: Any = scope["app"]
        services: Services = app.state.services
        return super().matches(scope) if services.setup.is_open else (Match.NONE, {})


router = APIRouter(prefix=PREFIX, tags=["people"], route_class=WhileSetupIsOpen)


@router.post("/setup", dependencies=[Anyone], responses=documented(WRONG_SIGN_IN, THROTTLED, CROSS_SITE))
async def set_up(body: SetupIn, request: Request, response: Response) -> LoginOut:
    """Become the first administrator, for every area, and be signed in."""
    services = services_of(request)
    refuse_cross_site(request, services.config.server.public_url)
    with refusals_recorded(request):
        person = await _first(services, body, address_of(request))
        for grant in person.grants:
            await services.audit.granted(person, Action.GRANT, person.username, grant, "by the set-up code")
        return await come_in(request, response, person)


async def _first(services: Services, body: SetupIn, address: str) -> Person:
    try:
        return await services.setup.use(body.code, body.username, body.display_name, body.password, address=address)
    except SetupClosedError:
        raise HTTPException(404) from None
    except WrongSetupCodeError as error:
        services.audit.sign_in_refused(address, "set-up-code")
        raise ProblemError(WRONG_SIGN_IN, str(error)) from None
    except PersonRuleError as error:
        raise wrong_field(error) from None
