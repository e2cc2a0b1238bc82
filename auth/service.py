"""The door to everything about people: signing in, checking tokens, managing accounts.

    store = open_store(url)                                   # camctl.store; any sessionmaker will do
    auth = AuthService(store.sessions)
    auth.on_change.append(cut_streams_and_sockets_of)         # called with the person's id, on the event loop
    watching = asyncio.create_task(auth.watch_changes())      # hears what other processes change (camctl user ...)
    await auth.create_person("sari", "a long password", role="official", areas=["31.71.01"], display_name="Ibu Sari")
    token, sign_in = await auth.sign_in("sari", "a long password", "203.0.113.9")
    sign_in = await auth.authenticate(token)                  # None: 401
    allows(sign_in.person, Capability.LIVE, camera, now)      # auth.policy
    await auth.close()

A socket or stream is registered first and its sign-in checked (again) after, so that a change between the two is not
missed; when `on_change` names its person, ask `recheck(session_id)` and the policy again, and cut what no longer holds.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from auth import tokens
from auth.cache import SharedReads, SignInCache
from auth.changes import ChangeReader
from auth.checks import check_name, checked_person, normalise_username
from auth.errors import AuthUnavailableError, PersonRuleError, WrongSignInError
from auth.grants import GrantWish, checked_wish
from auth.model import Person, SessionInfo, SignIn, SignInKind
from auth.password_proof import PasswordProof
from auth.passwords import Passwords
from auth.proofs import Method
from auth.records import Admission, Credentials, NewSession, Records, SessionRecord
from auth.session_rules import SessionRules, utc_now
from auth.throttle import Throttle, shown_network
from auth.writing import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy.orm import Session, sessionmaker

    from auth.roles import Capability

__all__ = ["AuthService", "SessionRules", "utc_now"]
T = TypeVar("T")
log = logging.getLogger(__name__)


class AuthService:
    """People and sign-ins. Made and used on one event loop; the database is reached on threads of its own.

    Raises AuthUnavailableError when the database does not answer. `clock` gives aware UTC, `steady` growing seconds.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        *,
        passwords: Passwords | None = None,
        throttle: Throttle | None = None,
        rules: SessionRules | None = None,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_change: list[Callable[[str], None]] = []
        self.sessions = sessions
        self._records = Records(sessions)
        self._passwords = passwords or Passwords()
        self._rules = rules or SessionRules()
        self._clock = clock
        self._steady = steady
        self._proof = PasswordProof(
            lambda account: self._db(self._records.credentials, account),
            self._passwords,
            throttle or Throttle(),
            steady,
        )
        self._cache = SignInCache(self._rules.fresh_s, self._rules.max_cached)
        self._reads = SharedReads(self._rules.fresh_s)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="auth-db")
        self._changes = ChangeReader()

    # -- signing in ------------------------------------------------------------------------------------------------

    async def sign_in(
        self, username: str, password: str, address: str, kind: SignInKind = SignInKind.BROWSER
    ) -> tuple[str, SignIn]:
        """A new token and sign-in; WrongSignInError, or ThrottledError with `retry_after_s`. About 0.1 s of hashing.

        SecondFactorNeededError when the password is right and is not all that this person has to prove.
        """
        judged = await self.prove_password(username, password, address)
        admitted = await self.admit(judged.person_id, Method.PASSWORD, address, kind, judged=judged)
        await self._rehash_if_old(judged, password)
        return admitted

    async def prove_password(self, username: str, password: str, address: str) -> Credentials:
        """What the right password was judged by; errors as `sign_in`'s. Only `admit` or `succeeded` clears counts."""
        return await self._proof.prove(username, password, address)

    def succeeded(self, username: str, address: str) -> None:
        """This person proved themselves at this address in full: guesses from elsewhere no longer slow them here."""
        self._proof.succeeded(username, address)

    async def admit(
        self,
        person_id: str,
        method: Method,
        address: str,
        kind: SignInKind = SignInKind.BROWSER,
        *,
        judged: Credentials | None = None,
    ) -> tuple[str, SignIn]:
        """Begin a sign-in of somebody who has just been proved; WrongSignInError when they are closed or gone.

        `judged`: what a password was judged by; one that was changed since is wrong. A password alone does not admit
        whoever has a second factor (SecondFactorNeededError), whoever calls.
        """
        judged = judged or await self._db(self._records.credentials_of, person_id)
        if judged is None:
            raise WrongSignInError
        token = tokens.new_token()
        expires_at = self._clock() + timedelta(seconds=self._rules.absolute_s)
        new = self._new_session(token, kind, "", expires_at, self._rules.idle_s, method)
        record = await self._db(self._records.add_session, judged, replace(new, network=shown_network(address)))
        self.succeeded(record.person.username, address)
        return token, _sign_in(record)

    async def proved_again(self, sign_in: SignIn) -> datetime:
        """The person of this sign-in has just proved once more who they are; the time of it.

        What the sign-in began with stays: whoever loses that ends it, however often it was renewed.
        """
        now = self._clock()
        await self._db(self._records.prove, sign_in.session_id, now)
        self._cache.drop_person(sign_in.person.id)
        return now

    async def _rehash_if_old(self, judged: Credentials, password: str) -> None:
        old = judged.password_hash
        if old is not None and self._passwords.needs_rehash(old):
            await self._db(self._records.replace_hash, judged.person_id, old, await self._passwords.hash(password))

    def _new_session(
        self,
        token: str,
        kind: SignInKind,
        name: str,
        expires_at: datetime,
        idle_s: int | None,
        method: Method | None = None,
    ) -> NewSession:
        token_sha256 = tokens.digest(token)
        if token_sha256 is None:
            raise RuntimeError("a fresh token has the wrong form")
        return NewSession(token_sha256, kind, name, self._clock(), expires_at, idle_s, method)

    # -- tokens ----------------------------------------------------------------------------------------------------

    async def authenticate(self, token: str, address: str = "") -> SignIn | None:
        """Whose token this is, if it holds now; from memory when it was read within `fresh_s`.

        `address` is the caller's, for the owner's list of sign-ins; empty: not known.
        """
        token_sha256 = tokens.digest(token)
        if token_sha256 is None:
            return None
        record = self._cache.get(token_sha256, self._steady())
        if record is None:
            record = await self._reads.get(
                token_sha256,
                self._steady(),
                self._cache.generation,
                lambda digest: self._read(digest, shown_network(address)),
            )
        return _sign_in(record) if record is not None and record.alive(self._clock()) else None

    async def _read(self, token_sha256: str, network: str) -> SessionRecord | None:
        record = None
        for _ in range(3):  # read again when somebody changed meanwhile; the cache refuses the older answer anyway
            generation, read_at_s = self._cache.generation, self._steady()
            record = await self._db(self._records.by_token, token_sha256)
            if generation == self._cache.generation:
                break
        if record is None:
            return None
        record = await self._touched(record, network)
        self._cache.put(token_sha256, record, read_at_s, generation)
        return record

    async def _touched(self, record: SessionRecord, network: str = "") -> SessionRecord:
        now = self._clock()
        every_s = self._rules.touch_s if record.idle_s is None else min(self._rules.touch_s, record.idle_s / 4)
        if not record.alive(now) or now - record.last_seen < timedelta(seconds=every_s):
            return record
        try:
            await self._db(self._records.touch, record.session_id, now, network)
        except AuthUnavailableError:
            log.warning("the last use of a sign-in could not be written; it stays valid", exc_info=True)
            return record
        return replace(record, last_seen=now)

    async def recheck(self, session_id: str, *, used: bool = False) -> SignIn | None:
        """The sign-in as it is in the database this moment, with its person; None when it no longer holds.

        `used` counts as use against the idle limit: for a socket or stream that somebody is at, without other requests.
        """
        record = await self._db(self._records.by_session_id, session_id)
        if record is None or not record.alive(self._clock()):
            return None
        return _sign_in(await self._touched(record) if used else record)

    async def recheck_all(self, session_ids: Collection[str]) -> dict[str, SignIn]:
        """`recheck` of many with one look; those that no longer hold are left out."""
        records = await self._db(self._records.by_session_ids, session_ids)
        return {record.session_id: _sign_in(record) for record in records if record.alive(self._clock())}

    async def sign_out(self, token: str) -> None:
        """End the sign-in of this token; nothing happens when there is none."""
        token_sha256 = tokens.digest(token)
        record = await self._db(self._records.by_token, token_sha256) if token_sha256 else None
        if record is not None:
            await self.end_session(record.session_id)

    async def end_session(self, session_id: str) -> None:
        """End one sign-in or API token by its id; nothing happens when it ended already."""
        self._tell(await self._db(self._records.end_session, session_id, self._clock()))

    async def sessions_of(self, username: str) -> list[SessionInfo]:
        """The sign-ins and API tokens of somebody that have not been ended, newest first."""
        return await self._db(self._records.sessions_of, normalise_username(username))

    async def issue_token(
        self, username: str, expires_at: datetime, name: str, scopes: frozenset[Capability] | None = None
    ) -> str:
        """A bearer token for a program; shown once, ended like a sign-in. PersonRuleError on a bad request.

        `scopes` None: it may do all that the person may.
        """
        now = self._clock()
        if expires_at.tzinfo is None or not now < expires_at <= now + timedelta(seconds=self._rules.max_token_s):
            days = round(self._rules.max_token_s / 86400)
            raise PersonRuleError("expires_at", f"A token's end has a time zone and lies within the next {days} days.")
        token = tokens.new_token()
        new = self._new_session(token, SignInKind.API, check_name("name", name, required=True), expires_at, None)
        await self._db(self._records.add_token, normalise_username(username), replace(new, scopes=scopes))
        return token

    # -- people ----------------------------------------------------------------------------------------------------

    async def create_person(
        self,
        username: str,
        password: str | None,
        *,
        role: str | None,
        areas: Sequence[str] = (),
        display_name: str = "",
        organisation: str = "",
        priority: int | None = None,
        reason: str = "the account was made",
        granter: str = "",
        admission: Admission | None = None,
    ) -> Person:
        """Store somebody new, with one grant if areas are named; PersonRuleError when something is not allowed.

        Without a password they come in by other ways. `admission` is asked within the transaction. Whether the area
        codes exist is the caller's to check: the tree is not known here.
        """
        name = normalise_username(username)
        if password is not None:
            await self._passwords.check_new(password, name)
        now = self._clock()
        person = checked_person(
            Person(uuid.uuid4().hex, name, display_name or name, organisation=organisation, created=now)
        )
        wish = GrantWish(role=role, areas=tuple(areas), priority=priority, reason=reason)
        hashed = None if password is None else await self._passwords.hash(password)
        checked = checked_wish(wish, now) if areas else wish
        return await self._db(self._records.add_person, person, hashed, checked, granter, admission)

    async def person(self, username: str) -> Person:
        """Somebody by name; UnknownPersonError when nobody."""
        return await self._db(self._records.person, normalise_username(username))

    async def list_people(self) -> list[Person]:
        """Everybody, disabled ones too, by username."""
        return await self._db(self._records.people)

    async def list_waiting(self) -> list[Person]:
        """Everybody of whom a grant waits for a second person's approval, by username."""
        return await self._db(self._records.with_waiting_grants)

    async def change_person(self, username: str, edit: Callable[[Person], Person]) -> Person:
        """Change the name shown or the organisation; sign-ins go on under what that means at once.

        `await auth.change_person("sari", lambda person: replace(person, organisation="PT Contoh"))`
        """
        return await self._change(username, lambda person: checked_person(edit(person)))

    async def disable_person(self, username: str) -> Person:
        """Close the account and end all its sign-ins and tokens."""
        return await self._change(username, lambda person: replace(person, disabled=True), end_sessions=True)

    async def enable_person(self, username: str) -> Person:
        """Open a closed account again; its old sign-ins stay ended."""
        return await self._change(username, lambda person: replace(person, disabled=False))

    async def _change(self, username: str, edit: Callable[[Person], Person], *, end_sessions: bool = False) -> Person:
        person, change = await self._db(
            lambda: self._records.change_person(
                normalise_username(username), self._clock(), edit, end_sessions=end_sessions
            )
        )
        self._tell(change)
        return person

    async def change(self, call: Callable[[], tuple[T, Iterable[Change]]]) -> T:
        """Change something on a thread and tell of those whom it concerns; for the doors beside this one."""
        result, changes = await self._db(call)
        for change in changes:
            self._tell(change)
        return result

    async def read(self, call: Callable[[], T]) -> T:
        """Read something on a thread; for the doors beside this one."""
        return await self._db(call)

    def now(self) -> datetime:
        """The wall clock by which grants begin and end."""
        return self._clock()

    async def set_password(
        self, username: str, password: str, *, keep_session_id: str | None = None, admission: Admission | None = None
    ) -> None:
        """A new password; ends all of the person's sign-ins and tokens but one to keep. PersonRuleError."""
        name = normalise_username(username)
        await self._passwords.check_new(password, name)
        await self.person(name)
        hashed = await self._passwords.hash(password)
        store = self._records.set_password_hash
        self._tell(await self._db(store, name, self._clock(), hashed, keep_session_id, admission))

    # -- changes ---------------------------------------------------------------------------------------------------

    def _tell(self, change: Change | None) -> None:
        if change is not None:
            self._changes.saw(change)
            self._announce(change.person_id)

    def _announce(self, person_id: str) -> None:
        self._cache.drop_person(person_id)
        for hook in list(self.on_change):
            try:
                hook(person_id)
            except Exception:  # one broken listener must not keep the others from cutting what they hold
                log.exception("a listener failed on a change of person %s", person_id)

    async def poll_changes(self) -> None:
        """Announce once what other processes changed since the last poll."""
        for person_id in self._changes.news(await self._db(self._records.changes_after, self._changes.after)):
            self._announce(person_id)

    async def watch_changes(self) -> None:
        """Poll every `poll_s` and delete what expired every `purge_s`, until cancelled; survives a database outage."""
        purge_at_s, failing = self._steady(), False
        while True:
            try:
                await self.poll_changes()
                if self._steady() >= purge_at_s:
                    await self._db(self._records.purge, self._clock())
                    purge_at_s = self._steady() + self._rules.purge_s
                failing = False
            except AuthUnavailableError:
                log.log(logging.DEBUG if failing else logging.ERROR, "changes of rights cannot be read", exc_info=True)
                failing = True
            await asyncio.sleep(self._rules.poll_s)

    async def close(self) -> None:
        """End the threads; calls after this fail."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._passwords.close)

    async def _db(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: call(*arguments))
        except SQLAlchemyError as error:
            raise AuthUnavailableError from error


def _sign_in(record: SessionRecord) -> SignIn:
    return SignIn(record.person, record.session_id, record.expires_at, record.kind, record.method, record.proved_at)
