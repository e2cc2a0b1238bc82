"""A changed configuration shuts a camera: what runs on it ends within a second, its owner's own goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from auth.model import SignIn
from auth.roles import ViewingRank
from camctl.api import messages
from camctl.api.access import Visit
from camctl.api.control_socket import ControlSocket
from camctl.audit.entry import SERVICE, Action
from camctl.camera_policies import CameraPolicies
from camctl.config import Config
from camctl.control import codec
from camctl.errors import ConfigError
from camctl.fallback import Way
from camctl.supervisor import Supervisor
from streams.quality import Demand
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import ENTRIES, FIRST, SECOND, FakeWebSocket, House, within_a_second


def config_of(**changed: dict[str, Any]) -> Config:
    """The house's cameras as a configuration; `changed`: by camera."""
    items = []
    for entry in ENTRIES:
        item: dict[str, Any] = {"id": entry.id, "name": entry.name, "area": entry.area, "owner": entry.owner}
        source = {"onvif": entry.onvif_url} if entry.onvif_url else {"rtsp": {"main": entry.rtsp_main}}
        items.append({**item, **source, **changed.get(entry.id, {})})
    return Config.model_validate({"cameras": {"approved_networks": ["127.0.0.0/8"], "items": items}})


@dataclass
class Desk:
    """Where the configuration lies; `heard` are the cameras of each change."""

    is_changed: asyncio.Event
    wanted: Config | ConfigError = field(default_factory=config_of)
    heard: list[set[str]] = field(default_factory=list)

    def read(self) -> Config:
        if isinstance(self.wanted, ConfigError):
            raise self.wanted
        return self.wanted

    def write(self, wanted: Config | ConfigError) -> None:
        self.wanted = wanted
        self.is_changed.set()


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    supervisor, is_changed = Supervisor(), asyncio.Event()
    desk = Desk(is_changed)
    part = CameraPolicies(
        config_of(), desk.read, is_changed, cameras=house.control, areas=house.services.areas, supervisor=supervisor,
        hearers=(house.services.uses.recheck_cameras, lambda ids: desk.heard.append(set(ids))),
        record=house.services.audit,
    )  # fmt: skip
    await part.start()
    yield desk
    await part.close()
    await supervisor.close()
    assert not supervisor._failed.done() or supervisor._failed.cancelled()


@asynccontextmanager
async def open_socket(house: House, sign_in: SignIn) -> AsyncIterator[FakeWebSocket]:
    socket, camera = FakeWebSocket(), house.control.get(FIRST)
    assert camera is not None
    connection = ControlSocket(cast("Any", socket), Visit(sign_in, camera), house.services)
    with house.services.uses.registered(connection):
        running = asyncio.create_task(connection.run())
        await socket.state()
        yield socket
        socket.leaves()
        await running


async def watch(house: House, username: str, camera_id: str = FIRST) -> str:
    camera, sign_in = house.control.get(camera_id), await house.sign_in(username)
    assert camera is not None
    session_id, _ = await house.services.media.open(
        camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
    )
    return session_id


async def test_what_runs_on_a_camera_that_is_shut_ends_and_its_owners_own_goes_on(house: House, desk: Desk) -> None:
    camera, media = house.control.get(FIRST), house.services.media
    assert camera is not None
    lost, kept = await watch(house, "camat"), await watch(house, "partner")
    elsewhere = await watch(house, "operator", SECOND)
    camat, partner = await house.sign_in("camat"), await house.sign_in("partner")
    seat = house.services.fallback.seat(camera, Way.JPEG, sign_in=camat.session_id, person=camat.person)
    async with (
        house.client("walikota") as holder,
        house.client("camat") as waiter,
        open_socket(house, camat) as official,
        open_socket(house, partner) as owner,
    ):
        await holder.post(f"/cameras/{FIRST}/ptz/move", json={"pan": 0.5, "hold_ms": 2000})
        await waiter.post(f"/cameras/{FIRST}/control/request")
        assert camera.control.holder is not None
        with seat as jpegs:
            desk.write(config_of(**{FIRST: {"emergency_only": True}}))
            await within_a_second(
                lambda: camera.control.holder is None and camera.control.queue == () and jpegs.ended.is_set()
                and media.get(lost) is None and official.code == messages.CLOSE_NO_CAMERA
            )  # fmt: skip
        problem(await holder.post(f"/cameras/{FIRST}/control/take"), 403, "forbidden")
        assert (await holder.get(f"/cameras/{FIRST}")).json()["emergency"] is not None
        assert (media.get(kept) is not None, media.get(elsewhere) is not None, owner.code) == (True, True, None)
        assert house.pool.closed == [lost]
        desk.write(config_of())
        await within_a_second(lambda: not camera.entry.emergency_only)
        assert (await holder.post(f"/cameras/{FIRST}/control/take")).status_code == 200


