"""Making an account of the re-stream: what the command line and the API both need, without the service's modules."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable

from auth.restreams import RestreamAccounts, StoredRestream, account_name
from auth.service import utc_now
from streams.rtsp.auth import hashes_of

REALM = "camctl"  # part of every stored hash: another one makes all secrets invalid
_SECRET_BYTES = 24


async def new_account(
    accounts: RestreamAccounts, username: str, name: str, cameras: Iterable[str], most: int | None = None
) -> tuple[StoredRestream, str]:
    """Store an account for this person, who may have `most`; it and its secret, which nobody can read anywhere later.

    Raises:
        AuthError: the person or the name is not right, or they have too many.
    """
    name, secret = account_name(name), secrets.token_urlsafe(_SECRET_BYTES)
    hashes = hashes_of(name, REALM, secret)
    return await asyncio.to_thread(accounts.add, username, name, hashes, list(cameras), utc_now(), most), secret
