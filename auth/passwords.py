"""Passwords: argon2id in a bounded pool of threads, with the same cost for people who do not exist."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from auth.breached import is_breached
from auth.errors import PersonRuleError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MIN_CHARS = 8
MAX_CHARS = 256
PARALLEL = 2  # each hash takes 64 MiB and most of a core for about 0.1 s
_NICE = 10  # of 19: a ninth of the weight that those who steer and watch have when a core is short
_MAX_WAITING = 1000
_BUSY_RETRY_S = 5.0

log = logging.getLogger(__name__)


def check_password(password: str, username: str) -> None:
    """PersonRuleError when a new password is too short, too long, not text, or the username itself."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise PersonRuleError("password", f"A password has {MIN_CHARS} to {MAX_CHARS} characters.")
    if _octets(password) is None:
        raise PersonRuleError("password", "The password contains something that is not text.")
    if password.casefold() == username.casefold():
        raise PersonRuleError("password", "The password must not be the username.")


def _octets(password: str) -> bytes | None:
    # NFKC (NIST SP 800-63B, 3.1.1.2): the same password typed on two keyboards. None: lone surrogates, as JSON allows.
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None


def _step_back() -> None:
    """Let this thread, and those that argon2 starts from it for its lanes, run when others need no core.

    On Linux each thread has a nice value of its own (sched(7)), elsewhere it is the whole process's and stays.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICE))


class Passwords:
    """Hashes and verifies, at most `parallel` at a time; further callers wait in line, at most `max_waiting`.

    A storm of sign-ins does not slow those who steer: hashing gives way to everything else.
    """

    def __init__(
        self, hasher: PasswordHasher | None = None, *, parallel: int = PARALLEL, max_waiting: int = _MAX_WAITING
    ) -> None:
        self._hasher = hasher or PasswordHasher()  # RFC 9106, low-memory profile: t=3, 64 MiB, 4 lanes
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="auth-hash", initializer=_step_back)
        self._slots = asyncio.Semaphore(parallel)
        self._waiting = 0
        self._max_waiting = max_waiting
        self._nobody = self._pool.submit(self._hasher.hash, secrets.token_bytes(16))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place in the pool for one verification; ThrottledError when the line is full."""
        if self._waiting >= self._max_waiting:
            raise ThrottledError(_BUSY_RETRY_S)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def check_new(self, password: str, username: str) -> None:
        """PersonRuleError when a new password breaks `check_password`'s rules or is on a list of stolen ones."""
        check_password(password, username)
        if await asyncio.get_running_loop().run_in_executor(self._pool, is_breached, password):
            raise PersonRuleError(
                "password", "This password is on lists of stolen passwords that attackers try first; choose another."
            )

    async def hash(self, password: str) -> str:
        """The stored form of a password that `check_password` accepted; about 0.1 s."""
        octets = _octets(password)
        if octets is None:
            raise PersonRuleError("password", "The password contains something that is not text.")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, octets)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the stored hash; None (nobody) costs as much and is always False."""
        octets = _octets(password) if len(password) <= MAX_CHARS else None
        if octets is None:
            return False
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._verify, stored, octets)

    def _verify(self, stored: str | None, octets: bytes) -> bool:
        # Waiting here cannot starve the pool: the hash of nobody was its first job.
        against = stored if stored is not None else self._nobody.result()
        try:
            self._hasher.verify(against, octets)
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            log.exception("a stored password hash is not readable; its owner needs a new password")
            return False
        return stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads; a hash under way is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
