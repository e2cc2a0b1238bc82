"""Who lives in the matrix's house, and what a row may need there before it asks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.invitations import Wish
from auth.model import SignIn
from auth.roles import Capability, ViewingRank
from auth.service import AuthService
from auth.tables import GrantRow
from auth.writing import writing
from camctl.api.access import Visit
from camctl.api.steering import source_of
from camctl.cameras.model import CameraEntry
from camctl.control.client import RemoteCamera
from camctl.ptz import events as ev
from camctl.restream_account import new_account
from camctl.store.patrols import StoredPatrol
from streams.quality import Demand
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD, opened_house
from tests.unit.camctl.api.matrix.asgi import ELSEWHERE
from tests.unit.camctl.api.matrix.design import (
    AWAY,
    CAMERAS,
    CITY,
    HOME,
    OURS,
    ROLES,
    USUAL_CAMERA,
    Cell,
    Situation,
    username,
)

OPTIONS = {"restream": {"enabled": True, "host": "10.20.0.1", "port": 8554}}
ENTRIES = tuple(
    CameraEntry(id_, f"Kamera {number}", area, owner, onvif_url="http://127.0.0.1/onvif",
                emergency_only=id_ == CAMERAS[Situation.EMERGENCIES_ONLY][0])
    for number, (id_, area, owner) in enumerate(sorted({USUAL_CAMERA, *CAMERAS.values()}))
)  # fmt: skip
SOON = timedelta(seconds=2)  # a grant cannot be given that is over already
ABOUT = {  # the people who are asked about
    "a-home": GrantWish(role="official", areas=(HOME,), reason="a test"),
    "a-away": GrantWish(role="official", areas=(AWAY,), reason="a test"),
    "a-single": GrantWish(role="official", cameras=(USUAL_CAMERA[0],), reason="a test"),
}


def wishes(role: str, situation: Situation, capability: str, now: datetime) -> list[GrantWish]:
    """What somebody of this role has been granted in this situation."""
    usual = GrantWish(role=role, areas=(HOME,), reason="a test")
    match situation:
        case Situation.NO_GRANT:
            return []
        case Situation.EXPIRED:
            return [GrantWish(role=role, areas=(HOME,), ends_at=now + SOON, reason="a test")]
        case Situation.OWN_CAMERA:
            return [GrantWish(role=role, cameras=(CAMERAS[situation][0],), reason="a test")]
        case Situation.WHOLE_CITY:
            return [GrantWish(role=role, areas=(CITY,), reason="a test")]
        case Situation.DENIED:
            taken = frozenset(Capability)
        case Situation.DENIED_THIS:
            taken = frozenset({Capability(capability)})
        case _:
            return [usual]
    return [usual, GrantWish(deny=True, capabilities=taken, areas=(HOME,), reason="a test")]


async def settle_in(auth: AuthService, capabilities: set[str]) -> dict[str, str]:
    """Make everybody and sign them in, as at a browser; their tokens. `capabilities`: those that are denied to some."""
    tokens: dict[str, str] = {}

    async def move_in(name: str, granted: list[GrantWish]) -> None:
        await auth.create_person(name, PASSWORD, role="official", organisation=OURS)
        for wish in granted:
            await Grants(auth).give(name, wish, None)
        tokens[name], _ = await auth.sign_in(name, PASSWORD, ELSEWHERE[0])

    for name, wish in ABOUT.items():
        await move_in(name, [wish])
    for role in ROLES:
        for situation in Situation:
            for capability in sorted(capabilities) if situation is Situation.DENIED_THIS else [""]:
                granted = wishes(role, situation, capability, auth.now())
                await move_in(username(role, situation, capability), granted)
    await asyncio.sleep(SOON.total_seconds())
    return tokens


@dataclass(slots=True)
class World:
    """The house, and what rows make in it. Each maker takes the cell and gives the value of a path parameter."""

    house: House
    patrols: list[tuple[RemoteCamera, str]] = field(default_factory=list)

    def headers(self, cell: Cell) -> dict[str, str]:
        return {} if cell.role is None else {"authorization": f"Bearer {self.house.tokens[cell.username]}"}

    async def sign_in(self, cell: Cell) -> SignIn:
        return await self.house.sign_in(cell.username)

    def camera(self, cell: Cell) -> RemoteCamera:
        camera = self.house.control.get(cell.camera)
        assert camera is not None
        return camera

    async def tidy(self) -> None:
        """Leave nothing of the last cell."""
        house = self.house
        for camera in house.control:
            house.control.free(camera.entry.id)
        for camera, patrol in self.patrols:
            await house.services.patrols.remove(camera.entry.id, patrol, camera.set_patrols)
        self.patrols.clear()
        await house.services.media.close_where(lambda _video: True)
        self.forget()

    def forget(self) -> None:
        """Only what happens from now on counts."""
        self.house.control.events.clear()
        self.house.control.asked.clear()
        self.house.pool.opened.clear()
        self.house.pool.asked.clear()
        self.house.pool.closed.clear()

    def happened(self) -> list[Any]:
        """What cameras and media workers were told or asked; that somebody's right is gone is told them at any time."""
        house = self.house
        commands = [event for _, event in house.control.events if not isinstance(event, ev.Revoke)]
        return [
            *commands, *house.control.asked, *house.pool.opened, *house.pool.asked, *house.pool.closed,
        ]  # fmt: skip

    # What a row may want first ---------------------------------------------------------------------------------------

    async def holding(self, cell: Cell) -> str:
        """The caller controls the camera."""
        visit = Visit(await self.sign_in(cell), self.camera(cell))
        await visit.camera.command(ev.Take(source_of(visit, "http", ())))
        return ""

    async def reserved(self, cell: Cell) -> str:
        """The caller has reserved the camera."""
        visit = Visit(await self.sign_in(cell), self.camera(cell))
        await visit.camera.command(ev.Reserve(source_of(visit, "http", ()), "a test", 600))
        return ""

    async def held_by_a_weaker_one(self, cell: Cell) -> str:
        """Somebody whom everybody outranks controls the camera."""
        source = ev.Source("s", "p", "Budi", "operator", 0, "c")
        await self.camera(cell).command(ev.Take(source))
        return ""

    async def awaited(self, cell: Cell) -> str:
        """The caller controls the camera and somebody waits; its ticket."""
        await self.holding(cell)
        await self.camera(cell).command(ev.Request(ev.Source("s", "p", "Budi", "operator", 0, "c"), ""))
        return str(self.camera(cell).control.queue[0].ticket)

    async def waiting(self, cell: Cell) -> str:
        """The caller waits for the camera."""
        await self.held_by_a_weaker_one(cell)
        visit = Visit(await self.sign_in(cell), self.camera(cell))
        await visit.camera.command(ev.Request(source_of(visit, "http", ()), ""))
        return ""

    async def video(self, cell: Cell) -> str:
        """The caller watches the camera; the session's id."""
        return await self._video_of(await self.sign_in(cell), cell)

    async def video_of_another(self, cell: Cell) -> str:
        """Somebody else watches the camera."""
        return await self._video_of(await self.house.sign_in("a-home"), cell)

    async def _video_of(self, sign_in: SignIn, cell: Cell) -> str:
        session, _ = await self.house.services.media.open(
            self.camera(cell), Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id,
            rank=ViewingRank.CITY,
        )  # fmt: skip
        return session

    async def patrol(self, cell: Cell) -> str:
        """The camera has a patrol; its id."""
        stored = StoredPatrol(
            id=secrets.token_hex(8), camera_id=cell.camera, name="Keliling", priority=0,
            stops=[{"preset": "1", "dwell_s": 5.0, "speed": None}], windows=[], enabled=False, place=None,
            updated_by="a test", updated_at=datetime.now(UTC),
        )  # fmt: skip
        await self.house.services.patrols.add(stored, self.camera(cell).set_patrols)
        self.patrols.append((self.camera(cell), stored.id))
        return stored.id

    async def grant(self, cell: Cell) -> str:
        """The person who is asked about has one more grant; its id."""
        given = await Grants(self.house.auth).give(cell.person, ABOUT[cell.person], None)
        return given.id

    async def waiting_grant(self, cell: Cell) -> str:
        """The person who is asked about has one more grant, which waits for a second person; its id."""
        given = await self.grant(cell)
        with writing(self.house.auth.sessions) as session:
            session.execute(update(GrantRow).where(GrantRow.id == given).values(waits=True))
        return given

    async def own_account(self, cell: Cell) -> str:
        """The caller has a re-stream account; its name."""
        return await self._account_of(cell.username)

    async def account(self, cell: Cell) -> str:
        """The person who is asked about has a re-stream account; its name."""
        return await self._account_of(cell.person)

    async def _account_of(self, person: str) -> str:
        stored, _ = await new_account(self.house.services.restreams, person, f"nvr-{secrets.token_hex(4)}", ())
        return stored.name

    async def link(self, cell: Cell) -> str:
        """There is a link by which somebody can come in; its secret."""
        wish = Wish("official", (cell.area,), display_name="Pak Budi")
        secret, _ = await self.house.services.joining.invite(wish, None, 3600.0)
        return secret

    async def own_token(self, cell: Cell) -> str:
        """The caller has a token; its id."""
        return await self._token_of(cell.username)

    async def token(self, cell: Cell) -> str:
        """The person who is asked about has a token; its id."""
        return await self._token_of(cell.person)

    async def _token_of(self, person: str) -> str:
        auth = self.house.auth
        secret = await auth.issue_token(person, auth.now() + timedelta(days=1), "wall")
        made = await auth.authenticate(secret)
        assert made is not None
        return made.session_id

    async def new_sign_in(self, cell: Cell) -> str:
        """The caller signs in anew: the row ends sign-ins."""
        name = cell.username
        self.house.tokens[name], _ = await self.house.auth.sign_in(name, PASSWORD, ELSEWHERE[0])
        return ""


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A database in which everybody lives, and their tokens."""

    database: Path
    tokens: dict[str, str]


async def make_inhabited(empty: Path, folder: Path, capabilities: set[str]) -> Inhabited:
    """Once for all rows. `capabilities`: those that are denied to some."""

    async def everybody(auth: AuthService) -> dict[str, str]:
        return await settle_in(auth, capabilities)

    async with opened_house(empty, folder, OPTIONS, ENTRIES, everybody) as house:
        tokens = house.tokens
    return Inhabited(folder / "people.db", tokens)


@asynccontextmanager
async def opened_world(inhabited: Inhabited, folder: Path) -> AsyncIterator[World]:
    """A house of its own, with a copy of the database."""

    async def as_they_are(auth: AuthService) -> dict[str, str]:
        # That everybody moved in is old news; told now, it would cut what rows open for who has no right to it.
        await auth.poll_changes()
        return dict(inhabited.tokens)

    async with opened_house(inhabited.database, folder, OPTIONS, ENTRIES, as_they_are, fresh_s=60.0) as house:
        yield World(house)
