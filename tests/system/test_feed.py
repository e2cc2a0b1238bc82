"""Pictures without WebRTC, from a real camera to real sockets: what arrives is decoded, slow readers are skipped."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import av
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulators.strip import read
from tests.support.commands import street, wait_until
from tests.support.service import Service, running, write_config

pytestmark = pytest.mark.system

CAMERA, GUARDED = "gang", "taman"
PEOPLE = {
    "sari": ["--role", "official", "--area", "31.71"],
    "budi": ["--role", "official", "--area", "31.71"],
    "wati": ["--role", "official", "--area", "31.74"],
}
ACCOUNT = {"username": "camctl", "password": "rahasia-kamera-1"}
SECTOR = {"pan": [-1.0, 1.0], "tilt": [-1.0, 1.0]}


@dataclass
class Place:
    service: Service
    simulator: str

    def feed(self, camera: str = CAMERA, person: str = "sari", **options: Any) -> connect:
        url = f"{self.service.api.replace('http', 'ws', 1)}/cameras/{camera}/feed"
        headers = self.service.headers(person) if person else {}
        # A client that reads no more does not hear the answer to its goodbye either.
        return connect(url, additional_headers=headers, max_size=None, close_timeout=0.2, **options)

    def metric(self, name: str) -> float:
        text = httpx.get(f"{self.service.url}/metrics", timeout=5).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("feed")
    with street(folder, [{"name": "Gang", **ACCOUNT}, {"name": "Taman", **ACCOUNT}]) as simulated:
        base: dict[str, Any] = {"area": "31.71.07.1002", **ACCOUNT}
        cameras = [
            {"id": CAMERA, "name": "Gang", "onvif": simulated[0]["onvif_url"], **base},
            {"id": GUARDED, "name": "Taman", "onvif": simulated[1]["onvif_url"], **base,
             "forbidden_sectors": [SECTOR]},
        ]  # fmt: skip
        config = write_config(folder, cameras, media={"sessions_per_person": 3, "linger_s": 1.0})
        with running(folder, config, PEOPLE) as service:
            with service.client("sari") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            yield Place(service, "/".join(simulated[0]["onvif_url"].split("/")[:3]) + "/simulator")


@dataclass
class Watching:
    """A viewer that reads everything: its texts, and the file that its binary messages make."""

    socket: ClientConnection
    texts: list[dict[str, Any]]
    file: bytearray
    fragments: int = 0

    async def read(self, seconds: float = 0.0, fragments: int = 0) -> None:
        """Until so many fragments came or this time passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds or 10.0):
                while not fragments or self.fragments < fragments:
                    message = await self.socket.recv()
                    if isinstance(message, str):
                        self.texts.append(json.loads(message))
                    else:
                        self.file += message
                        self.fragments += message[4:8] == b"moof"

    def pictures(self) -> list[av.VideoFrame]:
        with av.open(io.BytesIO(bytes(self.file))) as container:
            return list(container.decode(video=0))


@contextlib.asynccontextmanager
async def watching(place: Place, camera: str = CAMERA, person: str = "sari", **options: Any) -> AsyncIterator[Watching]:
    async with place.feed(camera, person, **options) as connection:
        yield Watching(connection, [], bytearray())


async def test_the_socket_gives_an_init_segment_and_the_live_picture(place: Place) -> None:
    async with watching(place) as first:
        await first.read(fragments=40)
        assert first.texts[0]["type"] == "init"
        assert first.texts[0]["codecs"].startswith("avc1.")
        pictures = first.pictures()
        assert len(pictures) == first.fragments
        numbers = [reading.frame for picture in pictures if (reading := read(picture.to_ndarray(format="bgr24")))]
        assert len(numbers) > 30
        assert numbers == sorted(set(numbers))

        # Who comes later shares the feed and begins at once with the newest group of pictures.
        began_s = time.monotonic()
        async with watching(place, person="budi") as second:
            await second.read(fragments=2)
            took_s = time.monotonic() - began_s
            await second.read(fragments=40)
            assert len(second.pictures()) == second.fragments
            assert took_s < 1.0
            assert place.metric("camctl_media_feeds{") == 1
            assert place.metric('camctl_fallback_sessions{way="mp4"}') == 2
            await second.socket.send(json.dumps({"type": "ping", "seq": 7}))
            await second.socket.send("nonsense")
            await second.read(0.5)
            (pong,) = [text for text in second.texts if text["type"] == "pong"]
            assert pong["seq"] == 7
            assert pong["waiting_ms"] < 500
    wait_until(lambda: place.metric("camctl_media_feeds{") == 0, 5.0, place.service.log.read_text)


