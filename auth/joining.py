"""The door to one-time links: making, listing, withdrawing and using them.

    joining = Joining(auth, store.sessions)
    secret, invitation = await joining.invite(wish, maker, 72 * 3600)     # the link is made of the secret
    token, sign_in = await joining.accept(secret, "a long password", username="sari", address="203.0.113.9")

A proof other than a password (a passkey) uses `claimed`, does its own work in the block, and then `auth.let_in`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auth import tokens
from auth.errors import PersonRuleError, ThrottledError, UnknownPersonError
from auth.invitation_records import InvitationRecords, NewInvitation, Notice
from auth.invitations import (
    Invitation,
    InvitationKind,
    UnknownInvitationError,
    Wish,
    check_life,
    checked_wish,
    holds_still,
    may_invite,
    may_recover,
)
from auth.model import Person, SignIn
from auth.policy import manages
from auth.service import AuthService, utc_now
from auth.throttle import AddressThrottle

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

RECOVERED = "recovered"


class Joining:
    """Invitations and recoveries. `maker` None is the command line. Made and used on one event loop."""

    def __init__(
        self,
        auth: AuthService,
        sessions: sessionmaker[Session],
        *,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self._records = InvitationRecords(sessions)
        self._throttle = AddressThrottle()
        self._clock = clock
        self._steady = steady

    async def invite(self, wish: Wish, maker: Person | None, life_s: float) -> tuple[str, Invitation]:
        """The secret of a new invitation, said this once, and what was stored.

        Raises:
            PersonRuleError: the wish is not allowed, or the username is taken.
            UnknownPersonError: such a person would not be the maker's to look after.
            TooManyInvitationsError: too many of the maker's links are unused.
        """
        wish = checked_wish(wish)
        if not may_invite(maker, wish.person()):
            raise UnknownPersonError(wish.username or wish.display_name)
        if wish.username is not None and await self._is_taken(wish.username):
            raise PersonRuleError("username", f"There is already somebody called {wish.username!r}.")
        return await self._make(InvitationKind.INVITATION, wish, None, maker, life_s)

    async def recover(self, username: str, maker: Person | None, life_s: float) -> tuple[str, Invitation]:
        """The secret of a link with which this person sets a new password; earlier ones end.

        UnknownPersonError when there is nobody, or nobody whom the maker may help so.
        """
        person = await self._auth.person(username)
        if not may_recover(maker, person):
            raise UnknownPersonError(person.username)
        if person.disabled:
            raise PersonRuleError("username", f"The account of {person.username!r} is closed; open it first.")
        return await self._make(InvitationKind.RECOVERY, None, person, maker, life_s)

    async def _make(
        self, kind: InvitationKind, wish: Wish | None, person: Person | None, maker: Person | None, life_s: float
    ) -> tuple[str, Invitation]:
        now, secret = self._clock(), tokens.new_token()
        new = NewInvitation(
            secret_sha256=_digest(secret),
            kind=kind,
            wish=wish,
            person_id=person.id if person else None,
            maker_id=maker.id if maker else None,
            now=now,
            expires_at=now + timedelta(seconds=check_life(life_s)),
        )
        return secret, await asyncio.to_thread(self._records.add, new)

    async def pending(self, viewer: Person | None) -> list[Invitation]:
        """The unused links for people whom the viewer looks after, newest first."""
        found = await asyncio.to_thread(self._records.pending, self._clock())
        return [one for one in found if viewer is None or manages(viewer, one.concerns)]

    async def withdraw(self, invitation_id: str, viewer: Person | None) -> None:
        """End an unused link; UnknownInvitationError when the viewer knows of none with this id."""
        if all(one.id != invitation_id for one in await self.pending(viewer)):
            raise UnknownInvitationError
        await asyncio.to_thread(self._records.remove, invitation_id)

    # -- using -----------------------------------------------------------------------------------------------------

    async def look(self, secret: str, address: str) -> Invitation:
        """What the link with this secret is for; UnknownInvitationError, ThrottledError after wrong ones."""
        return await self._judged(self._records.look, secret, address)

    @asynccontextmanager
    async def claimed(self, secret: str, address: str) -> AsyncIterator[Invitation]:
        """The link with this secret, used by the block alone; a block that ends in PersonRuleError has not used it."""
        invitation = await self._judged(self._records.claim, secret, address)
        try:
            yield invitation
        except PersonRuleError:
            # Only here is it sure that nothing was done: after any other failure the link stays used.
            await asyncio.to_thread(self._records.release, invitation.id)
            raise

    async def accept(
        self, secret: str, password: str, *, username: str | None = None, address: str = "", device: str = ""
    ) -> tuple[str, SignIn]:
        """Use a link with a password, and be signed in. `username` where the invitation leaves it open.

        Raises:
            UnknownInvitationError: the link does not hold.
            ThrottledError: too many wrong links from this address.
            PersonRuleError: password or username are not allowed; the link still holds.
        """
        async with self.claimed(secret, address) as invitation:
            if invitation.wish is None:
                name = await self._recovered(invitation, password)
            else:
                name = await self._joined(invitation.wish, username, password)
        return await self._auth.let_in(name, address, device)

    async def _joined(self, wish: Wish, username: str | None, password: str) -> str:
        name = wish.username or username
        if name is None:
            raise PersonRuleError("username", "Choose a username.")
        person = await self._auth.create_person(
            name,
            password,
            role=wish.role,
            areas=wish.areas,
            display_name=wish.display_name,
            organisation=wish.organisation,
        )
        return person.username

    async def _recovered(self, invitation: Invitation, password: str) -> str:
        person, maker = invitation.concerns, invitation.maker
        await self._auth.set_password(person.username, password)
        by = "" if maker is None else maker.display_name
        await asyncio.to_thread(self._records.tell, person.id, RECOVERED, by, self._clock())
        return person.username

    async def _judged(self, ask: Callable[[str, datetime], Invitation], secret: str, address: str) -> Invitation:
        wait_s = self._throttle.wait_s(address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        try:
            invitation = await asyncio.to_thread(ask, _digest(secret), self._clock())
        except UnknownInvitationError:
            self._throttle.failed(address, self._steady())
            raise
        if not holds_still(invitation):
            raise UnknownInvitationError
        return invitation

    async def _is_taken(self, username: str) -> bool:
        try:
            await self._auth.person(username)
        except UnknownPersonError:
            return False
        return True

    # -- notices ---------------------------------------------------------------------------------------------------

    async def notices(self, person: Person) -> list[Notice]:
        """What this person has to be told."""
        return await asyncio.to_thread(self._records.notices, person.id)

    async def read(self, person: Person, notice_id: str) -> None:
        """The person has read it."""
        await asyncio.to_thread(self._records.read, person.id, notice_id)


def _digest(secret: str) -> str:
    found = tokens.digest(secret)
    if found is None:
        raise UnknownInvitationError
    return found
