"""One database, several processes: they start together, and one hears what another changed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from sqlalchemy import inspect

from auth.passwords import Passwords
from auth.service import AuthService
from camctl.store import migrate, open_store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system

MIGRATE = "import sys; from camctl.store import migrate; migrate(sys.argv[1])"
DISABLE = """
import asyncio, sys
from auth.service import AuthService
from camctl.store import open_store

async def main():
    store = open_store(sys.argv[1])
    auth = AuthService(store.sessions)
    await auth.disable_person("sari")
    print("disabled", flush=True)
    await auth.close()
    store.close()

asyncio.run(main())
"""


def test_starts_at_the_same_time_all_find_a_whole_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/camctl.db"
    command = [sys.executable, "-W", "error", "-c", MIGRATE, url]
    starts = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outcomes = [(start.communicate(timeout=60)[1], start.returncode) for start in starts]
    assert outcomes == [("", 0)] * 4
    store = open_store(url)
    assert {"person", "session", "alembic_version"} <= set(inspect(store.engine).get_table_names())
    store.close()


async def test_an_account_closed_in_another_process_is_closed_here_within_a_second(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/camctl.db"
    migrate(url)
    store = open_store(url)
    auth = AuthService(store.sessions, passwords=Passwords(PasswordHasher(1, 8, 1)))
    await auth.create_person("sari", "kuda lumping 7", role="official", areas=["31"])
    token, sign_in = await auth.sign_in("sari", "kuda lumping 7", "127.0.0.1")
    heard: asyncio.Queue[str] = asyncio.Queue(10)
    auth.on_change.append(heard.put_nowait)
    watching = asyncio.create_task(auth.watch_changes())
    shell = await asyncio.create_subprocess_exec(sys.executable, "-c", DISABLE, url, stdout=asyncio.subprocess.PIPE)
    try:
        assert shell.stdout is not None
        async with asyncio.timeout(30):
            assert await auth.authenticate(token)
            assert await shell.stdout.readline() == b"disabled\n"
            told_at_s = time.monotonic()
            assert await heard.get() == sign_in.person.id
            assert time.monotonic() - told_at_s < 1.0
            assert await auth.authenticate(token) is None
            assert await shell.wait() == 0
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        if shell.returncode is None:
            shell.kill()
            await shell.wait()
        await auth.close()
        store.close()
