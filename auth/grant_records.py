"""Reading and writing grants and roles: short, synchronous transactions; the service calls them on its threads.

Every change is noted like one of the person's (`AuthChangeRow`), in the same transaction.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from auth.errors import PersonRuleError, UnknownGrantError
from auth.grants import Grant, GrantKind
from auth.roles import Capability, Role, ViewingRank
from auth.tables import EmergencyRow, GrantRow, PersonRow, RoleRow
from auth.whole_city import Grantee
from auth.windows import parse_window
from auth.writing import note, person_row, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session, sessionmaker

    from auth.grants import GrantWish
    from auth.writing import Change

    Holders = list[tuple[Grantee, Grantee]]

_ROLE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_KNOWN = {each.value for each in Capability}


def role_of(row: RoleRow) -> Role:
    """A stored role; capabilities that this program does not know (a newer one wrote them) count for nothing."""
    return Role(_capabilities(row.capabilities), row.priority, row.only_own, ViewingRank(row.viewing))


def _capabilities(stored: Iterable[str]) -> frozenset[Capability]:
    return frozenset(Capability(each) for each in stored if each in _KNOWN)


def grant_of(row: GrantRow) -> Grant:
    """A stored grant, with what its role brings now."""
    role = Role(frozenset(), None) if row.role is None else role_of(row.role)
    narrowed = None if row.capabilities is None else _capabilities(row.capabilities)
    if row.deny or row.kind == GrantKind.EMERGENCY:
        capabilities = narrowed or frozenset()
    else:
        capabilities = role.capabilities if narrowed is None else role.capabilities & narrowed
    return Grant(
        id=row.id,
        role=row.role_name or "",
        capabilities=capabilities,
        areas=tuple(row.areas),
        cameras=tuple(row.cameras),
        deny=row.deny,
        only_own=role.only_own,
        viewing=role.viewing,
        priority=role.priority if row.priority is None else row.priority,
        has_own_priority=row.priority is not None,
        window=None if row.window is None else parse_window(row.window),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        kind=GrantKind(row.kind),
        waits=row.waits,
        reason=row.reason,
        granter=row.granter,
        approver=row.approver,
        created=row.created,
    )


def new_row(wish: GrantWish, role: RoleRow | None, granter: str, now: datetime) -> GrantRow:
    """A wish (`checked_wish`) as a row."""
    return GrantRow(
        id=uuid.uuid4().hex,
        role_name=None if role is None else role.name,
        role=role,
        areas=list(wish.areas),
        cameras=list(wish.cameras),
        capabilities=None if wish.capabilities is None else sorted(wish.capabilities),
        deny=wish.deny,
        window=None if wish.window is None else str(wish.window),
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        priority=wish.priority,
        kind=GrantKind.STANDING.value,
        waits=False,
        reason=wish.reason,
        granter=granter,
        approver="",
        created=now,
    )


def role_row(session: Session, name: str | None) -> RoleRow | None:
    """The role of that name; PersonRuleError when there is none. None for none."""
    if name is None:
        return None
    # Whoever changes the role waits until this transaction is over, and then sees what was granted in it.
    row = session.get(RoleRow, name, with_for_update={"read": True})
    if row is None:
        known = ", ".join(session.scalars(select(RoleRow.name).order_by(RoleRow.name)))
        raise PersonRuleError("role", f"There is no role {name!r}; the roles are {known}.")
    return row


def checked_role(row: RoleRow | None, organisation: str, wish: GrantWish) -> None:
    """PersonRuleError when the role cannot be granted so."""
    if row is None or wish.deny:
        return
    if row.only_own and not organisation:
        raise PersonRuleError("organisation", "The organisation must not be empty.")
    if wish.capabilities is not None and not wish.capabilities <= role_of(row).capabilities:
        more = sorted(wish.capabilities - role_of(row).capabilities)
        raise PersonRuleError("capabilities", f"The role {row.name} does not include {', '.join(more)}.")


class GrantRecords:
    """The tables of grants and roles."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def add_grant(
        self, username: str, wish: GrantWish, granter: str, now: datetime, judge: Callable[[Grant, Grantee], bool]
    ) -> tuple[Grant, list[Change]]:
        """Store a grant; `judge` (with the grantee as they are) refuses by raising, and says whether it waits."""
        with writing(self._sessions) as session:
            person = person_row(session, username, lock=True)
            role = role_row(session, wish.role)
            checked_role(role, person.organisation, wish)
            row = new_row(wish, role, granter, now)
            row.waits = judge(grant_of(row), _grantee(person))
            person.grants.append(row)
            return grant_of(row), [note(session, person.id, now)]

    def approve_grant(
        self, username: str, grant_id: str, approver: str, now: datetime, judge: Callable[[Grant, str], None]
    ) -> tuple[Grant, list[Change]]:
        """End a grant's waiting; `judge` refuses that by raising."""
        with writing(self._sessions) as session:
            person, row = _find(session, username, grant_id)
            if row.waits:
                judge(grant_of(row), person.id)
                row.waits, row.approver = False, approver
            return grant_of(row), [note(session, person.id, now)]

    def remove_grant(
        self, username: str, grant_id: str, now: datetime, judge: Callable[[Grant], None]
    ) -> tuple[Grant, list[Change]]:
        """Delete a grant; `judge` refuses that by raising."""
        with writing(self._sessions) as session:
            person, row = _find(session, username, grant_id)
            grant = grant_of(row)
            judge(grant)
            person.grants.remove(row)
            _close_opening(session, grant, now)
            return grant, [note(session, person.id, now)]

    def roles(self) -> dict[str, Role]:
        """All roles, by name."""
        with self._sessions() as session:
            return {row.name: role_of(row) for row in session.scalars(select(RoleRow).order_by(RoleRow.name))}

    def set_role(
        self, name: str, role: Role, now: datetime, judge: Callable[[Role | None, Holders], None]
    ) -> tuple[None, list[Change]]:
        """Store what a role brings; a note for everybody who has it.

        `judge` (with what it brought, and everybody who has it as they are and as they would be) refuses by raising.
        """
        if not _ROLE_NAME.fullmatch(name):
            raise PersonRuleError("name", "A role's name has at most 32 letters a-z, digits or -; a letter first.")
        with writing(self._sessions) as session:
            row = session.get(RoleRow, name, with_for_update=True)
            old = None if row is None else role_of(row)
            having = _having(session, name)
            before = [_grantee(person) for person in having]
            if row is None:
                row = RoleRow(name=name)
                session.add(row)
            row.capabilities = sorted(role.capabilities)
            row.priority, row.only_own, row.viewing = role.priority, role.only_own, int(role.viewing)
            judge(old, list(zip(before, map(_grantee, having), strict=True)))
            return None, [note(session, person.id, now) for person in having]


def _having(session: Session, role: str) -> list[PersonRow]:
    """Everybody whom a grant, waiting ones included, gives the role."""
    ids = select(GrantRow.person_id).where(GrantRow.role_name == role)
    query = select(PersonRow).where(PersonRow.id.in_(ids)).order_by(PersonRow.username)
    return list(session.scalars(query.options(selectinload(PersonRow.grants))))


def _grantee(row: PersonRow) -> Grantee:
    return Grantee(row.username, row.organisation, tuple(grant_of(grant) for grant in row.grants))


def _close_opening(session: Session, grant: Grant, now: datetime) -> None:
    """What was opened in an emergency is closed when its grant is taken away."""
    if grant.kind is GrantKind.EMERGENCY:
        opening = update(EmergencyRow).where(EmergencyRow.grant_id == grant.id, EmergencyRow.closed_at.is_(None))
        session.execute(opening.values(closed_at=now))


def _find(session: Session, username: str, grant_id: str) -> tuple[PersonRow, GrantRow]:
    person = person_row(session, username, lock=True)
    for row in person.grants:
        if row.id == grant_id:
            return person, row
    raise UnknownGrantError(grant_id)