@pytest.mark.nightly
async def test_a_slow_reader_is_skipped_to_a_key_picture_and_disturbs_nobody(place: Place) -> None:
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    slow.setblocking(False)
    server = httpx.URL(place.service.url)
    await asyncio.get_running_loop().sock_connect(slow, (server.host, server.port))
    skipped = place.metric("camctl_fallback_pictures_skipped_total")
    async with watching(place, sock=slow, max_queue=1) as held, watching(place, person="budi") as other:
        await held.read(fragments=5)
        await other.read(6.0)  # meanwhile the slow one reads nothing
        assert other.fragments > 100
        await held.read(fragments=held.fragments + 100)
        numbers = [reading.frame for p in held.pictures() if (reading := read(p.to_ndarray(format="bgr24")))]
        gaps = [after - before for before, after in itertools.pairwise(numbers)]
        assert max(gaps) > 20, "what was late was not skipped"
        newest = [reading.frame for p in other.pictures() if (reading := read(p.to_ndarray(format="bgr24")))]
        assert numbers[-1] > newest[-1] - 50, "the slow one is not back at the live edge"
        assert all(gap == 1 for gap in [b - a for a, b in itertools.pairwise(newest)])
    wait_until(
        lambda: place.metric("camctl_fallback_pictures_skipped_total") > skipped + 20, 3.0, place.service.log.read_text
    )


async def test_a_withdrawn_right_ends_feed_and_pictures_within_a_second(place: Place) -> None:
    user = functools.partial(asyncio.to_thread, place.service.user)  # the command line has a loop of its own
    await user("add", "tono", "--role", "official", "--area", "31.71", stdin="kata-sandi-tono\n")
    place.service.tokens["tono"] = await user("token", "tono", "--days", "1")
    headers = place.service.headers("tono")
    url = f"{place.service.api}/cameras/{CAMERA}/jpegs"
    async with (
        watching(place, person="tono") as held,
        httpx.AsyncClient(headers=headers, timeout=15) as client,
        client.stream("GET", url) as stills,
    ):
        await held.read(fragments=5)
        assert stills.status_code == 200
        reading = asyncio.create_task(_count(stills))
        await asyncio.sleep(1.5)
        # Read all the while: who takes nothing for the seconds of the command is told nothing when they are cut.
        watched = asyncio.create_task(held.read(30.0))
        await user("disable", "tono")
        began_s = time.monotonic()
        with pytest.raises(ConnectionClosed):
            await watched
        assert time.monotonic() - began_s < 1.0
        await asyncio.wait_for(reading, 1.0)
        assert held.texts[-1]["type"] == "closing"
        assert held.socket.close_code == 4401
    with pytest.raises(InvalidStatus) as refused:
        async with place.feed(person="tono"):
            pass
    assert refused.value.response.status_code == 401


async def _count(stills: httpx.Response) -> int:
    size = 0
    async for chunk in stills.aiter_bytes():
        size += len(chunk)
    return size


async def test_who_may_not_watch_gets_nothing_and_too_many_are_refused(place: Place) -> None:
    for person, origin, status in (("", None, 401), ("wati", None, 404)):
        with pytest.raises(InvalidStatus) as refused:
            async with place.feed(person=person, origin=origin):
                pass
        assert refused.value.response.status_code == status
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            viewer = await stack.enter_async_context(watching(place, person="budi"))
            await viewer.read(fragments=1)
        over = await stack.enter_async_context(watching(place, person="budi"))
        with pytest.raises(ConnectionClosed):
            await over.read(5.0)
        assert over.texts[-1]["problem"]["type"] == "urn:camctl:problem:too-many-sessions"
        assert over.texts[-1]["problem"]["retry_after_ms"] == 5000
        assert over.socket.close_code == 4409
    # A hidden camera, and one whose stream cannot be had, are told with the words of HTTP.
    async with watching(place, GUARDED) as hidden:
        with pytest.raises(ConnectionClosed):
            await hidden.read(5.0)
        assert hidden.texts[-1]["problem"]["type"] == "urn:camctl:problem:hidden"
    with place.service.client("sari") as client:
        assert client.get(f"/cameras/{GUARDED}/jpegs").status_code == 409
        assert client.get(f"/cameras/{CAMERA}/jpegs?fps=25").status_code == 422


async def test_jpegs_come_once_a_second_and_are_small(place: Place) -> None:
    async with httpx.AsyncClient(headers=place.service.headers("sari"), timeout=15) as client:
        async with client.stream("GET", f"{place.service.api}/cameras/{CAMERA}/jpegs?quality=main") as stills:
            assert stills.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
            boundary = stills.headers["content-type"].partition("boundary=")[2].encode()
            data, began_s = b"", time.monotonic()
            async for chunk in stills.aiter_bytes():
                data += chunk
                if time.monotonic() - began_s > 5.5:
                    break
        parts = [part.partition(b"\r\n\r\n") for part in data.split(b"--" + boundary + b"\r\n")[1:]]
        jpegs = [body[:-2] for head, _, body in parts if b"image/jpeg" in head and body.endswith(b"\r\n")]
        assert 3 <= len(jpegs) <= 7
        pictures = [av.CodecContext.create("mjpeg", "r").decode(av.Packet(jpeg))[0] for jpeg in jpegs]
        assert all(picture.width <= 640 for picture in pictures)
        assert max(map(len, jpegs)) < 60_000
        frames = [reading.frame for p in pictures if (reading := read(p.to_ndarray(format="bgr24")))]
        assert len(frames) == len(jpegs)
        assert frames == sorted(frames)
        assert frames[-1] > frames[0]
    wait_until(lambda: place.metric('camctl_fallback_sessions{way="jpeg"}') == 0, 3.0, place.service.log.read_text)
