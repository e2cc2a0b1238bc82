"""The set-up code: while there is no administrator at all, whoever reads it on the machine's screen becomes the first.

It lives in this process only, as a digest; a new start makes a new code, and with that the old one is nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from auth.errors import AuthError, ThrottledError
from auth.grants import Grant
from auth.model import Person
from auth.policy import Standing
from auth.roles import Capability
from auth.service import AuthService, utc_now
from auth.throttle import AddressThrottle

LIFE_S: Final = 24 * 3600.0
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is read as something else; 4.9 bits each
_GROUPS, _GROUP_CHARS = 4, 4
FIRST_ROLE: Final = "admin"
SET_UP: Final = "set-up code"  # what stands as the granter; no username has a space


class SetupClosedError(AuthError):
    """There is an administrator, or the code's day is over: nothing can be set up this way."""

    def __init__(self) -> None:
        super().__init__("There is nothing to set up here.")


class WrongSetupCodeError(AuthError):
    """The code is not the one that was printed at the last start."""

    def __init__(self) -> None:
        super().__init__("The code is wrong; it is the one that the last start of the service printed.")


def new_code() -> str:
    """A fresh code such as K7QX-2MPA-94TR-HW3Z: 78 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)


def code_digest(code: str) -> bytes:
    """Under which a code is kept and compared: however it was typed, with or without hyphens, spaces and capitals."""
    plain = "".join(character for character in code.upper() if character in _ALPHABET)
    return hashlib.sha256(plain.encode("ascii")).digest()


def has_administrator(people: Iterable[Person], areas: Sequence[str], now: datetime) -> bool:
    """Whether anybody looks after people in all of these areas, at every hour and with no end.

    A closed account counts: `camctl user enable` opens it again.
    """
    return any(_administers(person, areas, now) for person in people)


def _administers(person: Person, areas: Sequence[str], now: datetime) -> bool:
    lasting = tuple(grant for grant in person.grants if grant.deny or _is_for_good(grant))
    standing = Standing(replace(person, grants=lasting, disabled=False), now)
    return bool(areas) and all(standing.holds_in(Capability.MANAGE_PEOPLE, area) for area in areas)


def _is_for_good(grant: Grant) -> bool:
    return grant.ends_at is None and grant.window is None


class SetupCode:
    """One code at most, good for one use within `LIFE_S`. `areas` are the tops of the tree: what the first one gets."""

    def __init__(
        self,
        auth: AuthService,
        areas: Sequence[str],
        *,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self.areas = tuple(areas)
        self._clock = clock
        self._steady = steady
        self._throttle = AddressThrottle()
        self._digest: bytes | None = None
        self._expires_at = clock()

    @property
    def is_open(self) -> bool:
        """Whether a code waits to be used."""
        return self._digest is not None and self._clock() < self._expires_at

    async def make(self) -> str | None:
        """A new code if there is no administrator, else None; said this once."""
        if await self._has_administrator():
            return None
        code = new_code()
        self._digest = code_digest(code)
        self._expires_at = self._clock() + timedelta(seconds=LIFE_S)
        return code

    async def use(self, code: str, username: str, display_name: str, password: str, *, address: str = "") -> Person:
        """Make the first administrator, for every area; the code is used up.

        Raises:
            SetupClosedError: there is nothing to set up.
            WrongSetupCodeError: or ThrottledError after too many from one address.
            PersonRuleError: name or password are not allowed; the code still holds.
        """
        digest = self._judged(code, address)
        self._digest = None  # taken before anything is waited for: of two requests one gets it
        try:
            await self._refuse_when_set_up()
            return await self._auth.create_person(
                username,
                password,
                role=FIRST_ROLE,
                areas=self.areas,
                display_name=display_name,
                reason="the first administrator",
                granter=SET_UP,
            )
        except SetupClosedError:
            raise
        except BaseException:
            # Hanging up too: nobody came of it, and if somebody did, the next look finds them.
            self._digest = digest
            raise

    async def _refuse_when_set_up(self) -> None:
        # Somebody may have come by the command line since the start.
        if await self._has_administrator():
            raise SetupClosedError

    async def _has_administrator(self) -> bool:
        return has_administrator(await self._auth.list_people(), self.areas, self._clock())

    def _judged(self, code: str, address: str) -> bytes:
        digest = self._digest
        if digest is None or not self.is_open:
            raise SetupClosedError
        wait_s = self._throttle.wait_s(address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        if not hmac.compare_digest(code_digest(code), digest):
            self._throttle.failed(address, self._steady())
            raise WrongSetupCodeError
        return digest
