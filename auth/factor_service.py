"""The door to second factors and fresh proofs: sign-in in two steps, authenticator apps, recovery codes, step-up.

    token, sign_in = await factors.sign_in("sari", "a long password", address)   # SecondFactorPendingError
    token, sign_in = await factors.second_factor(error.pending, "123456", address)
    await factors.step_up_by_code("123456", sign_in, address)                 # fresh for ten minutes

Made and used on one event loop; the database is reached on threads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.checks import account_key
from auth.errors import (
    AuthUnavailableError,
    NoTotpError,
    PendingOverError,
    SecondFactorNeededError,
    SecondFactorPendingError,
    ThrottledError,
    WrongCodeError,
    WrongProofError,
    WrongSignInError,
)
from auth.model import Person, SignIn, SignInKind
from auth.pending import Pending, PendingSignIns
from auth.proofs import Method
from auth.sealing import Sealer
from auth.second_factor import (
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_digest,
)
from auth.service import AuthService, utc_now
from auth.throttle import Limit, Throttle, ThrottleRules
from auth.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from auth.factor_records import FactorRecords, FactorsOf

_log = logging.getLogger(__name__)

# Six figures are a million, three of which are right at a time: slower than for passwords, also for a known address.
CODE_RULES = ThrottleRules(
    account=Limit(free=5, first_s=2.0, cap_s=900.0, forget_s=24 * 3600.0),
    known_pair=Limit(free=5, first_s=2.0, cap_s=300.0, forget_s=24 * 3600.0),
)


class Way(StrEnum):
    """A way to a fresh proof."""

    PASSKEY = "passkey"
    CODE = "code"
    PASSWORD = "password"  # noqa: S105  a word, not a secret


@dataclass(frozen=True, slots=True)
class NewTotp:
    """A secret to be set up in an authenticator app; shown to its owner only."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


