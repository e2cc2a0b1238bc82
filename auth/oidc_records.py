"""Who is who at another directory, and what people were granted because it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from auth.errors import PersonRuleError
from auth.grant_records import checked_role, grant_of, new_row, role_row
from auth.records import person_of
from auth.tables import ExternalIdentityRow, GrantRow, PersonRow
from auth.transactions import Transactions
from auth.writing import note

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from auth.grants import Grant, GrantWish
    from auth.model import Person
    from auth.ways_in import Counter
    from auth.writing import Change

DIRECTORY: Final = "city directory"
"""What stands as the granter of what the directory says; no username has a space, so nobody can be called so."""


class IdentityRecords(Transactions):
    """An identity is (issuer, subject); a person has at most one at each issuer, and it is never moved."""

    def person(self, issuer: str, subject: str) -> Person | None:
        """Whose identity this is; None for nobody's."""
        with self._reading() as session:
            query = (
                select(PersonRow)
                .join(ExternalIdentityRow, ExternalIdentityRow.person_id == PersonRow.id)
                .where(ExternalIdentityRow.issuer == issuer, ExternalIdentityRow.subject == subject)
            )
            row = session.scalar(query)
            return None if row is None else person_of(row)

    def link(self, person_id: str, issuer: str, subject: str, now: datetime) -> tuple[bool, list[Change]]:
        """Make it this person's; False when it is somebody's, or they have another one at this issuer."""
        with self._writing() as session:
            person = session.get(PersonRow, person_id, with_for_update=True)
            if person is None or _is_taken(session, person_id, issuer, subject):
                return False, []
            session.add(ExternalIdentityRow(issuer=issuer, subject=subject, person_id=person_id, created=now))
            return True, [note(session, person_id, now)]

    def follow(
        self, person_id: str, wish: GrantWish | None, now: datetime
    ) -> tuple[tuple[list[Grant], list[Grant]], list[Change]]:
        """Leave the person with this alone of what the directory ever gave them; None: with nothing of it.

        What was given and what was taken; what people granted is not touched. A role that is gone gives nothing.
        """
        with self._writing() as session:
            person = session.get(PersonRow, person_id, with_for_update=True)
            if person is None:
                return ([], []), []
            fitting = [row for row in _given(person) if wish is not None and _is_wished(row, wish)][:1]
            extra = [row for row in _given(person) if row not in fitting]
            taken = [grant_of(row) for row in extra]
            for row in extra:
                person.grants.remove(row)
            given = _give(session, person, wish, now) if wish is not None and not fitting else []
            changes = [note(session, person.id, now)] if given or taken else []
            return (given, taken), changes


def identities_at(issuer: str) -> Counter:
    """Counts a person's identities at this issuer, which are ways in while it is the one that is asked."""

    def count(session: Session, person: PersonRow) -> int:
        mine = (ExternalIdentityRow.person_id == person.id, ExternalIdentityRow.issuer == issuer)
        return session.scalar(select(func.count()).select_from(ExternalIdentityRow).where(*mine)) or 0

    return count


def _is_taken(session: Session, person_id: str, issuer: str, subject: str) -> bool:
    query = select(ExternalIdentityRow).where(ExternalIdentityRow.issuer == issuer)
    taken = (ExternalIdentityRow.subject == subject) | (ExternalIdentityRow.person_id == person_id)
    return session.scalars(query.where(taken)).first() is not None


def _given(person: PersonRow) -> list[GrantRow]:
    return [row for row in person.grants if row.granter == DIRECTORY]


def _is_wished(row: GrantRow, wish: GrantWish) -> bool:
    """Whether the grant is what the directory says today, reason included: it names the claim."""
    return (row.role_name, tuple(row.areas), row.reason, row.deny) == (wish.role, wish.areas, wish.reason, wish.deny)


def _give(session: Session, person: PersonRow, wish: GrantWish, now: datetime) -> list[Grant]:
    try:
        role = role_row(session, wish.role)
        checked_role(role, person.organisation, wish)
    except PersonRuleError:
        return []
    row = new_row(wish, role, DIRECTORY, now)
    person.grants.append(row)
    return [grant_of(row)]
