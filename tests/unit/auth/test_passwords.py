from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from auth.errors import PersonRuleError, ThrottledError
from auth.passwords import Passwords, check_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(CHEAP)
    yield made
    made.close()


async def test_the_right_password_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("kuda lumping 7")
    assert stored.startswith("$argon2id$")
    assert await passwords.hash("kuda lumping 7") != stored
    assert await passwords.verify(stored, "kuda lumping 7")
    for wrong in ("kuda lumping 8", "kuda lumping 7 ", "", "\ud800", "kuda lumping 7\x00"):
        assert not await passwords.verify(stored, wrong)


async def test_the_same_password_from_another_keyboard(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash("caf\u00e9 di Menteng"), "cafe\u0301 di Menteng")


async def test_nobody_has_no_password_but_costs_a_hash(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str | bytes] = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> bool:
        verified.append(stored)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    assert not await passwords.verify(None, "kuda lumping 7")
    assert len(verified) == 1
    assert "m=8,t=1" in str(verified[0])


async def test_guessing_the_hash_of_nobody_is_still_nobody(passwords: Passwords) -> None:
    passwords._nobody = Future()
    passwords._nobody.set_result(CHEAP.hash("kuda lumping 7"))
    assert not await passwords.verify(None, "kuda lumping 7")


async def test_an_unreadable_hash_is_refused_loudly_and_not_shown(
    passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert not await passwords.verify("plain text password", "plain text password")
    assert "not readable" in caplog.text
    assert "plain text password" not in caplog.text


class SlowHasher(PasswordHasher):
    """Notes how many work at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.lock, self.working, self.most = threading.Lock(), 0, 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.working += 1
            self.most = max(self.most, self.working)
        time.sleep(0.01)
        with self.lock:
            self.working -= 1
        return super().hash(password, salt=salt)


async def test_at_most_two_hash_at_once_and_the_loop_stays_free() -> None:
    slow = SlowHasher()
    passwords = Passwords(slow)
    hashing = asyncio.gather(*(passwords.hash(f"a password {number}") for number in range(10)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert len(await hashing) == 10
    assert slow.most == 2
    assert turns > 10
    passwords.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no nice value of its own")
async def test_hashing_gives_way_to_everything_else() -> None:
    nice_values: list[int] = []

    class Noting(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            nice_values.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return super().hash(password, salt=salt)

    passwords, ours = Passwords(Noting(time_cost=1, memory_cost=8, parallelism=1)), os.nice(0)
    await asyncio.gather(*(passwords.hash(f"a password {number}") for number in range(4)))
    assert len(nice_values) == 5  # the hash of nobody too
    assert set(nice_values) == {min(19, ours + 10)}
    assert os.nice(0) == ours
    passwords.close()


async def test_a_full_line_turns_away_and_is_free_again_after() -> None:
    passwords = Passwords(CHEAP, parallel=1, max_waiting=1)
    leave = asyncio.Event()

    async def stand() -> None:
        async with passwords.slot():
            await leave.wait()

    async def enter() -> None:
        async with passwords.slot():
            pass

    inside, waiting = asyncio.create_task(stand()), asyncio.create_task(stand())
    await asyncio.sleep(0)
    with pytest.raises(ThrottledError) as full:
        await enter()
    assert full.value.retry_after_s > 0
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    await inside
    await enter()
    passwords.close()


def test_the_default_is_argon2id_as_rfc_9106_says() -> None:
    hasher: Any = PasswordHasher()
    assert (hasher.type.name, hasher.time_cost, hasher.memory_cost) == ("ID", 3, 64 * 1024)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257, "\ud800" * 9, "SariSari"])
def test_passwords_that_are_not_taken(password: str) -> None:
    with pytest.raises(PersonRuleError) as refused:
        check_password(password, "sarisari")
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ["12345678", "x" * 256, "🐎🐎🐎🐎🐎🐎🐎🐎", "with space"])
def test_passwords_that_are_taken(password: str) -> None:
    check_password(password, "sarisari")