class FactorService:
    """Second factors of people. `clock` gives aware UTC, `steady` growing seconds."""

    def __init__(
        self,
        auth: AuthService,
        records: FactorRecords,
        sealer: Sealer,
        *,
        throttle: Throttle | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self._records = records
        self._sealer = sealer
        self._throttle = throttle or Throttle(CODE_RULES)
        self._clock = clock
        self._steady = steady
        self._pending = PendingSignIns()
        self._turns = Turns()

    # -- signing in ------------------------------------------------------------------------------------------------

    async def sign_in(
        self, username: str, password: str, address: str, kind: SignInKind = SignInKind.BROWSER
    ) -> tuple[str, SignIn]:
        """As `AuthService.sign_in`; SecondFactorPendingError when a code is needed too."""
        try:
            return await self._auth.sign_in(username, password, address, kind)
        except SecondFactorNeededError as error:
            pending = Pending(error.judged, account_key(username), kind, self._steady())
            raise SecondFactorPendingError(self._pending.add(pending)) from None

    async def admit(self, person: Person, address: str) -> tuple[str, SignIn]:
        """A sign-in of somebody who has just set their password; SecondFactorPendingError when a code is needed too."""
        try:
            return await self._auth.admit(person.id, Method.PASSWORD, address)
        except SecondFactorNeededError as error:
            pending = Pending(error.judged, person.username, SignInKind.BROWSER, self._steady())
            raise SecondFactorPendingError(self._pending.add(pending)) from None

    async def second_factor(self, secret: str, code: str, address: str) -> tuple[str, SignIn]:
        """The sign-in whose password was right before, when the code is too.

        Raises:
            PendingOverError: the half sign-in is over; begin with the password.
            WrongCodeError: try again.
            ThrottledError: too many wrong codes for this person or from this address.
        """
        pending = self._pending.try_one(secret, self._steady())
        if pending is None:
            raise PendingOverError
        try:
            method = await self._prove_code(pending.judged.person_id, code, address)
        except ThrottledError:
            pending.tries_left += 1  # nothing was judged; waiting must not cost the owner the password again
            raise
        if not self._pending.end(secret):  # another code was right at the same moment; one password, one sign-in
            raise PendingOverError
        try:
            return await self._auth.admit(
                pending.judged.person_id, method, address, pending.kind, judged=pending.judged
            )
        except WrongSignInError:  # closed, or another password since
            raise PendingOverError from None

    def whose(self, secret: str) -> str | None:
        """The username of a half sign-in, for the record; None when it is over."""
        return self._pending.whose(secret, self._steady())

    # -- a fresh proof ---------------------------------------------------------------------------------------------

    async def factors_of(self, person_id: str) -> FactorsOf:
        """What somebody has beside passkeys."""
        return await asyncio.to_thread(self._records.of_person, person_id)

    async def step_up_by_code(self, code: str, sign_in: SignIn, address: str) -> datetime:
        """A fresh proof by a code of the app or a recovery code; WrongCodeError, ThrottledError. Its time."""
        await self._prove_code(sign_in.person.id, code, address)
        return await self._auth.proved_again(sign_in)

    async def step_up_by_password(self, password: str, sign_in: SignIn, address: str) -> datetime:
        """A fresh proof by password, of somebody without a second factor; WrongProofError, ThrottledError. Its time."""
        if (await self.factors_of(sign_in.person.id)).totp:
            raise WrongProofError("Your password alone is not enough: give the code of your authenticator app.")
        await self.prove_password(password, sign_in, address)
        return await self._auth.proved_again(sign_in)

    async def prove_password(self, password: str, sign_in: SignIn, address: str) -> None:
        """Return when this is the password of the sign-in's person; WrongProofError, ThrottledError."""
        try:
            await self._auth.prove_password(sign_in.person.username, password, address)
        except WrongSignInError:
            raise WrongProofError("The password is wrong.") from None
        self._auth.succeeded(sign_in.person.username, address)

    # -- codes -----------------------------------------------------------------------------------------------------

    async def _prove_code(self, person_id: str, code: str, address: str) -> Method:
        self._refuse_throttled(person_id, address)
        async with self._turns.of(person_id):
            # Asked again: while this one waited for its turn, others before it may have been wrong.
            self._refuse_throttled(person_id, address)
            try:
                method = await self._judge_code(person_id, code)
            except asyncio.CancelledError:
                self._throttle.failed(person_id, address, self._steady())  # hanging up must not make a guess free
                raise
            if method is None:
                self._throttle.failed(person_id, address, self._steady())
                raise WrongCodeError
            self._throttle.succeeded(person_id, address, self._steady())
            return method

    async def _judge_code(self, person_id: str, code: str) -> Method | None:
        stored = await asyncio.to_thread(self._records.totp, person_id)
        if stored is None or not stored.confirmed:
            return None
        digest = recovery_digest(person_id, code)
        if digest is not None:
            return Method.RECOVERY_CODE if await asyncio.to_thread(self._records.use_code, person_id, digest) else None
        step = matching_step(self._unsealed(person_id, stored.sealed), code, self._clock().timestamp())
        if step is None or not await asyncio.to_thread(self._records.use_step, person_id, stored.sealed, step):
            return None
        return Method.TOTP

    def _refuse_throttled(self, person_id: str, address: str) -> None:
        wait_s = self._throttle.wait_s(person_id, address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)

    def _unsealed(self, person_id: str, sealed: str) -> str:
        try:
            return self._sealer.open(sealed, person_id)
        except ValueError as error:
            _log.error(
                "the TOTP secret of person %s cannot be opened (%s); restore the key file, or let them set it up anew "
                "with `camctl user totp-reset`", person_id, error,
            )  # fmt: skip
            raise AuthUnavailableError from error

    # -- one's own -------------------------------------------------------------------------------------------------

    async def begin_totp(self, sign_in: SignIn) -> NewTotp:
        """A secret to put into an authenticator app; counts after `confirm_totp`. NoTotpError when one is in use."""
        person, secret = sign_in.person, new_secret()
        sealed = self._sealer.seal(secret, person.id)
        await asyncio.to_thread(self._records.begin_totp, person.id, sealed, self._clock())
        return NewTotp(secret, provisioning_uri(secret, person.username))

    async def confirm_totp(self, code: str, sign_in: SignIn) -> list[str]:
        """Recovery codes, shown this once, when the code is the app's: from now on codes are asked for at sign-in.

        Raises:
            WrongCodeError: it is not.
            NoTotpError: nothing was begun.
        """
        person_id = sign_in.person.id
        stored = await asyncio.to_thread(self._records.totp, person_id)
        if stored is None or stored.confirmed:
            raise NoTotpError
        step = matching_step(self._unsealed(person_id, stored.sealed), code, self._clock().timestamp())
        if step is None:
            raise WrongCodeError
        codes = new_recovery_codes()
        await asyncio.to_thread(self._records.confirm_totp, person_id, stored.sealed, step, _digests(person_id, codes))
        return codes

    async def new_recovery_codes(self, sign_in: SignIn) -> list[str]:
        """Fresh recovery codes, shown this once; the older ones no longer work. NoTotpError without a second factor."""
        codes, person_id = new_recovery_codes(), sign_in.person.id
        await asyncio.to_thread(self._records.replace_codes, person_id, _digests(person_id, codes))
        return codes

    async def remove_totp(self, sign_in: SignIn) -> None:
        """Codes are no longer asked for; NoTotpError when they were not."""
        if not await asyncio.to_thread(self._records.remove, sign_in.person.id, self._clock()):
            raise NoTotpError


def _digests(person_id: str, codes: list[str]) -> list[str]:
    return [digest for code in codes if (digest := recovery_digest(person_id, code)) is not None]
