"""How many ways to sign in somebody has, so that the last one is never taken away.

A sort of way that lives in other tables (identities of a directory) is one more counter: `WaysIn(identities)`; whoever
removes one of them asks `check_not_last` first, in the same transaction, with the person's row locked.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.errors import LastWayInError
from auth.tables import PasskeyRow, PersonRow

Counter = Callable[[Session, PersonRow], int]
"""How many ways of one sort a person has, read in the transaction that is to remove one."""


def passwords(_session: Session, person: PersonRow) -> int:
    """One or none."""
    return 0 if person.password_hash is None else 1


def passkeys(session: Session, person: PersonRow) -> int:
    """All that they have, whichever site they are for."""
    query = select(func.count()).select_from(PasskeyRow).where(PasskeyRow.person_id == person.id)
    return session.scalar(query) or 0


class WaysIn:
    """Passwords and passkeys, and whatever else is counted here."""

    def __init__(self, *others: Counter) -> None:
        self._counters: tuple[Counter, ...] = (passwords, passkeys, *others)

    def check_not_last(self, session: Session, person: PersonRow) -> None:
        """Return when the person has another way than the one that is about to go; LastWayInError."""
        if sum(count(session, person) for count in self._counters) <= 1:
            raise LastWayInError
