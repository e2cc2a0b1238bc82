"""Reading and writing people and sign-ins: short, synchronous transactions; the service calls them on its threads."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import PersonRuleError, UnknownPersonError, WrongSignInError
from auth.model import Person, SessionInfo, SignInKind
from auth.scopes import stored_scopes, token_holder
from auth.tables import AuthChangeRow, PersonAreaRow, PersonRow, SessionRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session, sessionmaker

    from auth.roles import Capability

_KEEP_CHANGES = timedelta(hours=1)
_KEEP_EXPIRED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is judged by."""

    person_id: str
    password_hash: str | None
    disabled: bool


def is_idle(last_seen: datetime, idle_s: int | None, now: datetime) -> bool:
    """Whether a sign-in was left unused for longer than it may be."""
    return idle_s is not None and now - last_seen > timedelta(seconds=idle_s)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A sign-in as stored, with its person as they act by it; `idle_s` None: no idle limit."""

    person: Person
    session_id: str
    last_seen: datetime
    expires_at: datetime
    idle_s: int | None

    def alive(self, now: datetime) -> bool:
        """Whether it still holds: neither expired nor idle for too long, and the account is not disabled."""
        idle = is_idle(self.last_seen, self.idle_s, now)
        return now < self.expires_at and not idle and not self.person.disabled


@dataclass(frozen=True, slots=True)
class NewSession:
    """A sign-in to store. `device` and `network` are for its owner's list; `scopes` None: all that the person may."""

    token_sha256: str
    kind: SignInKind
    name: str
    now: datetime
    expires_at: datetime
    idle_s: int | None
    device: str = ""
    network: str = ""
    scopes: frozenset[Capability] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A stored note that a person changed."""

    id: int
    person_id: str


def person_of(row: PersonRow) -> Person:
    """A stored person."""
    return Person(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=row.role,
        areas=tuple(sorted(area.area_code for area in row.areas)),
        organisation=row.organisation,
        priority_override=row.priority_override,
        disabled=row.disabled,
        created=row.created,
    )


def _record(row: SessionRow) -> SessionRecord:
    person = person_of(row.person)
    if row.kind == SignInKind.API:
        person = token_holder(person, stored_scopes(row.scopes))
    return SessionRecord(person, row.id, row.last_seen, row.expires_at, row.idle_s)


class Records:
    """The people's tables. Every change of rights is noted in the same transaction (`AuthChangeRow`)."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._sessions() as session, session.begin():
            # The store's SQLite engine then takes the write lock at once instead of failing half-way; others ignore it.
            session.connection(execution_options={"write": True})
            yield session

    # -- people ----------------------------------------------------------------------------------------------------

    def add_person(self, person: Person, password_hash: str | None) -> None:
        """Store somebody new; PersonRuleError when the username is taken."""
        if person.created is None:
            raise ValueError("a stored person has a time of creation")
        row = PersonRow(
            id=person.id,
            username=person.username,
            display_name=person.display_name,
            password_hash=password_hash,
            organisation=person.organisation,
            role=person.role,
            priority_override=person.priority_override,
            disabled=person.disabled,
            created=person.created,
            areas=[PersonAreaRow(area_code=code) for code in person.areas],
        )
        try:
            with self._writing() as session:
                session.add(row)
        except IntegrityError as error:
            raise PersonRuleError("username", f"There is already somebody called {person.username!r}.") from error

    def person(self, username: str) -> Person:
        """Somebody by normalised username; UnknownPersonError when nobody."""
        with self._sessions() as session:
            return person_of(self._row(session, username))

    def people(self) -> list[Person]:
        """Everybody, by username."""
        with self._sessions() as session:
            return [person_of(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.username))]

    def credentials(self, username: str) -> Credentials | None:
        """What to judge a sign-in by; None for nobody."""
        with self._sessions() as session:
            row = session.scalar(select(PersonRow).where(PersonRow.username == username))
            return None if row is None else Credentials(row.id, row.password_hash, row.disabled)

    def change_person(
        self, username: str, now: datetime, edit: Callable[[Person], Person], *, end_sessions: bool = False
    ) -> tuple[Person, Change]:
        """Rewrite somebody by `edit` (id, username and creation stay); returns the result and the note of it."""
        with self._writing() as session:
            row = self._row(session, username, lock=True)
            wanted = edit(person_of(row))
            row.display_name = wanted.display_name
            row.organisation = wanted.organisation
            row.role = wanted.role
            row.priority_override = wanted.priority_override
            row.disabled = wanted.disabled
            kept = {area.area_code: area for area in row.areas}
            row.areas = [kept.get(code) or PersonAreaRow(area_code=code) for code in wanted.areas]
            if end_sessions:
                session.execute(delete(SessionRow).where(SessionRow.person_id == row.id))
            return wanted, self._note(session, row.id, now)

    def set_password_hash(
        self, username: str, now: datetime, password_hash: str, keep_session_id: str | None
    ) -> Change:
        """Store a new password's hash and end every sign-in of the person but the one to keep."""
        with self._writing() as session:
            row = self._row(session, username, lock=True)
            row.password_hash = password_hash
            ended = delete(SessionRow).where(SessionRow.person_id == row.id)
            if keep_session_id is not None:
                ended = ended.where(SessionRow.id != keep_session_id)
            session.execute(ended)
            return self._note(session, row.id, now)

    def replace_hash(self, person_id: str, old: str, new: str) -> None:
        """The same password hashed anew; nothing happens when it was changed meanwhile."""
        with self._writing() as session:
            session.execute(
                update(PersonRow)
                .where(PersonRow.id == person_id, PersonRow.password_hash == old)
                .values(password_hash=new)
            )

    # -- sign-ins --------------------------------------------------------------------------------------------------

    def add_session(self, judged: Credentials, new: NewSession) -> SessionRecord:
        """Store a sign-in of the person that was judged; WrongSignInError when they changed since."""
        with self._writing() as session:
            person = session.get(PersonRow, judged.person_id, with_for_update=True)
            if person is None or person.disabled or person.password_hash != judged.password_hash:
                raise WrongSignInError
            return self._add_session(session, person, new)

    def add_token(self, username: str, new: NewSession) -> SessionRecord:
        """Store a token issued to somebody without a password check (an administrator's act)."""
        with self._writing() as session:
            return self._add_session(session, self._row(session, username, lock=True), new)

    def by_token(self, token_sha256: str) -> SessionRecord | None:
        """The sign-in of a token, alive or not; None when there is none."""
        with self._sessions() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.token_sha256 == token_sha256))
            return None if row is None else _record(row)

    def by_session_id(self, session_id: str) -> SessionRecord | None:
        """The sign-in with that id, alive or not; None when there is none."""
        with self._sessions() as session:
            row = session.get(SessionRow, session_id)
            return None if row is None else _record(row)

    def touch(self, session_id: str, now: datetime, network: str = "") -> None:
        """Remember that the sign-in was used just now, and from where, if that is known."""
        values = {"last_seen": now} | ({"network": network} if network else {})
        with self._writing() as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(**values))

    def end_session(self, session_id: str, now: datetime) -> Change | None:
        """End one sign-in; None when it had ended already."""
        with self._writing() as session:
            ended = delete(SessionRow).where(SessionRow.id == session_id).returning(SessionRow.person_id)
            person_id = session.scalar(ended)
            return None if person_id is None else self._note(session, person_id, now)

    def sessions_of(self, username: str) -> list[SessionInfo]:
        """The stored sign-ins and tokens of somebody, newest first, expired ones included until they are purged."""
        with self._sessions() as session:
            person_id = self._row(session, username).id
            rows = session.scalars(
                select(SessionRow).where(SessionRow.person_id == person_id).order_by(SessionRow.created.desc())
            )
            return [
                SessionInfo(row.id, SignInKind(row.kind), row.name, row.created, row.last_seen, row.expires_at)
                for row in rows
            ]

    # -- changes ---------------------------------------------------------------------------------------------------

    def changes_after(self, after_id: int) -> list[Change]:
        """The notes with a greater id, oldest first."""
        with self._sessions() as session:
            rows = session.execute(
                select(AuthChangeRow.id, AuthChangeRow.person_id)
                .where(AuthChangeRow.id > after_id)
                .order_by(AuthChangeRow.id)
            )
            return [Change(row.id, row.person_id) for row in rows]

    def purge(self, now: datetime) -> None:
        """Delete sign-ins that expired a day ago and old notes of changes."""
        with self._writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at < now - _KEEP_EXPIRED))
            session.execute(delete(AuthChangeRow).where(AuthChangeRow.at < now - _KEEP_CHANGES))

    @staticmethod
    def _row(session: Session, username: str, *, lock: bool = False) -> PersonRow:
        """The person's row; `lock` keeps others from changing it until the transaction ends (SQLite locks anyway)."""
        query = select(PersonRow).where(PersonRow.username == username)
        row = session.scalar(query.with_for_update() if lock else query)
        if row is None:
            raise UnknownPersonError(username)
        return row

    @staticmethod
    def _note(session: Session, person_id: str, now: datetime) -> Change:
        row = AuthChangeRow(person_id=person_id, at=now)
        session.add(row)
        session.flush()
        return Change(row.id, person_id)

    @staticmethod
    def _add_session(session: Session, person: PersonRow, new: NewSession) -> SessionRecord:
        row = SessionRow(
            id=uuid.uuid4().hex,
            token_sha256=new.token_sha256,
            person=person,
            kind=new.kind.value,
            name=new.name,
            created=new.now,
            last_seen=new.now,
            expires_at=new.expires_at,
            idle_s=new.idle_s,
            device=new.device,
            network=new.network,
            scopes=None if new.scopes is None else sorted(new.scopes),
        )
        session.add(row)
        session.flush()
        return _record(row)
