"""The ways without WebRTC: the same right, the same count, the same hiding, and words for every end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from auth.roles import ViewingRank
from camctl.admission import Admission, NoPlaceError, Places, Scope
from camctl.api.access import Visit
from camctl.api.feed_socket import FeedSocket
from camctl.api.jpeg_routes import BLANK, BOUNDARY, JpegStream
from camctl.fallback import Way
from camctl.ptz.limits import Hidden
from streams.errors import StreamError, StreamFault
from streams.mp4 import Piece
from streams.quality import Demand, Quality
from tests.support.people import regrant
from tests.unit.camctl.api.api_kit import FIRST, FakeWebSocket, House, within_a_second

INIT, KEY = Piece(b"init", codecs="avc1.42C01E"), Piece(b"key", is_key=True)


async def visit_of(house: House, person: str = "walikota") -> Visit:
    camera = house.control.get(FIRST)
    assert camera is not None
    return Visit(await house.sign_in(person), camera)


def look(house: House, hidden: Hidden | None) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    house.control.show(FIRST, replace(camera.view, hidden=hidden))


@contextlib.asynccontextmanager
async def feed(house: House, person: str = "walikota") -> AsyncIterator[tuple[FakeWebSocket, asyncio.Task[None]]]:
    socket = FakeWebSocket()
    visit = await visit_of(house, person)
    before = len(house.pool.feeds)
    running = asyncio.create_task(FeedSocket(cast("Any", socket), visit, house.services, Quality.MAIN).run())
    # Until it plays or was refused, however long this machine takes for that; then what follows at once.
    await within_a_second(lambda: len(house.pool.feeds) > before or bool(socket.said) or running.done())
    await asyncio.sleep(0.05)
    yield socket, running
    socket.leaves()
    await asyncio.wait_for(running, 1)


async def test_pieces_go_out_after_words_about_them(house: House) -> None:
    async with feed(house) as (socket, running):
        (viewer,) = house.pool.feeds
        viewer.give(INIT)
        viewer.give(KEY)
        await socket.until(lambda message: message == {"type": "init", "codecs": "avc1.42C01E"})
        await within_a_second(lambda: socket.data == [b"init", b"key"])
        assert house.services.media.viewers(FIRST) == 1
        socket.hears("ping", 4)
        socket.hears_text("nonsense")
        socket.hears("later", 5)
        assert (await socket.until(lambda message: message["type"] == "pong"))["seq"] == 4
        assert not running.done()
    assert house.pool.feeds == []
    assert house.services.media.viewers(FIRST) == 0


async def test_hiding_is_said_and_taken_back(house: House) -> None:
    async with feed(house) as (socket, _):
        look(house, Hidden.SECTOR)
        await socket.until(lambda message: message == {"type": "hidden", "reason": "sector"})
        look(house, None)
        await socket.until(lambda message: message == {"type": "hidden", "reason": None})
    look(house, Hidden.SECTOR)
    async with feed(house) as (socket, running):
        closing = await socket.until(lambda message: message["type"] == "closing")
        assert closing["problem"]["type"] == "urn:camctl:problem:hidden"
        assert closing["problem"]["retry_after_ms"] == 5000
        assert socket.code == 4409
        await running


async def test_a_stream_that_cannot_be_had_or_ends_is_said_in_the_words_of_http(house: House) -> None:
    house.pool.fault = StreamError(StreamFault.CODEC, "H.265", codec="H265")
    async with feed(house) as (socket, _):
        closing = await socket.until(lambda message: message["type"] == "closing")
        assert (closing["problem"]["status"], closing["problem"]["codec"]) == (406, "H265")
    house.pool.fault = None
    async with feed(house) as (socket, _):
        house.pool.feeds[0].fail(StreamError(StreamFault.CLOSED, "the media worker ended"))
        closing = await socket.until(lambda message: message["type"] == "closing")
        assert closing["problem"]["status"] == 409
    assert house.services.media.sessions() == []


@pytest.mark.parametrize("way", ["feed", "jpegs"])
async def test_withdrawn_rights_and_ended_sign_ins_end_it_within_a_second(house: House, way: str) -> None:
    if way == "feed":
        async with feed(house) as (socket, running):
            await regrant(house.auth, "walikota", "official", "31.74")
            await within_a_second(running.done)
            assert socket.code == 4404
        async with feed(house, "operator") as (socket, running):
            await house.auth.disable_person("operator")
            await within_a_second(running.done)
            assert socket.code == 4401
        return
    stills, running = await jpegs(house)
    await house.auth.disable_person("walikota")
    await within_a_second(running.done)
    assert stills[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_they_count_as_the_persons_video_sessions_and_their_number_is_limited(house: House) -> None:
    media = house.services.media
    visit = await visit_of(house)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(feed(house))
        await media.open(visit.camera, Demand(), "v=0", sign_in="s", person="camat", rank=ViewingRank.CITY)
        await stack.enter_async_context(feed(house))
        socket, _ = await stack.enter_async_context(feed(house))
        assert socket.code == 4409
        async with house.client("walikota") as client:
            assert (await client.get(f"/cameras/{FIRST}/jpegs")).status_code == 429
    assert len(media.sessions()) == 1


async def test_who_gives_way_to_a_higher_rank_is_told_so(house: House) -> None:
    media = house.services.media
    places = Places(per_person=4, per_camera=100, per_worker=100, fallback=1, reserve_share=0.0)
    media._admission = Admission(places)
    partner = await visit_of(house, "partner")
    async with feed(house, "partner") as (socket, running):
        official = await visit_of(house)
        with house.services.fallback.seat(official.camera, Way.JPEG, sign_in="s", person=official.sign_in.person):
            closing = await socket.until(lambda message: message["type"] == "closing")
            assert closing["problem"]["type"] == "urn:camctl:problem:gave-way"
            assert closing["problem"]["retry_after_ms"] == 10_000
            await running
            with (
                pytest.raises(NoPlaceError) as caught,
                house.services.fallback.seat(official.camera, Way.MP4, sign_in="t", person=partner.sign_in.person),
            ):
                pass
            assert caught.value.scope is Scope.FALLBACK
    assert media.sessions() == []


async def test_the_service_ends_them_before_its_server_stops(house: House) -> None:
    async with feed(house) as (socket, running):
        stills, showing = await jpegs(house)
        await house.services.fallback.close()
        await within_a_second(lambda: running.done() and showing.done())
        assert socket.code == 1012
        assert not stills[-1]["more_body"]


async def jpegs(
    house: House, gone: asyncio.Event | None = None, period_s: float = 0.02
) -> tuple[list[dict[str, Any]], asyncio.Task[None]]:
    """What a stream of pictures sends, and the stream at work."""
    sent: list[dict[str, Any]] = []
    leaves = gone or asyncio.Event()

    async def receive() -> dict[str, Any]:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    stream = JpegStream(await visit_of(house), house.services, Quality.SUB, period_s)
    running = asyncio.create_task(stream({"type": "http"}, receive, send))
    await within_a_second(lambda: len(sent) > 1 or running.done())
    return sent, running


def parts(sent: list[dict[str, Any]]) -> list[bytes]:
    body = b"".join(message["body"] for message in sent if message["type"] == "http.response.body")
    delimiter = f"--{BOUNDARY}\r\n".encode()
    assert body.startswith(delimiter)
    return body.removeprefix(delimiter).split(delimiter)[:-1]


async def test_only_new_pictures_are_sent_and_each_with_its_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.pool.pictures = [b"one", b"one", b"one", b"two", b"three"]
    gone = asyncio.Event()
    sent, running = await jpegs(house, gone)
    await within_a_second(lambda: len(sent) == 4)
    assert sent[0]["headers"][0] == (b"content-type", f"multipart/x-mixed-replace; boundary={BOUNDARY}".encode())
    assert [part.partition(b"\r\n\r\n")[2] for part in parts(sent)] == [b"one\r\n", b"two\r\n", b"three\r\n"]
    assert all(
        f"Content-Length: {size}\r\n".encode() in part for size, part in zip((3, 3, 5), parts(sent), strict=True)
    )
    monkeypatch.setattr("camctl.api.jpeg_routes.SAME_AGAIN_S", 0.1)
    await within_a_second(lambda: len(sent) > 5)
    gone.set()
    await asyncio.wait_for(running, 1)
    assert sent[-1]["more_body"], "nothing is said to who is gone"
    assert house.services.media.sessions() == []


async def test_a_hidden_picture_is_blanked(house: House) -> None:
    sent, running = await jpegs(house)
    look(house, Hidden.SECTOR)
    await within_a_second(lambda: len(sent) == 3)
    head, _, body = parts(sent)[-1].partition(b"\r\n\r\n")
    assert b"X-Camctl-Hidden: sector" in head
    assert body == BLANK + b"\r\n"
    look(house, None)
    await within_a_second(lambda: len(sent) == 4)
    house.pool.before_snapshot = lambda: look(house, Hidden.SECTOR)  # while the picture is on its way
    await within_a_second(lambda: len(sent) == 5)
    assert parts(sent)[-1].endswith(BLANK + b"\r\n")
    house.pool.fault = StreamError(StreamFault.UNREACHABLE, "gone")
    house.pool.before_snapshot = None
    look(house, None)
    await asyncio.wait_for(running, 1)
    assert not sent[-1]["more_body"]


@pytest.mark.parametrize(
    ("prepare", "status"),
    [
        (lambda house: look(house, Hidden.SECTOR), 409),
        (lambda house: setattr(house.pool, "fault", StreamError(StreamFault.CODEC, "no", codec="H265")), 406),
    ],
)
async def test_what_fails_before_the_first_picture_is_a_problem(
    house: House, prepare: Callable[[House], None], status: int
) -> None:
    prepare(house)
    async with house.client("walikota") as client:
        answer = await client.get(f"/cameras/{FIRST}/jpegs")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.services.media.sessions() == []
