"""Who may play what of the re-stream: accounts that stand for people, told to the media workers at every change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from auth.errors import AuthUnavailableError
from auth.model import Person
from auth.policy import Standing, next_edge
from auth.restreams import RestreamAccounts, StoredRestream
from auth.roles import Capability
from auth.service import AuthService, utc_now
from camctl.cameras.model import CameraEntry
from camctl.control.client import ControlClient
from camctl.supervisor import Supervisor
from camctl.video import ViewEnd
from streams.pool import RestreamAccount
from streams.quality import Quality

_log = logging.getLogger(__name__)

SWEEP_S = 15.0


class Pool(Protocol):
    """What is needed of streams.pool.MediaPool."""

    def set_restream_accounts(self, accounts: Mapping[str, RestreamAccount]) -> None:
        """Let exactly these accounts play."""


class Plays(Protocol):
    """Who wants to hear of what recorders and players get."""

    def play_began(self, session_id: str, person: Person, camera: CameraEntry, account: str) -> None:
        """An account of this person's begins to get this camera's video."""

    def play_ended(self, session_id: str, why: ViewEnd) -> None:
        """It no longer does; one that never began is none."""


def grants(
    stored: Iterable[StoredRestream], cameras: Iterable[CameraEntry], now: datetime
) -> dict[str, RestreamAccount]:
    """What each account may play at that moment: the cameras it names, or all, that its person may watch live."""
    entries = list(cameras)
    found = {}
    for account in stored:
        standing = Standing(account.person, now)
        keys = frozenset(
            f"{entry.id}/{quality.value}"
            for entry in entries
            if (not account.cameras or entry.id in account.cameras) and standing.allows(Capability.LIVE, entry.ref)
            for quality in Quality
        )
        found[account.name] = RestreamAccount(account.name, account.hashes, keys)
    return found


class RestreamGrants:
    """A part of the service: tells the workers the accounts, and again whenever anything about people changed."""

    def __init__(
        self,
        accounts: RestreamAccounts,
        auth: AuthService,
        cameras: ControlClient,
        pool: Pool,
        supervisor: Supervisor,
        plays: Plays,
    ) -> None:
        self._plays = plays
        self._accounts = accounts
        self._auth = auth
        self._cameras = cameras
        self._pool = pool
        self._supervisor = supervisor
        self._due = asyncio.Event()
        self._people: Mapping[str, Person] = {}

    def on_event(self, event: Mapping[str, object]) -> None:
        """What a media worker reports of those who play: each of it is a view on record."""
        match event:
            case {"type": "play", "session_id": str(session_id), "key": str(key), "account": str(account)}:
                camera = self._cameras.get(key.rpartition("/")[0])
                person = self._people.get(account)
                if camera is not None and person is not None:
                    self._plays.play_began(session_id, person, camera.entry, account)
            case {"type": "play_end", "session_id": str(session_id), "reason": reason}:
                self._plays.play_ended(session_id, ViewEnd(str(reason)))

    async def start(self) -> None:
        """Tell them the first time, and follow changes."""
        self._auth.on_change.append(self._on_change)
        self.look_again()
        self._supervisor.spawn(self._follow(), "re-stream accounts")

    async def close(self) -> None:
        """Hear no more."""
        with contextlib.suppress(ValueError):
            self._auth.on_change.remove(self._on_change)

    def _on_change(self, _person_id: str) -> None:
        self.look_again()

    def look_again(self) -> None:
        """Tell the workers at once what each account may play now: a person or a camera has changed."""
        self._due.set()

    async def _follow(self) -> None:
        wait_s = SWEEP_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._due.wait()
            self._due.clear()
            try:
                stored = await asyncio.to_thread(self._accounts.all)
            except AuthUnavailableError:
                # As with sign-ins: what was allowed goes on while nobody can be asked.
                _log.exception("re-stream accounts could not be read; they will be with the next sweep")
                continue
            now = utc_now()
            self._people = {account.name: account.person for account in stored}
            self._pool.set_restream_accounts(grants(stored, (camera.entry for camera in self._cameras), now))
            wait_s = _until_edge_s(stored, now)


def _until_edge_s(stored: Iterable[StoredRestream], now: datetime) -> float:
    """Seconds until somebody's rights may change by themselves, if that is before the next sweep."""
    edges = [edge for account in stored if (edge := next_edge(account.person, now)) is not None]
    return min([SWEEP_S, *((edge - now).total_seconds() for edge in edges)])
