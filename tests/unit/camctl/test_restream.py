"""What an account may play follows from its person, and is told again at every change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from auth.errors import AuthUnavailableError
from auth.model import Person
from auth.restreams import RestreamAccounts, StoredRestream
from auth.service import AuthService
from camctl.cameras.model import CameraEntry
from camctl.control.client import ControlClient
from camctl.restream import RestreamGrants, grants
from camctl.restream_account import REALM, new_account
from camctl.supervisor import Supervisor
from camctl.video import ViewEnd
from streams.pool import RestreamAccount
from streams.rtsp.auth import hashes_of
from tests.support.people import person

CAMERAS = [
    CameraEntry("own", "own", "31.71.01", owner="PT Contoh", rtsp_main="rtsp://x/"),
    CameraEntry("other", "other", "31.71.01", owner="PT Lain", rtsp_main="rtsp://x/"),
    CameraEntry("far", "far", "31.72.01", owner="PT Contoh", rtsp_main="rtsp://x/"),
]
OPERATOR = person("operator", ("31.71",))
PARTNER = person("partner", ("31",), organisation="PT Contoh")


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def stored(person: Person, *cameras: str, name: str = "nvr") -> StoredRestream:
    return StoredRestream(name, person, cameras, NOW, {"MD5": "x"})


def cameras_of(account: StoredRestream) -> set[str]:
    keys = grants([account], CAMERAS, NOW)[account.name].keys
    assert {key.partition("/")[2] for key in keys} <= {"main", "sub"}
    return {key.partition("/")[0] for key in keys}


def test_an_account_plays_what_its_person_may_watch() -> None:
    assert cameras_of(stored(OPERATOR)) == {"own", "other"}
    assert cameras_of(stored(PARTNER)) == {"own", "far"}
    assert len(grants([stored(PARTNER)], CAMERAS, NOW)["nvr"].keys) == 4


def test_what_ends_by_the_clock_plays_no_more() -> None:
    acting = person("operator", ("31.71",), ends_at=NOW + timedelta(seconds=1))
    assert grants([stored(acting)], CAMERAS, NOW)["nvr"].keys
    assert not grants([stored(acting)], CAMERAS, NOW + timedelta(seconds=1))["nvr"].keys


def test_naming_cameras_narrows_and_never_widens() -> None:
    assert cameras_of(stored(OPERATOR, "own", "far", "none")) == {"own"}


def test_a_closed_account_plays_nothing() -> None:
    closed = person("operator", ("31",), disabled=True)
    assert cameras_of(stored(closed)) == set()


class Accounts:
    """As much of the table as is used, in memory."""

    def __init__(self) -> None:
        self.rows: list[StoredRestream] = []
        self.fails = False
        self.added: list[tuple[Any, ...]] = []

    def all(self) -> list[StoredRestream]:
        if self.fails:
            raise AuthUnavailableError
        return list(self.rows)

    def add(self, *words: Any) -> StoredRestream:
        self.added.append(words)
        return stored(OPERATOR, name=words[1])


async def test_the_secret_is_given_out_and_only_its_hashes_are_stored() -> None:
    accounts = Accounts()
    made, secret = await new_account(cast("RestreamAccounts", accounts), "budi", " NVR", ["own"], 16)
    [(username, name, hashes, cameras, _, most)] = accounts.added
    assert (username, name, cameras, most) == ("budi", "nvr", ["own"], 16)
    assert made.name == "nvr"
    assert hashes == hashes_of("nvr", REALM, secret)
    assert secret not in str(accounts.added)
    assert len(secret) >= 32


class Pool:
    def __init__(self) -> None:
        self.told: list[dict[str, RestreamAccount]] = []

    def set_restream_accounts(self, accounts: Mapping[str, RestreamAccount]) -> None:
        self.told.append(dict(accounts))


class Plays:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def play_began(self, session_id: str, person: Person, camera: CameraEntry, account: str) -> None:
        self.heard.append((session_id, person.username, camera.id, account))

    def play_ended(self, session_id: str, why: ViewEnd) -> None:
        self.heard.append((session_id, why))


class Camera:
    def __init__(self, entry: CameraEntry) -> None:
        self.entry = entry


class Cameras(list[Camera]):
    def get(self, camera_id: str) -> Camera | None:
        return next((camera for camera in self if camera.entry.id == camera_id), None)


class Auth:
    def __init__(self) -> None:
        self.on_change: list[Any] = []


async def test_every_change_of_people_is_told_and_an_outage_changes_nothing() -> None:
    accounts, pool, auth, supervisor, plays = Accounts(), Pool(), Auth(), Supervisor(), Plays()
    part = RestreamGrants(
        cast("RestreamAccounts", accounts),
        cast("AuthService", auth),
        cast("ControlClient", Cameras(Camera(entry) for entry in CAMERAS)),
        pool,
        supervisor,
        plays,
    )

    async def told(count: int) -> dict[str, RestreamAccount]:
        async with asyncio.timeout(2):
            while len(pool.told) < count:  # noqa: ASYNC110  # a list
                await asyncio.sleep(0.001)
        return pool.told[-1]

    await part.start()
    assert await told(1) == {}
    accounts.rows = [stored(OPERATOR)]
    [hook] = auth.on_change
    hook("1")
    assert set(await told(2)) == {"nvr"}
    part.on_event({"type": "play", "session_id": "s1", "key": "own/main", "account": "nvr"})
    part.on_event({"type": "play", "session_id": "s2", "key": "gone/main", "account": "nvr"})
    part.on_event({"type": "play_end", "session_id": "s1", "reason": "revoked"})
    part.on_event({"type": "stream_state", "key": "own/main"})
    assert plays.heard == [("s1", OPERATOR.username, "own", "nvr"), ("s1", ViewEnd.REVOKED)]
    accounts.fails = True
    hook("1")
    await asyncio.sleep(0.05)
    assert len(pool.told) == 2
    accounts.fails, accounts.rows = False, []
    hook("1")
    assert await told(3) == {}
    accounts.rows = [stored(OPERATOR)]
    part.look_again()
    assert (await told(4))["nvr"].keys == {"own/main", "own/sub", "other/main", "other/sub"}
    part._cameras.get("own").entry = replace(CAMERAS[0], emergency_only=True)  # type: ignore[union-attr]
    part.look_again()
    assert (await told(5))["nvr"].keys == {"other/main", "other/sub"}
    await part.close()
    assert auth.on_change == []
    await supervisor.close()
