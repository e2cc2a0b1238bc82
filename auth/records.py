"""Reading and writing people and sign-ins: short, synchronous transactions; the service calls them on its threads."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import PersonRuleError, SecondFactorNeededError, WrongSignInError
from auth.grant_records import checked_role, grant_of, new_row, role_row
from auth.model import Person, SessionInfo, SignInKind
from auth.proofs import Method
from auth.scopes import stored_scopes, token_holder
from auth.tables import AuthChangeRow, GrantRow, InvitationRow, PersonRow, SessionRow, TotpRow
from auth.writing import Change, note, person_row, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session, sessionmaker

    from auth.grants import Grant, GrantWish
    from auth.roles import Capability

_KEEP_CHANGES = timedelta(hours=1)
_KEEP_EXPIRED = timedelta(days=1)
_AT_ONCE = 500  # ids in one query


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
    """A sign-in as stored, with its person as they act by it; `idle_s` None: no idle limit.

    `method`, `proved_at`: as in `SignIn`.
    """

    person: Person
    session_id: str
    last_seen: datetime
    expires_at: datetime
    idle_s: int | None
    kind: SignInKind = SignInKind.BROWSER
    method: str | None = None
    proved_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Whether it still holds: neither expired nor idle for too long, and the account is not disabled."""
        idle = is_idle(self.last_seen, self.idle_s, now)
        return now < self.expires_at and not idle and not self.person.disabled


@dataclass(frozen=True, slots=True)
class NewSession:
    """A sign-in to store; `method` is what its person has just proved themselves with, None for a program's token.

    `network` is for its owner's list; `scopes` None: all that the person may.
    """

    token_sha256: str
    kind: SignInKind
    name: str
    now: datetime
    expires_at: datetime
    idle_s: int | None
    method: Method | None
    network: str = ""
    scopes: frozenset[Capability] | None = None


def person_of(row: PersonRow) -> Person:
    """A stored person."""
    return Person(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        grants=tuple(grant_of(grant) for grant in sorted(row.grants, key=lambda grant: (grant.created, grant.id))),
        organisation=row.organisation,
        disabled=row.disabled,
        created=row.created,
    )


def _record(row: SessionRow) -> SessionRecord:
    # The one place where scopes are applied: whoever asks what a token may, asks about this person.
    person = token_holder(person_of(row.person), stored_scopes(row.scopes))
    return SessionRecord(
        person, row.id, row.last_seen, row.expires_at, row.idle_s, SignInKind(row.kind), row.method, row.proved_at
    )


class Admission(Protocol):
    """Why somebody may become a person here, or get another password: asked within the transaction that does it."""

    def begin(self, session: Session) -> None:
        """Check and note what is to be; refuses by raising, and then nothing was done."""

    def waits(self, grant: Grant) -> bool:
        """Whether this grant of somebody new waits for a second person; refuses by raising."""


