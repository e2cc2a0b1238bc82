"""Somebody's browser on its way to the city's directory and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from auth.city_sign_in import Arrival, CitySignIn
from auth.oidc_client import OidcClient
from auth.oidc_settings import ClaimRule, OidcSettings
from tests.support.directory import ISSUER, Directory
from tests.unit.auth.conftest import HOME

if TYPE_CHECKING:
    from auth.service import AuthService
    from camctl.store import Store
    from tests.unit.auth.conftest import Clocks

SECRET = "what-the-directory-gave"
RULES = (ClaimRule("camat-gambir", "official", ("31.71.01",)), ClaimRule("diskominfo", "admin", ("31",)))


def settings(**more: Any) -> OidcSettings:
    back = "https://cctv.example.go.id/api/v1/auth/oidc/callback"
    return OidcSettings(
        **{"issuer": ISSUER, "client_id": "camctl", "client_secret": SECRET, "redirect_uri": back, **more}
    )


class Browser:
    """Somebody who presses the button and comes back."""

    def __init__(self, directory: Directory, auth: AuthService, store: Store, clocks: Clocks, **more: Any) -> None:
        self.directory = directory
        client = OidcClient(settings(**more), directory.guard, transport=directory.transport, steady=clocks.steady)
        self.city = CitySignIn(settings(**more), auth, store.sessions, client, steady=clocks.steady)

    async def leaves(self) -> tuple[dict[str, str], str]:
        """What the directory is asked with, and the cookie."""
        address, attempt = await self.city.start()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.directory.nonce = asked["nonce"]
        return asked, attempt.text()

    async def signs_in(self, **more: str) -> Any:
        asked, cookie = await self.leaves()
        answer = {"code": "a-code", "state": asked["state"]} | more
        return (await self.arrives(answer, cookie)).person

    async def arrives(self, answer: dict[str, str], cookie: str) -> Arrival:
        return await self.city.finish(answer, cookie, address=HOME)

    async def comes(self, **claims: Any) -> Arrival:
        """Comes with these claims from now on, and what that changed here."""
        self.directory.claims |= claims
        asked, cookie = await self.leaves()
        return await self.arrives({"code": "a-code", "state": asked["state"]}, cookie)