async def test_what_was_commanded_just_before_is_cut_as_well(house: House, desk: Desk) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    async with house.client("walikota") as holder:
        allowed = camera.entry
        desk.write(config_of(**{FIRST: {"emergency_only": True}}))
        await within_a_second(lambda: desk.heard == [{FIRST}])
        await asyncio.sleep(0.1)
        shut, camera.entry = camera.entry, allowed  # a request that had been judged before
        await holder.post(f"/cameras/{FIRST}/control/take")
        camera.entry = shut
        assert camera.control.holder is not None
        await within_a_second(lambda: camera.control.holder is None)


async def test_a_camera_that_moved_away_or_was_given_away_is_gone(house: House, desk: Desk) -> None:
    media = house.services.media
    official, owner = await watch(house, "camat"), await watch(house, "partner")
    desk.write(config_of(**{FIRST: {"area": "31.74.01"}}))
    await within_a_second(lambda: media.get(official) is None)
    async with house.client("camat") as client:
        assert (await client.get(f"/cameras/{FIRST}")).status_code == 404
    assert media.get(owner) is not None
    desk.write(config_of(**{FIRST: {"area": "31.74.01", "owner": "PT Lain"}}))
    await within_a_second(lambda: media.get(owner) is None)


async def test_a_picture_that_was_on_its_way_when_the_camera_was_shut_is_not_given(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    house.pool.before_snapshot = lambda: camera.set_policy(replace(camera.entry.policy, emergency_only=True))
    async with house.client("camat") as client:
        problem(await client.get(f"/cameras/{FIRST}/snapshot.jpg"), 403, "forbidden")
    assert house.recorder.of(Action.SNAPSHOT) == []


async def test_each_change_is_on_record_and_told_to_control(house: House, desk: Desk) -> None:
    desk.write(config_of(**{FIRST: {"emergency_only": True, "name": "Bundaran"}, SECOND: {"area": "31.74.02"}}))
    await within_a_second(lambda: len(house.recorder.of(Action.CAMERA_CHANGE)) == 3)
    rows = sorted(house.recorder.of(Action.CAMERA_CHANGE), key=lambda row: (row.camera, row.area))
    assert [(row.camera, row.area, row.actor) for row in rows] == [
        (FIRST, "31.71.07", SERVICE), (SECOND, "31.74.01", SERVICE), (SECOND, "31.74.02", SERVICE),
    ]  # fmt: skip
    assert rows[0].details == {
        "emergency_only_from": False, "emergency_only_to": True, "name_from": "Bundaran HI", "name_to": "Bundaran",
    }  # fmt: skip
    assert rows[1].details == rows[2].details == {"area_from": "31.74.01", "area_to": "31.74.02"}
    assert [(kind, payload["camera"]) for kind, payload, _ in house.control.told] == [
        (codec.POLICY, FIRST), (codec.POLICY, SECOND),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (ConfigError("config.yaml has 1 fault"), "config.yaml has 1 fault"),
        (config_of(**{FIRST: {"area": "99"}, SECOND: {"emergency_only": True}}), "areas that are new"),
    ],
    ids=["faulty", "an area of tomorrow"],
)
async def test_what_cannot_be_taken_up_changes_nothing_and_is_said(
    house: House, desk: Desk, caplog: pytest.LogCaptureFixture, wanted: Config | ConfigError, says: str
) -> None:
    desk.write(wanted)
    await within_a_second(lambda: says in caplog.text)
    assert [camera.entry for camera in house.control] == list(ENTRIES)
    assert (desk.heard, house.recorder.of(Action.CAMERA_CHANGE)) == ([], [])
    desk.write(config_of(**{SECOND: {"emergency_only": True}}))
    await within_a_second(lambda: desk.heard == [{SECOND}])


async def test_what_waits_for_the_next_start_is_said_in_one_line(
    house: House, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "camctl.camera_policies"):
        desk.write(config_of(**{FIRST: {"username": "lain", "name": "Lain"}}))
        await within_a_second(lambda: "cameras changed: 1" in caplog.text)
    waiting = [record.getMessage() for record in caplog.records if "next start" in record.getMessage()]
    assert [line.rpartition(": ")[2] for line in waiting] == ["username"]
    assert f"camera {FIRST}" in waiting[0]
