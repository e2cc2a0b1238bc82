"""From a camera to its viewers: what is withheld, datagrams, and who is told of viewers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest

from auth.roles import ViewingRank
from camctl.admission import NoPlaceError, Places
from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.config import Config
from camctl.control.view import CameraView
from camctl.egress import EgressPolicy
from camctl.media import Media
from camctl.metrics import Metrics
from camctl.ptz.limits import Hidden, Limits, Sector
from camctl.ptz.model import Position
from camctl.sources import Sources
from camctl.video import PictureHiddenError
from streams.errors import StreamError, StreamFault
from streams.quality import Demand, Quality
from tests.support.fake_control import FakeControl, facts
from tests.unit.camctl.api.api_kit import ENTRIES, FEED, FIRST, PLACES, FakePool

SECTOR = Limits(sectors=(Sector((0.1, 0.3), (-0.4, 0.4)),))
GUARDED = CameraEntry("guarded", "Gang", "31.71.07", onvif_url="http://127.0.0.1/onvif", limits=SECTOR)


@pytest.fixture
async def control() -> FakeControl:
    return FakeControl([*ENTRIES, GUARDED])


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def media(control: FakeControl, pool: FakePool) -> Media:
    config = Config.model_validate({"cameras": {"approved_networks": ["127.0.0.0/8"]}})
    made = Media(control, Sources(control, EgressPolicy(config.cameras.networks)), places=PLACES, metrics=Metrics())
    made.pool = pool
    return made


def look(control: FakeControl, camera_id: str, hidden: Hidden | None) -> None:
    camera = control.get(camera_id)
    assert camera is not None
    control.show(camera_id, replace(camera.view, hidden=hidden))


async def test_a_camera_with_forbidden_sectors_is_hidden_before_anything_is_known_of_it(pool: FakePool) -> None:
    class Unseen(FakeControl):
        def show(self, camera_id: str, view: CameraView) -> None:
            """Control has told nothing yet."""

    control = Unseen([GUARDED, *ENTRIES])
    made = Media(control, Sources(control, EgressPolicy(())), places=PLACES, metrics=Metrics())
    made.pool = pool
    assert pool.hidden == [("guarded/", True)]


async def test_the_workers_are_told_of_each_change_once(control: FakeControl, media: Media, pool: FakePool) -> None:
    pool.hidden.clear()
    look(control, FIRST, Hidden.SECTOR)
    look(control, FIRST, Hidden.POSITION_STALE)
    assert pool.hidden == [(f"{FIRST}/", True)]
    look(control, FIRST, None)
    camera = control.get(FIRST)
    assert camera is not None
    control.show(FIRST, replace(camera.view, position=Position(0.5, 0.5, 0.5)))
    assert pool.hidden == [(f"{FIRST}/", True), (f"{FIRST}/", False)]


@pytest.mark.parametrize("why", list(Hidden))
async def test_no_new_session_and_no_snapshot_of_a_hidden_camera(
    control: FakeControl, media: Media, why: Hidden
) -> None:
    look(control, FIRST, why)
    camera = control.get(FIRST)
    assert camera is not None
    with pytest.raises(PictureHiddenError) as session:
        await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY)
    with pytest.raises(PictureHiddenError):
        await media.snapshot(camera, Quality.MAIN)
    assert session.value.why == why
    assert str(session.value).endswith(".")
    assert media.sessions() == []


async def test_a_picture_taken_while_the_camera_turned_to_where_nobody_may_look_is_not_given(
    control: FakeControl, media: Media, pool: FakePool
) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    assert await media.snapshot(camera, Quality.MAIN)
    pool.before_snapshot = lambda: look(control, FIRST, Hidden.SECTOR)
    with pytest.raises(PictureHiddenError):
        await media.snapshot(camera, Quality.MAIN)


async def test_a_running_session_stays_while_the_picture_is_hidden(control: FakeControl, media: Media) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    session, _ = await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY)
    look(control, FIRST, Hidden.SECTOR)
    assert media.get(session) is not None


async def test_datagrams_go_to_the_newest_hearer_of_their_session_and_to_nobody_after_it(
    control: FakeControl, media: Media, pool: FakePool
) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    session, _ = await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY)
    first: list[str] = []
    second: list[str] = []

    def arrives(text: str) -> None:
        media.on_event({"type": "datagram", "session_id": session, "text": text})

    arrives("nobody yet")
    end_first = media.listen(session, first.append)
    arrives("one")
    media.listen(session, second.append)
    end_first()
    arrives("two")
    media.on_event({"type": "datagram", "session_id": "another", "text": "x"})
    media.send_datagram(session, '{"answer": 1}')
    media.on_event({"type": "session_state", "state": "closed", "session_id": session})
    arrives("late")
    media.send_datagram(session, '{"answer": 2}')
    assert (first, second) == (["one"], ["two"])
    assert pool.datagrams == [(session, {"answer": 1})]


async def test_a_session_that_is_lost_is_told_to_its_own_sign_in_and_one_that_is_closed_to_nobody(
    control: FakeControl, media: Media
) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    heard: list[str] = []
    others: list[str] = []
    end = media.on_lost(FIRST, "s", heard.append)
    media.on_lost(FIRST, "another", others.append)
    media.on_lost(FEED, "s", others.append)

    async def opened() -> str:
        return (await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY))[0]

    def dies(session: str) -> None:
        media.on_event({"type": "session_state", "state": "closed", "session_id": session})

    closed, lost, late = [await opened() for _ in range(3)]
    await media.close(closed)
    dies(closed)
    dies(lost)
    dies(lost)
    assert heard == [lost]
    end()
    dies(late)
    assert heard == [lost]
    assert others == []
    assert (FIRST, "s") not in media._mourners


async def test_a_stream_is_found_by_its_key(control: FakeControl) -> None:
    sources = Sources(control, EgressPolicy((ip_network("127.0.0.0/8"),)))
    source = await sources.find(f"{FEED}/main")
    assert source.key == f"{FEED}/main"
    for key in ("none/main", f"{FEED}/other", FEED, ""):
        with pytest.raises(StreamError) as caught:
            await sources.find(key)
        assert caught.value.fault is StreamFault.NOT_FOUND


async def test_watchers_are_told_of_viewers_of_their_camera_only(control: FakeControl, media: Media) -> None:
    told: list[int] = []
    media.subscribe(FEED, lambda: told.append(-1))
    end = media.subscribe(FIRST, lambda: told.append(media.viewers(FIRST)))
    camera = control.get(FIRST)
    assert camera is not None
    session, _ = await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY)
    await media.close(session)
    end()
    await media.open(camera, Demand(), "v=0", sign_in="s", person="p", rank=ViewingRank.CITY)
    assert told == [1, 0]


async def test_a_plain_feeds_health_is_its_streams_and_an_onvif_cameras_is_not(
    control: FakeControl, media: Media
) -> None:
    for camera_id in (FEED, FIRST):
        media.on_event({"type": "stream_state", "key": f"{camera_id}/main", "state": "waiting", "detail": "gone"})
    feed, steered = control.get(FEED), control.get(FIRST)
    assert feed is not None
    assert steered is not None
    assert feed.health.state is CameraState.OFFLINE
    assert steered.health == Health(CameraState.LIVE)
    assert steered.facts == facts()


async def test_how_a_feed_is_read_goes_to_the_workers() -> None:
    feed = CameraEntry("f", "F", "31", rtsp_main="rtsps://127.0.0.1/x", rtsp_transport="tcp", tls_fingerprint="ab" * 32)
    control = FakeControl([feed])
    camera = control.get("f")
    assert camera is not None
    source = await Sources(control, EgressPolicy((ip_network("127.0.0.0/8"),))).get(camera, Quality.SUB)
    assert (source.url, source.transport, source.tls_fingerprint) == ("rtsps://127.0.0.1/x", "tcp", "ab" * 32)


async def test_a_feeds_name_is_judged_and_pinned_anew_for_every_pull(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: workers get the address that was judged beside the name, and a later answer is judged again."""
    answers = [["8.8.4.4"], ["127.0.0.1"]]
    monkeypatch.setattr("camctl.egress.system_resolve", lambda _host: answers.pop(0))
    control = FakeControl([CameraEntry("f", "F", "31", rtsp_main="rtsp://cam.example/x")])
    camera = control.get("f")
    assert camera is not None
    sources = Sources(control, EgressPolicy())
    source = await sources.get(camera, Quality.MAIN)
    assert (source.url, source.address, len(answers)) == ("rtsp://cam.example/x", "8.8.4.4", 1)
    with pytest.raises(StreamError, match="loopback"):
        await sources.get(camera, Quality.MAIN)


