"""Somebody's sign-ins and tokens as they see them in a list, and which of them are theirs to end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from auth.model import SignInKind
from auth.records import is_idle
from auth.roles import Capability
from auth.scopes import stored_scopes
from auth.tables import SessionRow
from auth.transactions import Transactions


@dataclass(frozen=True, slots=True)
class ListedSignIn:
    """A sign-in or token that holds. `network` is where it was last used; `scopes` None: all that the person may."""

    id: str
    name: str
    device: str
    network: str
    created: datetime
    last_seen: datetime
    expires_at: datetime
    scopes: frozenset[Capability] | None


class SignInList(Transactions):
    """The table of sign-ins as their owners see it; `auth.service` begins and ends them."""

    def of(self, person_id: str, kind: SignInKind, now: datetime) -> list[ListedSignIn]:
        """The person's sign-ins (BROWSER) or tokens (API) that hold now, the last used first."""
        with self._reading() as session:
            query = (
                select(SessionRow)
                .where(SessionRow.person_id == person_id, SessionRow.kind == kind.value, SessionRow.expires_at > now)
                .order_by(SessionRow.last_seen.desc(), SessionRow.id)
            )
            return [_listed(row) for row in session.scalars(query) if not is_idle(row.last_seen, row.idle_s, now)]

    def describe(self, session_id: str, device: str) -> None:
        """Remember on what device a sign-in began."""
        with self._writing() as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(device=device[:120]))

    def count(self, person_id: str, kind: SignInKind, now: datetime) -> int:
        """How many there are, idle ones included."""
        with self._reading() as session:
            query = (
                select(func.count())
                .select_from(SessionRow)
                .where(SessionRow.person_id == person_id, SessionRow.kind == kind.value, SessionRow.expires_at > now)
            )
            return session.scalar(query) or 0


def _listed(row: SessionRow) -> ListedSignIn:
    return ListedSignIn(
        id=row.id,
        name=row.name,
        device=row.device,
        network=row.network,
        created=row.created,
        last_seen=row.last_seen,
        expires_at=row.expires_at,
        scopes=stored_scopes(row.scopes),
    )
