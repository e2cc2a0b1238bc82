"""The tables of TOTP secrets and recovery codes: short, synchronous transactions; callers use a thread.

Every call raises AuthUnavailableError when the database does not answer.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from auth.errors import AuthUnavailableError, NoTotpError, UnknownPersonError
from auth.tables import AuthChangeRow, PersonRow, RecoveryCodeRow, SessionRow, TotpRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.orm import Session, sessionmaker


@dataclass(frozen=True, slots=True)
class StoredTotp:
    """A sealed secret; codes of steps up to `last_step` are used up."""

    sealed: str = field(repr=False)
    confirmed: bool
    last_step: int | None


@dataclass(frozen=True, slots=True)
class FactorsOf:
    """What somebody can prove themselves with, beside passkeys."""

    password: bool
    totp: bool
    recovery_codes: int


class FactorRecords:
    """Reads and writes second factors."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

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

    def of_person(self, person_id: str) -> FactorsOf:
        """What there is; nothing for nobody."""
        with self._reading() as session:
            person, totp = session.get(PersonRow, person_id), session.get(TotpRow, person_id)
            count = select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id)
            return FactorsOf(
                person is not None and person.password_hash is not None,
                totp is not None and totp.confirmed,
                session.scalar(count) or 0,
            )

    def totp(self, person_id: str) -> StoredTotp | None:
        """The secret of somebody, confirmed or not; None when there is none."""
        with self._reading() as session:
            row = session.get(TotpRow, person_id)
            return None if row is None else StoredTotp(row.sealed, row.confirmed, row.last_step)

    def begin_totp(self, person_id: str, sealed: str, now: datetime) -> None:
        """Store a secret that counts once it is confirmed; an older unconfirmed one goes, a confirmed one stays.

        Raises:
            NoTotpError: there is a confirmed one.
        """
        with self._writing() as session:
            _locked(session, person_id)
            row = session.get(TotpRow, person_id)
            if row is not None and row.confirmed:
                raise NoTotpError
            if row is not None:
                session.delete(row)
                session.flush()
            session.add(TotpRow(person_id=person_id, sealed=sealed, confirmed=False, last_step=None, created=now))

    def confirm_totp(self, person_id: str, sealed: str, step: int, digests: Sequence[str]) -> None:
        """From now on this secret counts, and these recovery codes; NoTotpError when it is no longer the one begun."""
        with self._writing() as session:
            _locked(session, person_id)
            done = session.execute(
                update(TotpRow)
                .where(TotpRow.person_id == person_id, TotpRow.sealed == sealed, TotpRow.confirmed.is_(False))
                .values(confirmed=True, last_step=step)
                .returning(TotpRow.person_id)
            )
            if done.first() is None:
                raise NoTotpError
            _set_codes(session, person_id, digests)

    def use_step(self, person_id: str, sealed: str, step: int) -> bool:
        """Use up the codes of this step and all before; False when they were used already, or the secret is another."""
        with self._writing() as session:
            done = session.execute(
                update(TotpRow)
                .where(
                    TotpRow.person_id == person_id,
                    TotpRow.sealed == sealed,
                    TotpRow.confirmed,
                    or_(TotpRow.last_step.is_(None), TotpRow.last_step < step),
                )
                .values(last_step=step)
                .returning(TotpRow.person_id)
            )
            return done.first() is not None

    def use_code(self, person_id: str, digest: str) -> bool:
        """Use up a recovery code; False when there is none such (any more)."""
        with self._writing() as session:
            gone = session.execute(
                delete(RecoveryCodeRow)
                .where(RecoveryCodeRow.person_id == person_id, RecoveryCodeRow.code_sha256 == digest)
                .returning(RecoveryCodeRow.person_id)
            )
            return gone.first() is not None

    def replace_codes(self, person_id: str, digests: Sequence[str]) -> None:
        """These recovery codes instead of all older ones; NoTotpError without a confirmed secret."""
        with self._writing() as session:
            _locked(session, person_id)
            row = session.get(TotpRow, person_id)
            if row is None or not row.confirmed:
                raise NoTotpError
            _set_codes(session, person_id, digests)

    def remove(self, person_id: str, now: datetime, *, end_sessions: bool = False) -> bool:
        """Remove secret and recovery codes, and with `end_sessions` all sign-ins; False when there was no secret."""
        with self._writing() as session:
            _locked(session, person_id)
            session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))
            gone = session.execute(delete(TotpRow).where(TotpRow.person_id == person_id).returning(TotpRow.confirmed))
            had = bool(gone.scalar())
            if end_sessions:
                session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))
            session.add(AuthChangeRow(person_id=person_id, at=now))
            return had

    def seal_again(self, again: Callable[[str, str], str]) -> int:
        """Replace every sealed secret by what `again` makes of it and its person's id; how many there are."""
        with self._writing() as session:
            rows = session.scalars(select(TotpRow).with_for_update()).all()
            for row in rows:
                row.sealed = again(row.sealed, row.person_id)
            return len(rows)


def _set_codes(session: Session, person_id: str, digests: Sequence[str]) -> None:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))
    session.add_all(RecoveryCodeRow(person_id=person_id, code_sha256=digest) for digest in digests)


def _locked(session: Session, person_id: str) -> None:
    if session.get(PersonRow, person_id, with_for_update=True) is None:
        raise UnknownPersonError(person_id)