async def test_b_frames_are_noted_until_another_pull_shows_none(control: FakeControl, media: Media) -> None:
    camera = control.get(FIRST)
    assert camera is not None
    event = {"type": "stream_state", "key": f"{FIRST}/main", "state": "live", "b_frames": True}
    media.on_event(event)
    media.on_event(event | {"key": f"{FIRST}/sub"})
    assert "main and sub stream has B-frames" in camera.video_note
    media.on_event(event | {"state": "idle", "b_frames": False})
    assert "main and sub" in camera.video_note
    media.on_event(event | {"state": "connecting", "b_frames": False})
    assert "The camera's sub stream has B-frames" in camera.video_note
    media.on_event({"type": "stream_state", "key": f"{FIRST}/sub", "state": "connecting", "b_frames": False})
    assert camera.video_note == ""


def small(control: FakeControl, pool: FakePool, **places: int) -> Media:
    limits = Places(**{"per_person": 9, "per_camera": 9, "per_worker": 9, **places}, reserve_share=0.0)
    sources = Sources(control, EgressPolicy((ip_network("127.0.0.0/8"),)))
    made = Media(control, sources, places=limits, metrics=Metrics())
    made.pool = pool
    return made


async def test_a_place_is_taken_from_a_lower_rank_and_its_session_ends(control: FakeControl, pool: FakePool) -> None:
    media, camera = small(control, pool, per_camera=1), control.get(FIRST)
    assert camera is not None
    lost, _ = await media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.PARTNER)
    kept, _ = await media.open(camera, Demand(), "v=0", sign_in="2", person="o", rank=ViewingRank.CITY)
    assert pool.closed == [lost]
    assert [session.id for session in media.sessions()] == [kept]
    with pytest.raises(NoPlaceError) as again:
        await media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.PARTNER)
    with pytest.raises(NoPlaceError) as other:
        await media.open(camera, Demand(), "v=0", sign_in="3", person="q", rank=ViewingRank.PARTNER)
    assert (again.value.gave_way, other.value.gave_way) == (True, False)
    await media.close(kept)
    await media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.PARTNER)


