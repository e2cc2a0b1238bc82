"""How and when the person of a sign-in proved who they are: written at sign-in, and anew at every step-up."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from auth.model import SignInKind
from auth.records import Credentials
from auth.tables import PersonRow, SessionRow, TotpRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session, sessionmaker

FRESH = timedelta(minutes=10)
"""A proof is fresh for this long (step-up)."""


class Method(StrEnum):
    """What a person proved themselves with."""

    PASSWORD = "password"  # noqa: S105  a word, not a secret
    TOTP = "password+totp"
    RECOVERY_CODE = "password+recovery-code"
    PASSKEY = "passkey"
    DIRECTORY = "directory"  # the city's own, which asked them for whatever it asks


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest proof of a sign-in; both None for a program's token, which no person stands behind."""

    kind: SignInKind
    method: str | None
    proved_at: datetime | None

    def is_fresh(self, now: datetime) -> bool:
        """Whether it is from the last ten minutes. One from the future is not: the clock was turned."""
        return self.proved_at is not None and timedelta(0) <= now - self.proved_at <= FRESH


class ProofRecords:
    """The columns of proofs in the table of sign-ins. Short, synchronous transactions; callers use a thread."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"write": True})
            yield session

    def credentials(self, person_id: str) -> Credentials | None:
        """What a sign-in of this person is judged by; None for nobody."""
        with self._sessions() as session:
            row = session.get(PersonRow, person_id)
            return None if row is None else Credentials(row.id, row.password_hash, row.disabled)

    def has_second_factor(self, person_id: str) -> bool:
        """Whether a password alone does not let this person in."""
        with self._sessions() as session:
            query = select(TotpRow.person_id).where(TotpRow.person_id == person_id, TotpRow.confirmed)
            return session.scalar(query) is not None

    def prove(self, session_id: str, method: str, now: datetime) -> None:
        """The person of this sign-in proved themselves just now."""
        with self._writing() as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(method=method, proved_at=now))

    def proof(self, session_id: str) -> Proof | None:
        """The newest proof of a sign-in; None when the sign-in ended."""
        with self._sessions() as session:
            row = session.get(SessionRow, session_id)
            return None if row is None else Proof(SignInKind(row.kind), row.method, row.proved_at)
