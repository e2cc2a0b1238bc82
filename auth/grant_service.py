"""The door to grants and roles, beside AuthService: giving, approving, taking, and editing what roles bring.

    grants = Grants(auth)
    await grants.give("rina", GrantWish(role="official", areas=("31.71",), reason="Plt. Camat"), granter=me)
    await grants.revoke("rina", grant_id, granter=me)

`granter` is a `Granter` (who, now, and how to find cameras); None stands for the command line of the machine itself,
which may do everything and needs no second person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth.checks import normalise_username
from auth.grant_records import GrantRecords
from auth.granting import check_approval, check_growth
from auth.grants import checked_wish
from auth.whole_city import second_look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auth.grant_records import Holders
    from auth.granting import Granter
    from auth.grants import Grant, GrantWish
    from auth.roles import Role
    from auth.service import AuthService
    from auth.whole_city import Grantee

COMMAND_LINE = "command line"


class Grants:
    """Grants and roles of the people of an AuthService; what changes is announced like everything about people."""

    def __init__(self, auth: AuthService) -> None:
        self._auth = auth
        self._records = GrantRecords(auth.sessions)

    async def give(self, username: str, wish: GrantWish, granter: Granter | None) -> Grant:
        """Grant it; what `second_look` names waits for a second person.

        PersonRuleError, UnknownPersonError, or MayNotGrantError with why not.
        """
        now = self._auth.now()
        checked = checked_wish(wish, now)

        def judge(grant: Grant, grantee: Grantee) -> bool:
            if granter is None:
                return False
            granter.check(grant)
            return second_look(grant, grantee, now, granter.territory) is not None

        name = COMMAND_LINE if granter is None else granter.person.username
        return await self._auth.change(
            lambda: self._records.add_grant(normalise_username(username), checked, name, now, judge)
        )

    async def approve(self, username: str, grant_id: str, approver: Granter | None) -> Grant:
        """Make a waiting grant valid, as its second person; nothing happens when it is already.

        UnknownGrantError, or MayNotGrantError with why not.
        """

        def judge(grant: Grant, grantee_id: str) -> None:
            if approver is not None:
                check_approval(grant, grantee_id, approver)

        name = COMMAND_LINE if approver is None else approver.person.username
        return await self._auth.change(
            lambda: self._records.approve_grant(normalise_username(username), grant_id, name, self._auth.now(), judge)
        )

    async def revoke(self, username: str, grant_id: str, granter: Granter | None) -> Grant:
        """Take a grant away for good, at once; returns what it was. UnknownGrantError, MayNotGrantError."""

        def judge(grant: Grant) -> None:
            if granter is not None:
                granter.check_taking(grant)

        return await self._auth.change(
            lambda: self._records.remove_grant(normalise_username(username), grant_id, self._auth.now(), judge)
        )

    async def roles(self) -> Mapping[str, Role]:
        """The roles by name."""
        return await self._auth.read(self._records.roles)

    async def set_role(self, name: str, role: Role, granter: Granter | None) -> None:
        """Make a role or change what it brings, to everybody who has it, at once.

        PersonRuleError, or MayNotGrantError with why not: so when it would bring more by a grant that needs a second
        person.
        """

        def judge(old: Role | None, holders: Holders) -> None:
            if granter is not None:
                granter.check_role(name, role, old)
                check_growth(holders, granter.now, granter.territory)

        await self._auth.change(lambda: self._records.set_role(name, role, self._auth.now(), judge))
