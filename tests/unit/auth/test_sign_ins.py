"""Signing in, and what a token opens for how long; guessing is slowed, and nothing is decided without the database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from auth.errors import (
    AuthUnavailableError,
    PersonRuleError,
    ThrottledError,
    UnknownPersonError,
    WrongSignInError,
)
from auth.model import SignInKind
from auth.passwords import Passwords
from auth.service import SessionRules
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.service import AuthService
    from camctl.store import Store


async def test_a_sign_in_and_its_token(auth: AuthService) -> None:
    await sari(auth, display_name="Ibu Sari")
    token, sign_in = await auth.sign_in(" SARI ", PASSWORD, HOME)
    assert sign_in.person.display_name == "Ibu Sari"
    assert sign_in.person.areas == ("31.71.01",)
    assert await auth.authenticate(token) == sign_in
    assert await auth.recheck(sign_in.session_id) == sign_in


@pytest.mark.parametrize(
    ("username", "password"),
    [("sari", "wrong password"), ("nobody", PASSWORD), ("../../x\x00", PASSWORD), ("\ud800", PASSWORD), ("sari", ""),
     ("sari", "\ud800" * 10), ("sari", "x" * 100_000), ("s" * 100_000, PASSWORD)],
)  # fmt: skip
async def test_every_wrong_sign_in_says_the_same(auth: AuthService, username: str, password: str) -> None:
    await sari(auth)
    with pytest.raises(WrongSignInError, match=r"^The name or the password is wrong\.$"):
        await auth.sign_in(username, password, HOME)


async def test_a_disabled_person_is_told_the_same_as_a_mistyped_password(auth: AuthService) -> None:
    await sari(auth)
    await auth.disable_person("sari")
    with pytest.raises(WrongSignInError):
        await auth.sign_in("sari", PASSWORD, HOME)
    await auth.enable_person("sari")
    assert await auth.sign_in("sari", PASSWORD, HOME)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "ü" * 43, "a" * 100_000, "\ud800" * 43, "a" * 42 + "\x00"])
async def test_a_token_that_is_not_ours_is_nobody(auth: AuthService, token: str) -> None:
    assert await auth.authenticate(token) is None
    await auth.sign_out(token)


async def test_only_the_digest_of_a_token_and_a_password_is_stored(auth: AuthService, store: Store) -> None:
    await sari(auth)
    token, sign_in = await auth.sign_in("sari", PASSWORD, HOME)
    await auth.close()
    with store.engine.connect() as connection:
        rows = [*connection.execute(text("SELECT * FROM session")), *connection.execute(text("SELECT * FROM person"))]
    stored = repr([tuple(row) for row in rows])
    assert token not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored
    assert token not in repr(sign_in)


async def test_each_sign_in_has_a_token_of_its_own_and_signing_out_ends_one(auth: AuthService) -> None:
    await sari(auth)
    phone, first = await auth.sign_in("sari", PASSWORD, HOME)
    desk, second = await auth.sign_in("sari", PASSWORD, HOME)
    assert phone != desk
    assert await auth.authenticate(phone)
    await auth.sign_out(phone)
    assert await auth.authenticate(phone) is None
    assert await auth.recheck(first.session_id) is None
    assert await auth.authenticate(desk) == second
    assert [info.session_id for info in await auth.sessions_of("sari")] == [second.session_id]


async def test_a_sign_in_ends_at_its_absolute_time_though_it_is_used(services: Any) -> None:
    auth = services.make(rules=SessionRules(absolute_s=1000.0, idle_s=300))
    await sari(auth)
    token, sign_in = await auth.sign_in("sari", PASSWORD, HOME)
    assert sign_in.expires_at == services.clocks.now() + timedelta(seconds=1000)
    for _ in range(9):
        services.clocks.advance(111)
        assert await auth.authenticate(token) is not None
    services.clocks.advance(1)
    assert await auth.authenticate(token) is None


async def test_a_sign_in_ends_when_nobody_used_it(services: Any) -> None:
    auth = services.make(rules=SessionRules(absolute_s=10_000.0, idle_s=300))
    await sari(auth)
    token, sign_in = await auth.sign_in("sari", PASSWORD, HOME)
    services.clocks.advance(300)
    assert await auth.authenticate(token) is not None
    services.clocks.advance(301)
    assert await auth.recheck(sign_in.session_id) is None
    assert await auth.authenticate(token) is None


async def test_many_are_looked_at_together_and_only_those_that_hold_are_found(services: Any) -> None:
    auth = services.make(rules=SessionRules(absolute_s=10_000.0, idle_s=300))
    await sari(auth)
    _, idle = await auth.sign_in("sari", PASSWORD, HOME)
    services.clocks.advance(200)
    _, ended = await auth.sign_in("sari", PASSWORD, HOME)
    _, first = await auth.sign_in("sari", PASSWORD, HOME)
    _, second = await auth.sign_in("sari", PASSWORD, HOME)
    await auth.end_session(ended.session_id)
    services.clocks.advance(101)
    ids = [each.session_id for each in (idle, ended, first, second)]
    found = await auth.recheck_all([*ids, "nobody's", *(f"{number:032x}" for number in range(1200))])
    assert found == {each.session_id: each for each in (first, second)}
    assert {id_: await auth.recheck(id_) for id_ in found} == found
    assert await auth.recheck_all([]) == {}


async def test_a_socket_in_use_counts_as_use_and_one_that_is_merely_open_does_not(services: Any) -> None:
    auth = services.make(rules=SessionRules(idle_s=300))
    await sari(auth)
    _, wall = await auth.sign_in("sari", PASSWORD, HOME)
    _, forgotten = await auth.sign_in("sari", PASSWORD, HOME)
    for _ in range(10):
        services.clocks.advance(100)
        assert await auth.recheck(wall.session_id, used=True) is not None
        last = await auth.recheck(forgotten.session_id)
    assert last is None


async def test_expiry_holds_within_the_moment_that_the_memory_is_fresh(services: Any) -> None:
    auth = services.make(rules=SessionRules(absolute_s=10.0, fresh_s=1000.0))
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)
    assert await auth.authenticate(token)
    services.clocks.advance(10)
    assert await auth.authenticate(token) is None


async def test_last_seen_is_written_at_most_once_a_minute(services: Any) -> None:
    auth, clocks = services.make(), services.clocks
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)
    seen = []
    for _ in range(12):
        clocks.advance(11)
        await auth.authenticate(token)
        (info,) = await auth.sessions_of("sari")
        seen.append((info.last_seen - clocks.start).total_seconds())
    assert seen == [0, 0, 0, 0, 0, 66, 66, 66, 66, 66, 66, 132]


async def test_tokens_are_remembered_for_a_moment_only(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = services.make(rules=SessionRules(fresh_s=0.5))
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)
    reads: list[str] = []
    by_token = auth._records.by_token

    def counting(token_sha256: str) -> Any:
        reads.append(token_sha256)
        return by_token(token_sha256)

    monkeypatch.setattr(auth._records, "by_token", counting)
    for _ in range(5):
        await auth.authenticate(token)
    services.clocks.advance(0.6)
    found = await asyncio.gather(*(auth.authenticate(token) for _ in range(50)))
    assert all(each is not None for each in found)
    assert len(reads) == 2, "of many requests at the moment when it ran out one reads"


async def test_guessing_at_a_closed_account_is_slowed_too(auth: AuthService) -> None:
    await sari(auth)
    await auth.disable_person("sari")
    for _ in range(5):
        with pytest.raises(WrongSignInError):
            await auth.sign_in("sari", PASSWORD, HOME)
    with pytest.raises(ThrottledError):
        await auth.sign_in("sari", PASSWORD, HOME)


async def test_an_api_token_has_an_end_and_a_name(auth: AuthService, clocks: Any) -> None:
    await sari(auth)
    token = await auth.issue_token("sari", clocks.now() + timedelta(days=30), "traffic wall")
    (info,) = await auth.sessions_of("sari")
    assert (info.kind, info.name) == (SignInKind.API, "traffic wall")
    clocks.advance(29 * 24 * 3600)  # no idle limit
    assert await auth.authenticate(token)
    clocks.advance(24 * 3600)
    assert await auth.authenticate(token) is None


@pytest.mark.parametrize(
    ("username", "days", "name", "error"),
    [("sari", 0, "x", PersonRuleError), ("sari", 367, "x", PersonRuleError), ("sari", 1, " ", PersonRuleError),
     ("nobody", 1, "x", UnknownPersonError), ("gone", 1, "x", PersonRuleError)],
)  # fmt: skip
async def test_an_api_token_that_is_not_issued(
    auth: AuthService, clocks: Any, username: str, days: int, name: str, error: type[Exception]
) -> None:
    await sari(auth)
    await auth.create_person("gone", PASSWORD, role="operator")
    await auth.disable_person("gone")
    with pytest.raises(error):
        await auth.issue_token(username, clocks.now() + timedelta(days=days), name)
    with pytest.raises(PersonRuleError):
        await auth.issue_token("sari", datetime(2026, 3, 2), name or "x")  # noqa: DTZ001 - naive on purpose


async def test_guessing_is_slowed_but_the_owner_s_own_address_is_not(auth: AuthService, clocks: Any) -> None:
    await sari(auth)
    await auth.sign_in("sari", PASSWORD, HOME)
    for number in range(5):
        with pytest.raises(WrongSignInError):
            await auth.sign_in("sari", "a wrong guess", f"198.51.100.{number}")
    with pytest.raises(ThrottledError) as refused:
        await auth.sign_in("sari", "a wrong guess", "198.51.100.99")
    assert 0 < refused.value.retry_after_s <= 2
    with pytest.raises(ThrottledError):
        await auth.sign_in("sari", PASSWORD, "192.0.2.77")  # right, but from where nobody knows her
    assert await auth.sign_in("sari", PASSWORD, HOME)
    clocks.advance(refused.value.retry_after_s)
    assert await auth.sign_in("sari", PASSWORD, "192.0.2.77")


async def test_a_burst_of_guesses_gets_no_further_than_guesses_one_by_one(auth: AuthService) -> None:
    await sari(auth)
    burst = [auth.sign_in("sari", f"wrong guess {number}", HOME) for number in range(60)]
    outcomes = await asyncio.gather(*burst, return_exceptions=True)
    judged = [outcome for outcome in outcomes if isinstance(outcome, WrongSignInError)]
    assert 5 <= len(judged) <= 5 + 2  # the free ones, and at most those that were being hashed meanwhile
    assert all(isinstance(outcome, WrongSignInError | ThrottledError) for outcome in outcomes)


async def test_hanging_up_early_does_not_make_a_guess_free(auth: AuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    await sari(auth)
    hashing = asyncio.Event()

    async def never(*_: object) -> bool:
        hashing.set()
        await asyncio.Event().wait()
        return False

    with monkeypatch.context() as patched:
        patched.setattr(auth._passwords, "verify", never)
        for _ in range(5):
            hashing.clear()
            guess = asyncio.create_task(auth.sign_in("sari", "wrong guess", HOME))
            await hashing.wait()
            guess.cancel()
            with pytest.raises(asyncio.CancelledError):
                await guess
    with pytest.raises(ThrottledError):
        await auth.sign_in("sari", "wrong guess", HOME)


async def test_a_password_changed_while_it_was_judged_does_not_sign_in(
    auth: AuthService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sari(auth)
    verify = auth._passwords.verify

    async def slow(stored: str | None, password: str) -> bool:
        right = await verify(stored, password)
        await auth.set_password("sari", "another password")
        return right

    monkeypatch.setattr(auth._passwords, "verify", slow)
    with pytest.raises(WrongSignInError):
        await auth.sign_in("sari", PASSWORD, HOME)
    assert await auth.sessions_of("sari") == []


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(services: Any, store: Store) -> None:
    await sari(services.make())
    newer = services.make(passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    token, _ = await newer.sign_in("sari", PASSWORD, HOME)
    with store.engine.connect() as connection:
        assert "m=16,t=2" in connection.execute(text("SELECT password_hash FROM person")).scalar_one()
    assert await newer.authenticate(token)
    assert await newer.sign_in("sari", PASSWORD, HOME)


async def test_without_the_database_nothing_is_decided_and_no_guess_is_counted(
    auth: AuthService, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await sari(auth)
    token, sign_in = await auth.sign_in("sari", PASSWORD, HOME)
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE session RENAME TO away"))
        connection.execute(text("ALTER TABLE person RENAME TO gone"))
    for act in (
        auth.authenticate(token),
        auth.recheck(sign_in.session_id),
        auth.recheck_all(["x"]),
        auth.list_people(),
        auth.end_session("x"),
    ):
        with pytest.raises(AuthUnavailableError):
            await act
    for _ in range(50):
        with pytest.raises(AuthUnavailableError) as failed:
            await auth.sign_in("sari", PASSWORD, HOME)
    shown = f"{failed.value} {failed.value.__cause__} {caplog.text}"
    assert PASSWORD not in shown
    assert "argon2" not in shown


async def test_a_sign_in_stays_valid_when_only_its_last_use_cannot_be_written(
    auth: AuthService, clocks: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)

    def full(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr(auth._records, "touch", full)
    clocks.advance(61)
    assert await auth.authenticate(token)
    assert "could not be written" in caplog.text
