"""The door for people whom the city's directory knows: there and back, and who they are here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auth.errors import PersonRuleError, ThrottledError, UnknownPersonError
from auth.grants import GrantWish, checked_wish
from auth.model import Person
from auth.oidc import (
    Attempt,
    Identity,
    attempt_of,
    authorization_address,
    check_answer,
    identity_of,
    new_attempt,
    rule_for,
    username_for,
    wish_for,
)
from auth.oidc_client import OidcClient
from auth.oidc_records import DIRECTORY, IdentityRecords
from auth.oidc_settings import OidcError, OidcSettings
from auth.service import AuthService, utc_now
from auth.throttle import AddressThrottle

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from auth.grants import Grant

log = logging.getLogger(__name__)


class NobodyHereError(OidcError):
    """The directory knows them, and this service does not let them in."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Nobody here belongs to this account of the directory: {why}.")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom the directory vouches for, and what they were given and lost here because of what it says now."""

    person: Person
    given: tuple[Grant, ...] = ()
    taken: tuple[Grant, ...] = ()


class CitySignIn:
    """Sign-ins by one directory, which `client` asks. Made and used on one event loop; `close` it and so the client."""

    def __init__(
        self,
        settings: OidcSettings,
        auth: AuthService,
        sessions: sessionmaker[Session],
        client: OidcClient,
        *,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._auth = auth
        self._records = IdentityRecords(sessions)
        self._client = client
        self._clock = clock
        self._steady = steady
        self._throttle = AddressThrottle()

    async def start(self) -> tuple[str, Attempt]:
        """Where the browser goes, and what it has to keep until it comes back; OidcError."""
        attempt = new_attempt()
        return authorization_address(await self._client.provider(), self._settings, attempt), attempt

    async def finish(self, parameters: Mapping[str, str], cookie: str | None, *, address: str = "") -> Arrival:
        """Whom the directory's answer speaks of; OidcError for an answer that is not to be believed.

        ThrottledError after too many wrong answers from an address.
        """
        wait_s = self._throttle.wait_s(address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        # Before anything is counted: any page can make a browser come here with an answer that it never asked for.
        attempt = attempt_of(cookie, parameters.get("state"))
        try:
            return await self._answered(parameters, attempt)
        except OidcError:
            self._throttle.failed(address, self._steady())  # each has cost the directory a question
            raise

    async def _answered(self, parameters: Mapping[str, str], attempt: Attempt) -> Arrival:
        code = check_answer(parameters, await self._client.provider(), self._settings.issuer)
        token = await self._client.redeem(code, attempt)
        return await self._arrived(await self._identity(token, attempt.nonce))

    async def _identity(self, token: str, nonce: str) -> Identity:
        provider = await self._client.provider()
        try:
            return identity_of(token, await self._client.keys(), provider, self._settings, nonce, self._clock())
        except OidcError:
            # Perhaps signed with a key that is newer than what we know.
            keys = await self._client.keys(again=True)
            return identity_of(token, keys, provider, self._settings, nonce, self._clock())

    async def _arrived(self, identity: Identity) -> Arrival:
        """Whom the directory speaks of, with what it says of them today; somebody new where a rule says so."""
        settings, now = self._settings, self._auth.now()
        person = await asyncio.to_thread(self._records.person, settings.issuer, identity.subject)
        rule = None if settings.invite_only else rule_for(identity, settings.rules)
        wish = None if rule is None else checked_wish(wish_for(rule, settings.claim), now)
        given: list[Grant] = []
        taken: list[Grant] = []
        if person is not None:
            known = person
            given, taken = await self._auth.change(lambda: self._records.follow(known.id, wish, now))
        if not settings.invite_only and wish is None:
            # Also whoever came before: the directory took them out, and what it gave them is gone.
            raise NobodyHereError(f"no rule names a value of theirs in {settings.claim!r}")
        if person is None:
            person = await self._linked(await self._found(identity, wish), identity)
            given = [grant for grant in person.grants if grant.granter == DIRECTORY]
        return Arrival(person, tuple(given), tuple(taken))

    async def _found(self, identity: Identity, wish: GrantWish | None) -> Person:
        return await self._invited(identity) if wish is None else await self._new(identity, wish)

    async def _linked(self, person: Person, identity: Identity) -> Person:
        issuer, now = self._settings.issuer, self._auth.now()
        if not await self._auth.change(lambda: self._records.link(person.id, issuer, identity.subject, now)):
            raise NobodyHereError("the person of that name belongs to another account of it")
        log.info("%s was linked to their account of the directory", person.username)
        return person

    async def _new(self, identity: Identity, wish: GrantWish) -> Person:
        username = username_for(identity)
        try:
            return await self._auth.create_person(
                username,
                None,  # they come by the directory
                role=wish.role,
                areas=wish.areas,
                display_name=identity.name or username,
                reason=wish.reason,
                granter=DIRECTORY,
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