class Records:
    """The people's tables. Every change of rights is noted in the same transaction (`AuthChangeRow`)."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    # -- people ----------------------------------------------------------------------------------------------------

    def add_person(
        self,
        person: Person,
        password_hash: str | None,
        wish: GrantWish,
        granter: str,
        admission: Admission | None = None,
    ) -> Person:
        """Store somebody new, with this grant if it names a place; PersonRuleError for a taken name or a bad role."""
        if person.created is None:
            raise ValueError("a stored person has a time of creation")
        row = PersonRow(
            id=person.id,
            username=person.username,
            display_name=person.display_name,
            password_hash=password_hash,
            organisation=person.organisation,
            disabled=person.disabled,
            created=person.created,
        )
        try:
            with writing(self._sessions) as session:
                if admission is not None:
                    admission.begin(session)
                session.add(row)
                role = role_row(session, wish.role)
                checked_role(role, person.organisation, wish)
                if wish.areas:
                    given = new_row(wish, role, granter, person.created)
                    given.waits = admission is not None and admission.waits(grant_of(given))
                    row.grants.append(given)
                session.flush()
                return person_of(row)
        except IntegrityError as error:
            raise PersonRuleError("username", f"There is already somebody called {person.username!r}.") from error

    def person(self, username: str) -> Person:
        """Somebody by normalised username; UnknownPersonError when nobody."""
        with self._sessions() as session:
            return person_of(person_row(session, username))

    def people(self) -> list[Person]:
        """Everybody, by username."""
        with self._sessions() as session:
            return [person_of(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.username))]

    def with_waiting_grants(self) -> list[Person]:
        """Everybody of whom a grant waits for a second person, by username."""
        waiting = select(GrantRow.person_id).where(GrantRow.waits.is_(True))
        with self._sessions() as session:
            rows = session.scalars(select(PersonRow).where(PersonRow.id.in_(waiting)).order_by(PersonRow.username))
            return [person_of(row) for row in rows]

    def credentials(self, username: str) -> Credentials | None:
        """What to judge a sign-in by; None for nobody."""
        with self._sessions() as session:
            row = session.scalar(select(PersonRow).where(PersonRow.username == username))
            return None if row is None else Credentials(row.id, row.password_hash, row.disabled)

    def credentials_of(self, person_id: str) -> Credentials | None:
        """The same of somebody who was proved otherwise, by id; None for nobody."""
        with self._sessions() as session:
            row = session.get(PersonRow, person_id)
            return None if row is None else Credentials(row.id, row.password_hash, row.disabled)

    def change_person(
        self, username: str, now: datetime, edit: Callable[[Person], Person], *, end_sessions: bool = False
    ) -> tuple[Person, Change]:
        """Rewrite somebody's names by `edit` (all else stays); returns the result and the note of it."""
        with writing(self._sessions) as session:
            row = person_row(session, username, lock=True)
            wanted = edit(person_of(row))
            row.display_name = wanted.display_name
            row.organisation = wanted.organisation
            row.disabled = wanted.disabled
            if end_sessions:
                session.execute(delete(SessionRow).where(SessionRow.person_id == row.id))
                _end_recoveries(session, row.id)
            return wanted, note(session, row.id, now)

    def set_password_hash(
        self,
        username: str,
        now: datetime,
        password_hash: str,
        keep_session_id: str | None,
        admission: Admission | None = None,
    ) -> Change:
        """Store a new password's hash and end every sign-in of the person but the one to keep."""
        with writing(self._sessions) as session:
            if admission is not None:
                admission.begin(session)
            row = person_row(session, username, lock=True)
            row.password_hash = password_hash
            ended = delete(SessionRow).where(SessionRow.person_id == row.id)
            if keep_session_id is not None:
                ended = ended.where(SessionRow.id != keep_session_id)
            session.execute(ended)
            _end_recoveries(session, row.id)
            return note(session, row.id, now)

    def replace_hash(self, person_id: str, old: str, new: str) -> None:
        """The same password hashed anew; nothing happens when it was changed meanwhile."""
        with writing(self._sessions) as session:
            session.execute(
                update(PersonRow)
                .where(PersonRow.id == person_id, PersonRow.password_hash == old)
                .values(password_hash=new)
            )

    # -- sign-ins --------------------------------------------------------------------------------------------------

    def add_session(self, judged: Credentials, new: NewSession) -> SessionRecord:
        """Store a sign-in of the person that was judged; WrongSignInError when they changed since.

        SecondFactorNeededError when a password alone does not let this person in: asked here, under the lock of the
        person's row, so that a factor that was set up a moment ago counts.
        """
        with writing(self._sessions) as session:
            person = session.get(PersonRow, judged.person_id, with_for_update=True)
            if person is None or person.disabled or person.password_hash != judged.password_hash:
                raise WrongSignInError
            if new.method is Method.PASSWORD and _has_second_factor(session, person.id):
                raise SecondFactorNeededError(judged)
            return self._add_session(session, person, new)

    def add_token(self, username: str, new: NewSession) -> SessionRecord:
        """Store a token issued to somebody without a password check (an administrator's act)."""
        with writing(self._sessions) as session:
            person = person_row(session, username, lock=True)
            if person.disabled:
                raise PersonRuleError("username", f"The account of {username!r} is disabled.")
            return self._add_session(session, person, new)

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

    def by_session_ids(self, session_ids: Collection[str]) -> list[SessionRecord]:
        """Those of these sign-ins that there are, alive or not, read together."""
        ids = list(session_ids)
        found: list[SessionRecord] = []
        with self._sessions() as session:
            for start in range(0, len(ids), _AT_ONCE):
                query = select(SessionRow).where(SessionRow.id.in_(ids[start : start + _AT_ONCE]))
                found += [_record(row) for row in session.scalars(query)]
        return found

    def touch(self, session_id: str, now: datetime, network: str = "") -> None:
        """Remember that the sign-in was used just now, and from where, if that is known."""
        values = {"last_seen": now} | ({"network": network} if network else {})
        with writing(self._sessions) as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(**values))

    def prove(self, session_id: str, now: datetime) -> None:
        """The person of this sign-in proved once more who they are."""
        with writing(self._sessions) as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(proved_at=now))

    def end_session(self, session_id: str, now: datetime) -> Change | None:
        """End one sign-in; None when it had ended already."""
        with writing(self._sessions) as session:
            ended = delete(SessionRow).where(SessionRow.id == session_id).returning(SessionRow.person_id)
            person_id = session.scalar(ended)
            return None if person_id is None else note(session, person_id, now)

    def sessions_of(self, username: str) -> list[SessionInfo]:
        """The stored sign-ins and tokens of somebody, newest first, expired ones included until they are purged."""
        with self._sessions() as session:
            person_id = person_row(session, username).id
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
        with writing(self._sessions) as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at < now - _KEEP_EXPIRED))
            session.execute(delete(AuthChangeRow).where(AuthChangeRow.at < now - _KEEP_CHANGES))

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
            network=new.network,
            scopes=None if new.scopes is None else sorted(new.scopes),
            method=new.method,
            proved_at=new.now if new.method is not None else None,
        )
        session.add(row)
        session.flush()
        return _record(row)


def _end_recoveries(session: Session, person_id: str) -> None:
    """Links to a new password end with what they were made for: an older one, or an account that was open."""
    session.execute(delete(InvitationRow).where(InvitationRow.person_id == person_id))


def _has_second_factor(session: Session, person_id: str) -> bool:
    query = select(TotpRow.person_id).where(TotpRow.person_id == person_id, TotpRow.confirmed)
    return session.scalar(query) is not None
