"""The door for people whom the city's directory knows: there and back, and who they are here."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from auth.errors import PersonRuleError, ThrottledError, UnknownPersonError
from auth.invitations import checked_wish
from auth.model import Person, SignIn
from auth.oidc import (
    Attempt,
    ClaimRule,
    Identity,
    OidcError,
    OidcSettings,
    attempt_of,
    authorization_address,
    check_answer,
    identity_of,
    new_attempt,
    rule_for,
    wish_for,
)
from auth.oidc_client import OidcClient
from auth.oidc_records import IdentityRecords
from auth.service import AuthService, utc_now
from auth.throttle import AddressThrottle

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

log = logging.getLogger(__name__)


class NobodyHereError(OidcError):
    """The directory knows them, and this service does not let them in."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Nobody here belongs to this account of the directory: {why}.")


class CitySignIn:
    """Sign-ins by one directory. Made and used on one event loop; `close` it."""

    def __init__(
        self,
        settings: OidcSettings,
        auth: AuthService,
        sessions: sessionmaker[Session],
        *,
        client: OidcClient | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._auth = auth
        self._records = IdentityRecords(sessions)
        self._client = client or OidcClient(settings)
        self._clock = clock
        self._steady = steady
        self._throttle = AddressThrottle()

    async def start(self) -> tuple[str, Attempt]:
        """Where the browser goes, and what it has to keep until it comes back; OidcError."""
        attempt = new_attempt()
        return authorization_address(await self._client.provider(), self._settings, attempt), attempt

    async def finish(
        self, parameters: Mapping[str, str], cookie: str | None, *, address: str = "", device: str = ""
    ) -> tuple[str, SignIn]:
        """Sign in whom the directory's answer speaks of; OidcError for an answer that is not to be believed.

        WrongSignInError when the account here is closed, ThrottledError after too many wrong answers from an address.
        """
        wait_s = self._throttle.wait_s(address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        # Before anything is counted: any page can make a browser come here with an answer that it never asked for.
        attempt = attempt_of(cookie, parameters.get("state"))
        try:
            person = await self._answered(parameters, attempt)
        except OidcError:
            self._throttle.failed(address, self._steady())  # each has cost the directory a question
            raise
        return await self._auth.let_in(person.username, address, device)

    async def _answered(self, parameters: Mapping[str, str], attempt: Attempt) -> Person:
        code = check_answer(parameters, await self._client.provider(), self._settings.issuer)
        token = await self._client.redeem(code, attempt)
        return await self._person(await self._identity(token, attempt.nonce))

    async def _identity(self, token: str, nonce: str) -> Identity:
        provider = await self._client.provider()
        try:
            return identity_of(token, await self._client.keys(), provider, self._settings, nonce, self._clock())
        except OidcError:
            # Perhaps signed with a key that is newer than what we know.
            keys = await self._client.keys(again=True)
            return identity_of(token, keys, provider, self._settings, nonce, self._clock())

    async def _person(self, identity: Identity) -> Person:
        """Whom the directory speaks of; somebody new where a rule says so."""
        settings = self._settings
        known = await asyncio.to_thread(self._records.person, settings.issuer, identity.subject)
        rule = None if settings.invite_only else rule_for(identity, settings.rules)
        if not settings.invite_only and rule is None:
            # Also whoever came before: the directory took them out.
            raise NobodyHereError(f"no rule names a value of theirs in {settings.claim!r}")
        if known is not None:
            return known
        if rule is None:
            person = await self._invited(identity)
        else:
            person = await self._new(identity, rule)
        now = self._clock()
        if not await asyncio.to_thread(self._records.link, person.id, settings.issuer, identity.subject, now):
            raise NobodyHereError("the person of that name belongs to another account of it")
        log.info("%s was linked to their account of the directory", person.username)
        return person

    async def _new(self, identity: Identity, rule: ClaimRule) -> Person:
        try:
            wish = checked_wish(wish_for(identity, rule))
            return await self._auth.create_person(
                wish.username or "",
                secrets.token_urlsafe(32),  # nobody knows it: they come by the directory
                role=wish.role,
                areas=wish.areas,
                display_name=wish.display_name,
            )
        except PersonRuleError as error:  # the name is somebody else's: it is never simply taken for theirs
            raise NobodyHereError(f"their {error.field} cannot be used here") from None

    async def _invited(self, identity: Identity) -> Person:
        """Somebody who is here already under their subject, or under an address that the directory has verified."""
        names = [identity.subject] + ([identity.email] if identity.email_verified else [])
        for name in names:
            try:
                person = await self._auth.person(name)
            except (UnknownPersonError, PersonRuleError):
                continue
            # A subject is compared exactly (OpenID Connect Core 1.0, 2): "Sari" and "sari" are two people there.
            if not person.disabled and (name != identity.subject or person.username == name):
                return person
        raise NobodyHereError("they were not invited under its address")

    async def close(self) -> None:
        """End connections."""
        await self._client.close()
