"""The door to one-time links: making, listing, withdrawing and using them.

    joining = Joining(auth, store.sessions, territory)
    secret, invitation = await joining.invite(wish, maker, 72 * 3600)     # the link is made of the secret
    person, invitation = await joining.accept(secret, "a long password", username="sari", address="203.0.113.9")

Using a link and what comes of it are one transaction: whatever fails, the link still holds and nothing was made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auth import tokens
from auth.errors import PersonRuleError, ThrottledError, UnknownPersonError
from auth.grant_service import COMMAND_LINE
from auth.granting import Granter, MayNotGrantError
from auth.invitation_records import InvitationRecords, NewInvitation, Notice
from auth.invitations import (
    Invitation,
    InvitationKind,
    MakerMayNotError,
    UnknownInvitationError,
    Wish,
    check_inviting,
    check_life,
    check_recovering,
    checked_invitation,
    may_know,
)
from auth.model import Person, Territory
from auth.service import AuthService, utc_now
from auth.throttle import AddressThrottle
from auth.whole_city import Grantee, SecondLook, second_look

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from auth.grants import Grant

RECOVERED = "recovered"
_NOWHERE = Territory(frozenset())  # enough for the command line, which is not judged


class Joining:
    """Invitations and recoveries. `maker` None is the command line. Made and used on one event loop."""

    def __init__(
        self,
        auth: AuthService,
        sessions: sessionmaker[Session],
        territory: Territory = _NOWHERE,
        *,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self._records = InvitationRecords(sessions)
        self._territory = territory
        self._addresses = AddressThrottle()
        self._names = AddressThrottle()  # by link: many addresses try no more names than one
        self._clock = clock
        self._steady = steady

    # -- making ----------------------------------------------------------------------------------------------------

    async def invite(self, wish: Wish, maker: Person | None, life_s: float) -> tuple[str, Invitation]:
        """The secret of a new invitation, said this once, and what was stored.

        Raises:
            PersonRuleError: the wish is not allowed, or the username is taken.
            MayNotGrantError: the maker could not grant this themselves; with why not.
            TooManyInvitationsError: too many of the maker's links are unused.
        """
        wish = checked_invitation(wish, self._clock())
        granter = self._granter(maker)
        # First of all: who may not invite learns nothing about names.
        wished = await asyncio.to_thread(self._records.wished_grant, wish, self._clock())
        check_inviting(granter, wished, wish.organisation)
        if wish.username is not None and await self._is_taken(wish.username):
            raise PersonRuleError("username", f"There is already somebody called {wish.username!r}.")
        return await self._make(InvitationKind.INVITATION, wish, None, maker, life_s)

    async def why_it_waits(self, invitation: Invitation) -> SecondLook | None:
        """Why what an invitation gives waits for a second person, as things are now; None when it does not."""
        wish = invitation.wish
        if wish is None or invitation.maker is None:
            return None
        now = self._clock()
        wished = await asyncio.to_thread(self._records.wished_grant, wish, now)
        grantee = Grantee(organisation=wish.organisation)
        return None if wished is None else second_look(wished, grantee, now, self._territory)

    async def recover(self, username: str, maker: Person | None, life_s: float) -> tuple[str, Invitation]:
        """The secret of a link with which this person sets a new password; earlier ones end.

        Raises:
            UnknownPersonError: there is nobody of this name.
            MayNotGrantError: nobody whom the maker may help so; with why not.
            PersonRuleError: the account is closed.
        """
        person = await self._auth.person(username)
        check_recovering(self._granter(maker), person)
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

    def _granter(self, maker: Person | None) -> Granter | None:
        return None if maker is None else Granter(maker, self._clock(), self._territory)

    async def pending(self, viewer: Person | None) -> list[Invitation]:
        """The unused links that the viewer may know of, newest first; None: all."""
        now = self._clock()
        found = await asyncio.to_thread(self._records.pending, now)
        return [one for one in found if viewer is None or may_know(viewer, one, now, self._territory)]

    async def withdraw(self, invitation_id: str, viewer: Person | None) -> None:
        """End an unused link; UnknownInvitationError when the viewer knows of none with this id."""
        if all(one.id != invitation_id for one in await self.pending(viewer)):
            raise UnknownInvitationError
        await asyncio.to_thread(self._records.remove, invitation_id)

    # -- using -----------------------------------------------------------------------------------------------------

    async def look(self, secret: str, address: str) -> Invitation:
        """What the link with this secret is for.

        UnknownInvitationError, MakerMayNotError, ThrottledError after wrong ones.
        """
        wait_s = self._addresses.wait_s(address, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        try:
            invitation = await asyncio.to_thread(self._records.look, _digest(secret), self._clock())
        except UnknownInvitationError:
            self._addresses.failed(address, self._steady())
            raise
        await asyncio.to_thread(self._check, invitation)
        return invitation

    async def accept(
        self, secret: str, password: str, *, username: str | None = None, address: str = ""
    ) -> tuple[Person, Invitation]:
        """Use a link with a password; whose it was then, and the link. `username` where the invitation leaves it open.

        Raises:
            UnknownInvitationError: the link does not hold.
            MakerMayNotError: its maker could not make it now; nothing was done.
            ThrottledError: too many wrong links from this address, or too many taken names by this link.
            PersonRuleError: password or username are not allowed; the link still holds.
        """
        invitation = await self.look(secret, address)
        use = _Use(self._records, _digest(secret), self._clock(), self._territory)
        if invitation.wish is None:
            name = await self._recovered(invitation, password, use)
        else:
            name = await self._joined(invitation, invitation.wish, username, password, use)
        return await self._auth.person(name), invitation

    async def _joined(self, invitation: Invitation, wish: Wish, username: str | None, password: str, use: _Use) -> str:
        name = wish.username or username
        if name is None:
            raise PersonRuleError("username", "Choose a username.")
        wait_s = self._names.wait_s(invitation.id, self._steady())
        if wait_s > 0.0:
            raise ThrottledError(wait_s)
        try:
            person = await self._auth.create_person(
                name,
                password,
                role=wish.role,
                areas=wish.areas,
                display_name=wish.display_name,
                organisation=wish.organisation,
                reason=wish.grant().reason,
                granter=COMMAND_LINE if invitation.maker is None else invitation.maker.username,
                admission=use,
            )
        except PersonRuleError as error:
            if error.field == "username":
                self._names.failed(invitation.id, self._steady())
            raise
        return person.username

    async def _recovered(self, invitation: Invitation, password: str, use: _Use) -> str:
        if invitation.person is None:
            raise RuntimeError("a recovery of nobody was stored")
        await self._auth.set_password(invitation.person.username, password, admission=use)
        return invitation.person.username

    def _check(self, invitation: Invitation) -> None:
        wish, now = invitation.wish, self._clock()
        grant = None if wish is None else self._records.wished_grant(wish, now)
        check_still(invitation, grant, now, self._territory)

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


class _Use:
    """One use of a link, within the transaction of what it is for (`auth.records.Admission`)."""

    def __init__(self, records: InvitationRecords, secret_sha256: str, now: datetime, territory: Territory) -> None:
        self._records = records
        self._secret_sha256 = secret_sha256
        self._now = now
        self._territory = territory
        self._maker: Granter | None = None
        self._organisation = ""

    def begin(self, session: Session) -> None:
        """Claim the link and ask its maker's rights as they are now."""
        invitation = self._records.claim(session, self._secret_sha256, self._now)
        self._organisation = "" if invitation.wish is None else invitation.wish.organisation
        if invitation.maker is not None:
            self._maker = Granter(invitation.maker, self._now, self._territory)
        if invitation.person is not None:
            check_still(invitation, None, self._now, self._territory)
            by = "" if invitation.maker is None else invitation.maker.display_name
            self._records.tell(session, invitation.person.id, RECOVERED, by, self._now)
        elif not (invitation.wish and invitation.wish.areas):
            check_still(invitation, None, self._now, self._territory)

    def waits(self, grant: Grant) -> bool:
        """Whether what somebody new gets waits for a second person."""
        try:
            return check_inviting(self._maker, grant, self._organisation)
        except MayNotGrantError:
            raise MakerMayNotError from None


def check_still(invitation: Invitation, grant: Grant | None, now: datetime, territory: Territory) -> None:
    """MakerMayNotError unless the maker could make this link as things are; UnknownInvitationError of a closed account.

    `grant`: what an invitation would give.
    """
    maker = None if invitation.maker is None else Granter(invitation.maker, now, territory)
    person = invitation.person
    if person is not None and person.disabled:
        raise UnknownInvitationError
    try:
        if person is None:
            check_inviting(maker, grant, "" if invitation.wish is None else invitation.wish.organisation)
        else:
            check_recovering(maker, person)
    except MayNotGrantError:
        raise MakerMayNotError from None


def _digest(secret: str) -> str:
    found = tokens.digest(secret)
    if found is None:
        raise UnknownInvitationError
    return found
