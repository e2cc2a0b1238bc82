"""The door to passkeys: signing in by one, proving oneself anew, and looking after one's own.

    options = service.begin_sign_in(site, address)                     # for navigator.credentials.get
    token, sign_in = await service.sign_in(answer, address)            # PasskeyRefusedError, ThrottledError

Made and used on one event loop. The database is reached on threads; what an answer proves is `auth.passkeys`' to say.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auth.challenges import Challenge, Challenges, Purpose
from auth.checks import check_name
from auth.errors import PasskeyRefusedError, ThrottledError, WrongSignInError
from auth.model import SignIn, SignInKind
from auth.passkeys import (
    CHALLENGE_BYTES,
    StoredPasskey,
    adding_options,
    asking_options,
    challenge_in,
    credential_id_in,
    made,
    proved,
)
from auth.proofs import Method
from auth.service import AuthService, utc_now
from auth.throttle import Limit, Throttle, ThrottleRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auth.passkey_records import PasskeyInfo, PasskeyRecords
    from auth.sites import Site

_log = logging.getLogger(__name__)

# A passkey cannot be guessed: this spares work, and noise from an office's address must not keep the office out.
PASSKEY_RULES = ThrottleRules(address=Limit(free=50, cap_s=5.0))


class PasskeyService:
    """Passkeys of people. `clock` gives aware UTC, `steady` growing seconds."""

    def __init__(
        self,
        auth: AuthService,
        records: PasskeyRecords,
        *,
        challenges: Challenges | None = None,
        throttle: Throttle | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self._records = records
        self._challenges = challenges or Challenges()
        self._throttle = throttle or Throttle(PASSKEY_RULES)
        self._clock = clock
        self._steady = steady

    # -- signing in ------------------------------------------------------------------------------------------------

    def begin_sign_in(self, site: Site, address: str) -> dict[str, Any]:
        """What the browser asks its authenticators; nobody is named, so nothing tells who has an account."""
        return asking_options(site, self._challenge(Purpose.SIGN_IN, site, "", address))

    async def sign_in(
        self, answer: Mapping[str, Any], address: str, kind: SignInKind = SignInKind.BROWSER
    ) -> tuple[str, SignIn]:
        """A new token and sign-in; PasskeyRefusedError whatever is wrong, or ThrottledError with `retry_after_s`."""
        stored = await self._proved(answer, Purpose.SIGN_IN, "", address)
        try:
            return await self._auth.admit(stored.person_id, Method.PASSKEY, address, kind)
        except WrongSignInError:
            raise PasskeyRefusedError("its owner's account is closed") from None

    # -- a fresh proof ---------------------------------------------------------------------------------------------

    async def begin_step_up(self, site: Site, sign_in: SignIn, address: str) -> dict[str, Any] | None:
        """What the browser asks this person's authenticators; None when they have no passkey for this site."""
        known = await asyncio.to_thread(self._records.credential_ids, sign_in.person.id, site.rp_id)
        if not known:
            return None
        return asking_options(site, self._challenge(Purpose.STEP_UP, site, sign_in.session_id, address), known)

    async def step_up(self, answer: Mapping[str, Any], sign_in: SignIn, address: str) -> datetime:
        """A fresh proof by a passkey of this sign-in's person; errors as `sign_in`'s. Its time."""
        await self._proved(answer, Purpose.STEP_UP, sign_in.session_id, address, sign_in.person.id)
        return await self._auth.proved_again(sign_in)

    async def _proved(
        self, answer: Mapping[str, Any], purpose: Purpose, session_id: str, address: str, person_id: str | None = None
    ) -> StoredPasskey:
        credential_id = credential_id_in(answer)
        key = credential_id.hex()
        self._refuse_throttled(key, address)
        try:
            stored = await self._judge(answer, credential_id, purpose, session_id, person_id)
        except PasskeyRefusedError as error:
            self._throttle.failed(key, address, self._steady())
            _log.info("a passkey was refused: %s", error.why)
            raise
        self._throttle.succeeded(key, address, self._steady())
        return stored

    async def _judge(
        self,
        answer: Mapping[str, Any],
        credential_id: bytes,
        purpose: Purpose,
        session_id: str,
        person_id: str | None,
    ) -> StoredPasskey:
        challenge = self._challenges.take(challenge_in(answer), purpose, session_id, self._steady())
        stored = await asyncio.to_thread(self._records.by_credential, credential_id)
        if challenge is None or stored is None or person_id not in {None, stored.person_id}:
            raise PasskeyRefusedError("the challenge is not open, or the passkey is not one of this person's")
        sign_count = await asyncio.to_thread(proved, answer, challenge.value, challenge.site, stored)
        await asyncio.to_thread(self._records.used, stored.id, stored.sign_count, sign_count, self._clock())
        return stored

    def _refuse_throttled(self, key: str, address: str) -> None:
        wait_s = self._throttle.wait_s(key, address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)

    # -- one's own -------------------------------------------------------------------------------------------------

    async def begin_adding(self, site: Site, sign_in: SignIn, address: str) -> dict[str, Any]:
        """What the browser asks an authenticator for a new passkey; those of the person's that it has are named."""
        known = await asyncio.to_thread(self._records.credential_ids, sign_in.person.id, site.rp_id)
        challenge = self._challenge(Purpose.ADD, site, sign_in.session_id, address)
        return adding_options(site, sign_in.person, challenge, known)

    async def add(self, answer: Mapping[str, Any], name: str, sign_in: SignIn) -> PasskeyInfo:
        """Store the passkey that was made; PasskeyRefusedError, TooManyPasskeysError, PersonRuleError for its name."""
        label = check_name("name", name, required=True)
        challenge = self._challenges.take(challenge_in(answer), Purpose.ADD, sign_in.session_id, self._steady())
        if challenge is None:
            raise PasskeyRefusedError("the challenge is not open, or not this sign-in's")
        new = await asyncio.to_thread(made, answer, challenge.value, challenge.site)
        return await asyncio.to_thread(
            self._records.add, sign_in.person.id, challenge.site.rp_id, new, label, self._clock()
        )

    async def of_person(self, person_id: str) -> list[PasskeyInfo]:
        """Somebody's passkeys, oldest first."""
        return await asyncio.to_thread(self._records.of_person, person_id)

    async def rename(self, passkey_id: str, name: str, sign_in: SignIn) -> PasskeyInfo:
        """Another name for one's own; UnknownPasskeyError, PersonRuleError."""
        label = check_name("name", name, required=True)
        return await asyncio.to_thread(self._records.rename, sign_in.person.id, passkey_id, label)

    async def remove(self, passkey_id: str, sign_in: SignIn) -> None:
        """Remove one's own, and end one's other sign-ins by passkey; UnknownPasskeyError, LastWayInError."""
        now = self._clock()
        await asyncio.to_thread(self._records.remove, sign_in.person.id, passkey_id, now, sign_in.session_id)

    def _challenge(self, purpose: Purpose, site: Site, session_id: str, address: str) -> bytes:
        value = secrets.token_bytes(CHALLENGE_BYTES)
        self._challenges.add(Challenge(value, purpose, site, session_id, self._steady()), address)
        return value
