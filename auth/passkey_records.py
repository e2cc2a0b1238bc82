"""The table of passkeys: short, synchronous transactions; callers use a thread.

Every call raises AuthUnavailableError when the database does not answer.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from auth.errors import (
    AuthUnavailableError,
    PasskeyRefusedError,
    TooManyPasskeysError,
    UnknownPasskeyError,
    UnknownPersonError,
)
from auth.passkeys import NewPasskey, StoredPasskey
from auth.proofs import Method
from auth.tables import AuthChangeRow, PasskeyRow, PersonRow, SessionRow
from auth.ways_in import WaysIn, passkeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session, sessionmaker

MOST_PER_PERSON = 20


@dataclass(frozen=True, slots=True)
class PasskeyInfo:
    """A passkey as its owner sees it in a list. `synced`: it is in the owner's cloud, not in one device only."""

    id: str
    name: str
    rp_id: str
    synced: bool
    created: datetime
    last_used: datetime | None


class PasskeyRecords:
    """Reads and writes passkeys; `ways` counts what lets people in, these among it."""

    def __init__(self, sessions: sessionmaker[Session], ways: WaysIn | None = None) -> None:
        self._sessions = sessions
        self._ways = ways or WaysIn()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self._sessions() as session:
                yield session
        except SQLAlchemyError as error:
            raise AuthUnavailableError from error

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._reading() as session, session.begin():
            session.connection(execution_options={"write": True})
            yield session

    def by_credential(self, credential_id: bytes) -> StoredPasskey | None:
        """The passkey with this id of an authenticator's; None when there is none."""
        with self._reading() as session:
            row = session.scalar(select(PasskeyRow).where(PasskeyRow.credential_id == credential_id))
            if row is None:
                return None
            return StoredPasskey(row.id, row.person_id, row.rp_id, row.credential_id, row.public_key, row.sign_count)

    def used(self, passkey_id: str, was: int, sign_count: int, now: datetime) -> None:
        """Store the new counter; PasskeyRefusedError when another answer was faster or the passkey is gone."""
        with self._writing() as session:
            done = session.execute(
                update(PasskeyRow)
                .where(PasskeyRow.id == passkey_id, PasskeyRow.sign_count == was)
                .values(sign_count=sign_count, last_used=now)
                .returning(PasskeyRow.id)
            )
            if done.first() is None:
                raise PasskeyRefusedError("the passkey was used or removed at the same moment")

    def credential_ids(self, person_id: str, rp_id: str) -> list[bytes]:
        """The ids of a person's passkeys for this site, as authenticators know them."""
        with self._reading() as session:
            query = select(PasskeyRow.credential_id).where(PasskeyRow.person_id == person_id, PasskeyRow.rp_id == rp_id)
            return list(session.scalars(query))

    def of_person(self, person_id: str) -> list[PasskeyInfo]:
        """Somebody's passkeys, oldest first."""
        with self._reading() as session:
            query = select(PasskeyRow).where(PasskeyRow.person_id == person_id).order_by(PasskeyRow.created)
            return [_info(row) for row in session.scalars(query)]

    def add(self, person_id: str, rp_id: str, new: NewPasskey, name: str, now: datetime) -> PasskeyInfo:
        """Store a new passkey of somebody.

        Raises:
            PasskeyRefusedError: it is stored already, whoever's it is.
            TooManyPasskeysError: the person has `MOST_PER_PERSON`.
        """
        row = PasskeyRow(
            id=uuid.uuid4().hex,
            person_id=person_id,
            rp_id=rp_id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            name=name,
            synced=new.synced,
            created=now,
        )
        with self._writing() as session:
            if passkeys(session, _locked(session, person_id)) >= MOST_PER_PERSON:
                raise TooManyPasskeysError(MOST_PER_PERSON)
            session.add(row)
            try:
                session.flush()
            except IntegrityError as error:
                raise PasskeyRefusedError("the passkey is stored already") from error
            return _info(row)

    def rename(self, person_id: str, passkey_id: str, name: str) -> PasskeyInfo:
        """Give a passkey of this person another name; UnknownPasskeyError when they have none of that id."""
        with self._writing() as session:
            row = _of(session, person_id, passkey_id)
            row.name = name
            return _info(row)

    def remove(
        self, person_id: str, passkey_id: str, now: datetime, keep_session_id: str | None, *, even_last: bool = False
    ) -> None:
        """Delete a passkey and end the person's sign-ins that began by passkey but one to keep, within a second.

        Raises:
            LastWayInError: the person has no other way in (not asked with `even_last`).
            UnknownPasskeyError: the person has none of that id.
        """
        with self._writing() as session:
            person = _locked(session, person_id)
            row = _of(session, person_id, passkey_id)
            if not even_last:
                self._ways.check_not_last(session, person)
            session.delete(row)
            ended = delete(SessionRow).where(SessionRow.person_id == person_id, SessionRow.method == Method.PASSKEY)
            if keep_session_id is not None:
                ended = ended.where(SessionRow.id != keep_session_id)
            session.execute(ended)
            session.add(AuthChangeRow(person_id=person_id, at=now))


def _locked(session: Session, person_id: str) -> PersonRow:
    # Locked, so that two changes made at once are counted one after the other (SQLite locks anyway).
    person = session.get(PersonRow, person_id, with_for_update=True)
    if person is None:
        raise UnknownPersonError(person_id)
    return person


def _of(session: Session, person_id: str, passkey_id: str) -> PasskeyRow:
    row = session.get(PasskeyRow, passkey_id)
    if row is None or row.person_id != person_id:
        raise UnknownPasskeyError
    return row


def _info(row: PasskeyRow) -> PasskeyInfo:
    return PasskeyInfo(row.id, row.name, row.rp_id, row.synced, row.created, row.last_used)
