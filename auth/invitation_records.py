"""Reading and writing one-time links and what people have to be told."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from auth.grant_records import checked_role, grant_of, new_row, role_row
from auth.invitations import (
    MOST_PENDING,
    Invitation,
    InvitationKind,
    TooManyInvitationsError,
    UnknownInvitationError,
    Wish,
    wish_of,
)
from auth.records import person_of
from auth.tables import InvitationRow, PersonNoticeRow
from auth.transactions import Transactions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from auth.grants import Grant

_KEEP_EXPIRED = timedelta(days=1)
_MOST_NOTICES = 20


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A link to store; `wish` or `person_id` as its kind needs."""

    secret_sha256: str
    kind: InvitationKind
    wish: Wish | None
    person_id: str | None
    maker_id: str | None
    now: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person has to be told; `by` is empty for the command line."""

    id: str
    kind: str
    by: str
    at: datetime


def _invitation(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.id,
        kind=InvitationKind(row.kind),
        wish=None if row.wish is None else wish_of(row.wish),
        person=None if row.person is None else person_of(row.person),
        maker=None if row.maker is None else person_of(row.maker),
        created=row.created,
        expires_at=row.expires_at,
    )


class InvitationRecords(Transactions):
    """The tables of links and notices. A link is pending until it is used or its time is over."""

    def add(self, new: NewInvitation) -> Invitation:
        """Store a link; a recovery replaces those that waited for the same person. TooManyInvitationsError."""
        with self._writing() as session:
            session.execute(delete(InvitationRow).where(InvitationRow.expires_at < new.now - _KEEP_EXPIRED))
            if new.person_id is not None:
                session.execute(delete(InvitationRow).where(InvitationRow.person_id == new.person_id))
            if new.maker_id is not None and _pending_of(session, new.maker_id, new.now) >= MOST_PENDING:
                raise TooManyInvitationsError
            row = InvitationRow(
                id=uuid.uuid4().hex,
                secret_sha256=new.secret_sha256,
                kind=new.kind.value,
                wish=None if new.wish is None else new.wish.stored(),
                person_id=new.person_id,
                maker_id=new.maker_id,
                created=new.now,
                expires_at=new.expires_at,
            )
            session.add(row)
            session.flush()
            return _invitation(row)

    def pending(self, now: datetime) -> list[Invitation]:
        """The links that wait to be used, newest first."""
        with self._reading() as session:
            query = select(InvitationRow).where(InvitationRow.used_at.is_(None), InvitationRow.expires_at > now)
            return [_invitation(row) for row in session.scalars(query.order_by(InvitationRow.created.desc()))]

    def look(self, secret_sha256: str, now: datetime) -> Invitation:
        """The pending link with this secret; UnknownInvitationError."""
        with self._reading() as session:
            row = session.scalar(select(InvitationRow).where(InvitationRow.secret_sha256 == secret_sha256))
            if row is None or row.used_at is not None or row.expires_at <= now:
                raise UnknownInvitationError
            return _invitation(row)

    def claim(self, session: Session, secret_sha256: str, now: datetime) -> Invitation:
        """Mark the link used within this transaction, of two for one only; UnknownInvitationError."""
        claimed = (
            update(InvitationRow)
            .where(
                InvitationRow.secret_sha256 == secret_sha256,
                InvitationRow.used_at.is_(None),
                InvitationRow.expires_at > now,
            )
            .values(used_at=now)
            .returning(InvitationRow.id)
        )
        found = session.scalar(claimed)
        row = None if found is None else session.get(InvitationRow, found)
        if row is None:
            raise UnknownInvitationError
        return _invitation(row)

    def wished_grant(self, wish: Wish, now: datetime) -> Grant | None:
        """What an invitation would grant, with what its role brings today; PersonRuleError when the role is gone."""
        with self._reading() as session:
            return _wished_grant(session, wish, now)

    def remove(self, invitation_id: str) -> None:
        """Withdraw a link; nothing happens when there is none."""
        with self._writing() as session:
            session.execute(delete(InvitationRow).where(InvitationRow.id == invitation_id))

    # -- notices ---------------------------------------------------------------------------------------------------

    def tell(self, session: Session, person_id: str, kind: str, by: str, now: datetime) -> None:
        """Store within this transaction what somebody has to be told."""
        session.add(PersonNoticeRow(id=uuid.uuid4().hex, person_id=person_id, kind=kind, by=by[:120], at=now))

    def notices(self, person_id: str) -> list[Notice]:
        """What somebody has to be told, newest first, at most 20."""
        with self._reading() as session:
            query = select(PersonNoticeRow).where(PersonNoticeRow.person_id == person_id)
            rows = session.scalars(query.order_by(PersonNoticeRow.at.desc()).limit(_MOST_NOTICES))
            return [Notice(row.id, row.kind, row.by, row.at) for row in rows]

    def read(self, person_id: str, notice_id: str) -> None:
        """The person has read it; nothing happens when it is not theirs."""
        with self._writing() as session:
            session.execute(
                delete(PersonNoticeRow).where(PersonNoticeRow.id == notice_id, PersonNoticeRow.person_id == person_id)
            )


def _wished_grant(session: Session, wish: Wish, now: datetime) -> Grant | None:
    role = role_row(session, wish.role)
    checked_role(role, wish.organisation, wish.grant())
    return grant_of(new_row(wish.grant(), role, "", now)) if wish.areas else None


def _pending_of(session: Session, maker_id: str, now: datetime) -> int:
    query = (
        select(func.count())
        .select_from(InvitationRow)
        .where(InvitationRow.maker_id == maker_id, InvitationRow.used_at.is_(None), InvitationRow.expires_at > now)
    )
    return session.scalar(query) or 0
