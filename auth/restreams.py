"""Accounts of the re-stream: names and secrets of recorders and players, each standing for a person.

The secret is not stored, only what a Digest server needs of it. Every change is noted like one of the person's, so that
a running service hears of it. Short, synchronous transactions; callers use a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from auth.checks import normalise_username
from auth.errors import AuthError, PersonRuleError, UnknownPersonError
from auth.model import Person
from auth.records import person_of
from auth.tables import AuthChangeRow, PersonRow, RestreamAccountRow
from auth.transactions import Transactions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class UnknownAccountError(AuthError, LookupError):
    """There is no re-stream account with that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no re-stream account called {name!r}.")


class TooManyAccountsError(AuthError):
    """The person has as many re-stream accounts as they may."""

    def __init__(self, username: str, most: int) -> None:
        super().__init__(f"{username} has {most} re-stream accounts; remove one first.")


@dataclass(frozen=True, slots=True)
class StoredRestream:
    """An account and its person. `hashes` are the Digest HA1 by algorithm; `cameras` are ids, none means all."""

    name: str
    person: Person
    cameras: tuple[str, ...]
    created: datetime
    hashes: Mapping[str, str] = field(repr=False)


def account_name(name: str) -> str:
    """The one spelling of an account's name, by the rule for usernames; PersonRuleError when it is not allowed."""
    try:
        return normalise_username(name)
    except PersonRuleError as error:
        raise PersonRuleError("name", str(error).replace("A username has", "An account's name has")) from None


class RestreamAccounts(Transactions):
    """The table of accounts. Every call raises AuthUnavailableError when the database does not answer."""

    def all(self) -> list[StoredRestream]:
        """Every account, by name, with its person as it is now."""
        with self._reading() as session:
            rows = session.scalars(select(RestreamAccountRow).order_by(RestreamAccountRow.name))
            return [
                StoredRestream(row.name, person_of(row.person), tuple(row.cameras), row.created, dict(row.hashes))
                for row in rows
            ]

    def add(
        self,
        username: str,
        name: str,
        hashes: Mapping[str, str],
        cameras: Sequence[str],
        now: datetime,
        most: int | None = None,
    ) -> StoredRestream:
        """Store an account that stands for this person, who may have `most` of them.

        Raises:
            PersonRuleError: the name is not allowed or taken, or the person's account is closed.
            TooManyAccountsError: the person has `most` already.
            UnknownPersonError: there is nobody with this username.
        """
        name, username = account_name(name), normalise_username(username)
        with self._writing() as session:
            # Locked, so that two accounts made at once are counted one after the other (SQLite locks anyway).
            person = session.scalar(select(PersonRow).where(PersonRow.username == username).with_for_update())
            if person is None:
                raise UnknownPersonError(username)
            if person.disabled:
                raise PersonRuleError("username", f"The account of {username!r} is disabled.")
            if most is not None and _count(session, person) >= most:
                raise TooManyAccountsError(username, most)
            row = RestreamAccountRow(
                name=name, person=person, hashes=dict(hashes), cameras=sorted(set(cameras)), created=now
            )
            session.add(row)
            session.add(AuthChangeRow(person_id=person.id, at=now))
            try:
                session.flush()
            except IntegrityError as error:
                raise PersonRuleError("name", f"There is already a re-stream account called {name!r}.") from error
            return StoredRestream(name, person_of(person), tuple(row.cameras), now, dict(hashes))

    def remove(self, name: str, now: datetime, may: Callable[[Person], bool] = lambda _person: True) -> None:
        """Delete an account; what it plays ends within a second.

        UnknownAccountError when there is none, or none of a person for whom `may` is true.
        """
        name = account_name(name)
        with self._writing() as session:
            row = session.get(RestreamAccountRow, name)
            if row is None or not may(person_of(row.person)):
                raise UnknownAccountError(name)
            session.add(AuthChangeRow(person_id=row.person_id, at=now))
            session.delete(row)


def _count(session: Session, person: PersonRow) -> int:
    query = select(func.count()).select_from(RestreamAccountRow).where(RestreamAccountRow.person_id == person.id)
    return session.scalar(query) or 0