async def test_who_is_shed_while_the_camera_is_being_asked_is_told_why(control: FakeControl, pool: FakePool) -> None:
    media, camera = small(control, pool, per_camera=1), control.get(FIRST)
    assert camera is not None
    gate = asyncio.Event()
    pool.before_answer = gate.wait
    waits = asyncio.create_task(media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.PUBLIC))
    await asyncio.sleep(0)
    takes = asyncio.create_task(media.open(camera, Demand(), "v=0", sign_in="2", person="o", rank=ViewingRank.CITY))
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(NoPlaceError) as caught:
        await waits
    assert caught.value.gave_way
    session_id, _ = await takes
    assert session_id not in pool.closed
    assert [session.id for session in media.sessions()] == [session_id]


async def test_a_session_that_cannot_be_had_gives_its_place_back(control: FakeControl, pool: FakePool) -> None:
    media, camera = small(control, pool, per_person=1), control.get(FIRST)
    assert camera is not None

    async def fail() -> None:
        raise StreamError(StreamFault.CODEC, "no")

    pool.before_answer = fail
    for _ in range(2):
        with pytest.raises(StreamError):
            await media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.CITY)
    assert media.sessions() == []


async def test_a_busy_worker_takes_no_more_partners(control: FakeControl, pool: FakePool) -> None:
    media, camera = small(control, pool), control.get(FIRST)
    assert camera is not None
    pool.lag_s = 0.2
    with pytest.raises(NoPlaceError, match="busy"):
        await media.open(camera, Demand(), "v=0", sign_in="1", person="p", rank=ViewingRank.PARTNER)
    await media.open(camera, Demand(), "v=0", sign_in="2", person="o", rank=ViewingRank.CITY)
