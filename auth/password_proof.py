"""Judging a given password: slowed when others before it were wrong, and no faster for nobody than for somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from auth.checks import account_key
from auth.errors import ThrottledError, WrongSignInError

if TYPE_CHECKING:
    from auth.passwords import Passwords
    from auth.records import Credentials
    from auth.throttle import Throttle


class PasswordProof:
    """`credentials` finds what a normalised name is judged by; `steady` gives growing seconds. On one event loop."""

    def __init__(
        self,
        credentials: Callable[[str], Awaitable[Credentials | None]],
        passwords: Passwords,
        throttle: Throttle,
        steady: Callable[[], float],
    ) -> None:
        self._credentials = credentials
        self._passwords = passwords
        self._throttle = throttle
        self._steady = steady

    async def prove(self, username: str, password: str, address: str) -> Credentials:
        """What the right password was judged by; WrongSignInError or ThrottledError. About 0.1 s of hashing."""
        account = account_key(username)
        self._refuse_throttled(account, address)
        async with self._passwords.slot():
            # Asked again: while this one stood in line, others before it may have been wrong.
            self._refuse_throttled(account, address)
            return await self._judge(account, password, address)

    def succeeded(self, username: str, address: str) -> None:
        """This person proved themselves at this address in full: guesses from elsewhere no longer slow them here."""
        self._throttle.succeeded(account_key(username), address, self._steady())

    async def _judge(self, account: str, password: str, address: str) -> Credentials:
        try:
            judged = await self._credentials(account)
            right = await self._passwords.verify(judged.password_hash if judged else None, password)
        except asyncio.CancelledError:
            self._throttle.failed(account, address, self._steady())  # hanging up early must not make a guess free
            raise
        if judged is None or judged.disabled or not right:
            self._throttle.failed(account, address, self._steady())
            raise WrongSignInError
        return judged

    def _refuse_throttled(self, account: str, address: str) -> None:
        wait_s = self._throttle.wait_s(account, address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
