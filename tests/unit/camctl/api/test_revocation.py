"""A withdrawn right ends what runs on it within a second: leases, places in queues, sockets, streams."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest

from auth.grant_service import Grants
from auth.model import SignIn
from auth.roles import ROLES, Capability, ViewingRank
from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from streams.errors import StreamError, StreamFault
from streams.quality import Demand
from tests.support.people import regrant
from tests.unit.camctl.api.api_kit import FIRST, House, within_a_second


async def test_a_lease_and_a_place_in_the_queue_end_with_the_account(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    async with (
        house.client("walikota") as holder,
        house.client("operator") as waiter,
        house.client("operator2") as other,
    ):
        await holder.post(f"/cameras/{FIRST}/ptz/move", json={"pan": 0.5, "hold_ms": 2000})
        await waiter.post(f"/cameras/{FIRST}/control/request")
        await other.post(f"/cameras/{FIRST}/control/request")
    await house.auth.disable_person("operator")
    await within_a_second(lambda: [w.source.name for w in camera.control.queue] == ["Operator2"])
    await house.auth.disable_person("walikota")
    await within_a_second(
        lambda: camera.control.holder is not None and camera.control.holder.source.name == "Operator2"
    )
    stops = [action.reason for action in house.control.sent if isinstance(action, ev.SendStop)]
    assert stops == [ev.StopReason.REVOKED]


async def test_a_right_that_is_lost_in_one_area_ends_what_runs_there(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    async with house.client("walikota") as holder, house.client("camat") as waiter:
        await holder.post(f"/cameras/{FIRST}/control/take")
        await waiter.post(f"/cameras/{FIRST}/control/request")
    await regrant(house.auth, "camat", "official", "31.74.01")
    await within_a_second(lambda: camera.control.queue == ())
    assert camera.control.holder is not None
    await regrant(house.auth, "walikota", "official", "31.74")
    await within_a_second(lambda: camera.control.holder is None)


async def test_a_command_that_was_under_way_when_the_right_ended_is_cut_as_well(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    sign_in = await house.sign_in("walikota")
    async with house.client("walikota") as holder:
        await holder.get("/me")
    await house.auth.disable_person("walikota")
    await asyncio.sleep(0.1)
    source = ev.Source(sign_in.session_id, sign_in.person.id, "Walikota", "official", 70, "late:http")
    await camera.command(ev.Move(source, Velocity(0.5), 2.0))
    await within_a_second(lambda: camera.control.holder is None)


async def test_a_patrol_is_nobody_whose_right_could_be_withdrawn(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    patrol = ev.Source("patrol:7", "patrol:7", "Ronda", "patrol", 10, "patrol:7", ev.SourceKind.PATROL)
    await camera.command(ev.Take(patrol))
    await house.services.uses._recheck(None)
    assert camera.control.holder is not None
    assert house.control.revoked == []


async def test_a_stream_ends_with_the_account_and_nothing_ends_while_nobody_can_be_asked(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    sign_in = await house.sign_in("walikota")
    media = house.services.media
    video, _ = await media.open(
        camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
    )
    house.people.is_broken = True
    await house.services.uses._recheck(None)
    assert media.get(video) is not None
    house.people.is_broken = False
    await house.auth.disable_person("walikota")
    await within_a_second(lambda: media.get(video) is None)
    assert house.pool.closed == [video]


async def test_a_role_that_loses_a_right_is_looked_at_once_for_everybody_and_cuts_only_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    recheck_all = house.auth.recheck_all

    async def counted(session_ids: Collection[str]) -> dict[str, SignIn]:
        found = await recheck_all(session_ids)
        looks.append(len(found))
        return found

    monkeypatch.setattr(house.auth, "recheck_all", counted)
    camera = house.control.get(FIRST)
    assert camera is not None
    videos = {}
    for name in ("walikota", "camat", "operator"):
        sign_in = await house.sign_in(name)
        videos[name], _ = await house.services.media.open(
            camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
        )
    async with house.client("walikota") as holder, house.client("camat") as waiter:
        await holder.post(f"/cameras/{FIRST}/control/take")
        await waiter.post(f"/cameras/{FIRST}/control/request")
    official = ROLES["official"]
    less = replace(official, capabilities=official.capabilities - {Capability.LIVE, Capability.CONTROL})
    await Grants(house.auth).set_role("official", less, None)
    media = house.services.media
    await within_a_second(lambda: media.get(videos["walikota"]) is None and media.get(videos["camat"]) is None)
    await within_a_second(lambda: camera.control.holder is None and camera.control.queue == ())
    await within_a_second(lambda: len(looks) == 2)
    assert looks[0] >= 2, "everybody is read together"
    assert media.get(videos["operator"]) is not None
    assert sorted(house.pool.closed) == sorted([videos["walikota"], videos["camat"]])


async def test_a_stream_that_does_not_end_keeps_no_other_from_ending(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    sign_in = await house.sign_in("walikota")
    media, opened = house.services.media, []
    for _ in range(3):
        video, _ = await media.open(
            camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
        )
        opened.append(video)
    hanging = asyncio.Event()

    async def hangs(session_id: str) -> None:
        if session_id == opened[0]:
            await hanging.wait()
            raise StreamError(StreamFault.OVERLOADED, "the media worker does not answer")
        house.pool.closed.append(session_id)

    house.pool.close_session = hangs  # type: ignore[method-assign]
    ending = asyncio.create_task(media.close_where(lambda video: video.sign_in == sign_in.session_id))
    await within_a_second(lambda: sorted(house.pool.closed) == sorted(opened[1:]))
    hanging.set()
    with pytest.raises(StreamError):
        await ending


async def test_a_media_worker_that_does_not_answer_ends_neither_the_service_nor_anybody_elses_cut(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    media, videos = house.services.media, {}
    for name in ("walikota", "camat"):
        sign_in = await house.sign_in(name)
        videos[name], _ = await media.open(
            camera, Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
        )
    asked: list[str] = []

    async def answers_nothing(session_id: str) -> None:
        asked.append(session_id)
        if session_id == videos["walikota"]:
            raise StreamError(StreamFault.OVERLOADED, "the media worker does not answer")

    house.pool.close_session = answers_nothing  # type: ignore[method-assign]
    await house.auth.disable_person("walikota")
    await within_a_second(lambda: asked == [videos["walikota"]])
    await house.auth.disable_person("camat")
    await within_a_second(lambda: videos["camat"] in asked)
    assert not house.services.uses._supervisor._failed.done()
