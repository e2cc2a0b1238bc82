"""The public RTSP server of one worker: integrators' accounts, and which streams each of them may play."""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from streams.hub import Hub
from streams.relay import HubSource
from streams.rtsp.auth import ServerAuth
from streams.rtsp.server import RtspServer
from streams.rtsp.session import Session
from streams.rtsp.source import MediaSource

_log = logging.getLogger(__name__)

SCHEMES = ("digest-sha256", "digest")  # no Basic: the server has no TLS, and the secret would be readable on the way
_MAX_UNSENT_BYTES = 4 << 20  # a client gets the kept group of pictures in one piece


@dataclass(frozen=True, slots=True)
class RestreamAccount:
    """What an account may play: the streams with these `keys` ("cam-1/main").

    `hashes` are those of `streams.rtsp.auth.hashes_of` for the server's realm; no repr shows them.
    """

    name: str
    hashes: Mapping[str, str] = field(repr=False)
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RestreamLimits:
    """How many sessions there may be in all and for one account."""

    sessions: int = 64
    sessions_per_account: int = 16


class Restream:
    """The accounts as the parent tells them, and the server behind which they stand.

    `find` gives the hub of a key, and may wait or raise StreamError. `tell` hears who begins and ends to play: "play"
    (session_id, key, account) and "play_end" (session_id, reason: closed or revoked). A stream that an account may not
    play is not there for it (404), as everywhere else.
    """

    def __init__(
        self,
        find: Callable[[str], Awaitable[Hub]],
        ready_s: float,
        tell: Callable[[str, dict[str, str]], None] = lambda _kind, _payload: None,
    ) -> None:
        self._find = find
        self._tell = tell
        self._is_cutting = False
        self._ready_s = ready_s
        self._limits = RestreamLimits()
        self._accounts: dict[str, RestreamAccount] = {}
        self._hashes: dict[str, Mapping[str, str]] = {}
        self._sources: dict[str, HubSource] = {}
        self._server: RtspServer | None = None
        self._auth: ServerAuth | None = None

    @property
    def auth(self) -> ServerAuth | None:
        """Digest over the accounts of now."""
        return self._auth

    @property
    def session_count(self) -> int:
        """Sessions at the moment."""
        return self._server.session_count if self._server else 0

    def allow(self, account: RestreamAccount) -> None:
        """Let this account play what it says, instead of what it said before; what it may no longer play ends."""
        before = self._accounts.get(account.name)
        self._accounts[account.name] = account
        self._hashes[account.name] = account.hashes
        is_same = before is None or before.hashes == account.hashes
        self._end(lambda path, name: name == account.name and not (is_same and path in account.keys))

    def forget(self, name: str) -> None:
        """The account is gone, and what it plays ends; idempotent."""
        self._accounts.pop(name, None)
        self._hashes.pop(name, None)
        self._end(lambda _, username: username == name)

    def recall(self, key: str) -> None:
        """End every session on this stream."""
        self._sources.pop(key, None)
        self._end(lambda path, _: path == key)

    def _end(self, matches: Callable[[str, str], bool]) -> None:
        if self._server:
            self._is_cutting = True  # sessions end before this returns
            self._server.end_where(matches)
            self._is_cutting = False

    def _playing(self, session: Session, begins: bool) -> None:
        if begins:
            self._tell("play", {"session_id": session.id, "key": session.path, "account": session.username})
        else:
            reason = "revoked" if self._is_cutting else "closed"
            self._tell("play_end", {"session_id": session.id, "reason": reason})

    def source(self, path: str, username: str) -> MediaSource | None:
        """The stream at this path, if the account may play it."""
        account = self._accounts.get(username)
        if account is None or path not in account.keys:
            return None
        source = self._sources.get(path)
        if source is None:
            source = HubSource(functools.partial(self._find, path), self._ready_s, squeezes=True)
            self._sources[path] = source
        return source

    def has_room(self, username: str, own: int, total: int) -> bool:
        """Whether neither the account nor the server has as many sessions as it may."""
        if total < self._limits.sessions and own < self._limits.sessions_per_account:
            return True
        _log.warning("re-stream account %s is refused another session: it has %d of %d", username, own, total)
        return False

    async def start(self, listening: socket.socket, realm: str, limits: RestreamLimits) -> None:
        """Serve.

        Raises:
            OSError: there is no pair of UDP ports left.
        """
        self._limits = limits
        self._auth = ServerAuth.hashed(self._hashes, realm, SCHEMES)
        # A client holds a connection while it plays, and a few ask and never play.
        server = RtspServer.behind(
            self,
            max_clients=2 * limits.sessions,
            max_unsent_bytes=_MAX_UNSENT_BYTES,
            on_playing=self._playing,
        )
        await server.start(listening.getsockname()[0], 0, listening)
        self._server = server

    async def close(self) -> None:
        """End it; idempotent."""
        if self._server:
            await self._server.close()
