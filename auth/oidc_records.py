"""Who is who at another directory: the table of linked identities."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from auth.model import Person
from auth.records import person_of
from auth.tables import AuthChangeRow, ExternalIdentityRow, PersonRow
from auth.transactions import Transactions


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

    def link(self, person_id: str, issuer: str, subject: str, now: datetime) -> bool:
        """Make it this person's; False when it is somebody's, or they have another one at this issuer."""
        with self._writing() as session:
            person = session.get(PersonRow, person_id, with_for_update=True)
            query = select(ExternalIdentityRow).where(ExternalIdentityRow.issuer == issuer)
            taken = (ExternalIdentityRow.subject == subject) | (ExternalIdentityRow.person_id == person_id)
            if person is None or session.scalars(query.where(taken)).first() is not None:
                return False
            row = ExternalIdentityRow(issuer=issuer, subject=subject, person_id=person_id, created=now)
            session.add_all((row, AuthChangeRow(person_id=person_id, at=now)))
            return True
