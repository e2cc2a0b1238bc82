"""The service between software that nobody here wrote: gst-rtsp-server gives, aiortc's RTCPeerConnection watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import psutil
import pytest
import yaml
from av import VideoFrame

from tests.support.certificates import self_signed
from tests.support.gst_camera import gst_camera
from tests.support.rtsp_kit import until
from tests.support.service import Service, running, write_config
from tests.system.media_viewer import AiortcViewer

pytestmark = pytest.mark.peer

USER, SECRET = "pemberi", "sandi peduli"
# What each camera is started with, and the account that the service has; those by which video can be watched.
CAMERAS = {
    "baseline": (["--profile", "constrained-baseline"], False),
    "main": (["--profile", "main"], False),
    "high": (["--profile", "high"], False),
    "digest": (["--audio", "--user", USER, "--password", SECRET, "--auth", "digest"], True),
    "basic": (["--profile", "high", "--user", USER, "--password", SECRET, "--auth", "basic"], True),
    "udp": (["--profile", "main", "--udp-only", "--audio"], False),
    "tls": (["--audio", "--user", USER, "--password", SECRET, "--auth", "basic"], True),
}
HEARD = ("udp", "tls")  # whose owners let their sound be heard
OTHERS = {"h265": (["--codec", "h265"], False), "b-frames": (["--profile", "main", "--bframes", "2"], False)}


def client_of(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.api, headers=service.headers("budi"), timeout=20)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("foreign")
    with ExitStack() as stack:
        items = []
        certificate = self_signed(folder, "127.0.0.1")
        secure = ["--certificate", str(certificate.chain), "--key", str(certificate.key)]
        for name, (options, has_account) in (CAMERAS | OTHERS).items():
            port = stack.enter_context(gst_camera(*options, *(secure if name == "tls" else ())))
            more = {"username": USER, "password": SECRET} if has_account else {}
            more |= {"tls_fingerprint": certificate.fingerprint} if name == "tls" else {}
            more |= {"audio": True} if name in HEARD else {}
            feed = {"main": f"{'rtsps' if name == 'tls' else 'rtsp'}://127.0.0.1:{port}/cam"}
            items.append({"id": name, "name": name, "area": "31.71.07.1002", "rtsp": feed, **more})
        config = write_config(folder, items, media={"linger_s": 0.5})
        people = {"budi": ["--role", "operator", "--area", "31"]}
        service = stack.enter_context(running(folder, config, people))
        yield service
    assert SECRET not in service.log.read_text()


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient, camera_id: str, *, sound: bool = False
) -> AsyncIterator[tuple[AiortcViewer, str]]:
    """A viewer with its picture on the way, over WHEP as the draft says; and its session's address."""
    async with AiortcViewer(sound=sound) as viewer:
        offer = await viewer.offer()
        headers = {"Content-Type": "application/sdp"}
        answer = await client.post(f"/cameras/{camera_id}/whep", content=offer, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"] == "application/sdp"
        assert answer.headers["etag"]
        assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
        await viewer.take(answer.text)
        yield viewer, answer.headers["location"].removeprefix("/api/v1")


def brightness(frame: VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format="gray")


@pytest.mark.parametrize("camera_id", CAMERAS)
async def test_it_is_seen_live(service: Service, camera_id: str) -> None:
    async with client_of(service) as client, watching(client, camera_id) as (viewer, session):
        frames = await viewer.frames(30, 15)
        assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
        assert all(frame.pts is not None for frame in frames)
        first, last = brightness(frames[0]), brightness(frames[-1])
        assert first.max() > 200, "GStreamer's white ball is on it"
        assert np.abs(first.astype(int) - last).max() > 100, "and it flies"
        state = (await client.get(f"/cameras/{camera_id}")).json()
        assert (state["state"], state["steerable"]) == ("live", False)
        assert (await client.delete(session)).status_code == 200


@pytest.mark.parametrize("camera_id", HEARD)
async def test_it_is_heard_if_its_owner_lets_it_be(service: Service, camera_id: str) -> None:
    """GStreamer's camera ticks once a second, in G.711."""
    async with client_of(service) as client, watching(client, camera_id, sound=True) as (viewer, session):
        frames = await viewer.hear(24)  # of 130 ms each
        loudness = [int(np.abs(frame.to_ndarray().astype(int)).max()) for frame in frames]
        assert max(loudness) > 5_000, "it ticks"
        assert sorted(loudness)[len(loudness) // 2] < 100, "and is silent in between"
        await viewer.frames(5)
        assert (await client.get(f"/cameras/{camera_id}")).json()["audio"] is True
        assert (await client.delete(session)).status_code == 200


async def test_it_is_not_heard_unless_its_owner_says_so(service: Service) -> None:
    async with client_of(service) as client, AiortcViewer(sound=True) as viewer:
        headers = {"Content-Type": "application/sdp"}
        answer = await client.post("/cameras/digest/whep", content=await viewer.offer(), headers=headers)
        assert (answer.status_code, "m=audio 0 " in answer.text, "m=video 0 " in answer.text) == (201, True, False)
        assert (await client.get("/cameras/digest")).json()["audio"] is False


async def test_h265_is_refused_by_its_name_to_who_cannot_show_it(service: Service) -> None:
    async with client_of(service) as client, AiortcViewer() as viewer:
        headers = {"Content-Type": "application/sdp"}
        answer = await client.post("/cameras/h265/whep", content=await viewer.offer(), headers=headers)
        assert (answer.status_code, answer.json()["codec"]) == (406, "H265")


async def test_b_frames_are_told_to_the_cameras_owner(service: Service) -> None:
    async with client_of(service) as client, watching(client, "b-frames") as (viewer, _):
        await viewer.frames(20, 15)
        camera = (await client.get("/cameras/b-frames")).json()
    assert camera["state"] == "live"
    assert "main stream has B-frames" in camera["state_detail"]


@pytest.mark.parametrize("camera_id", [*CAMERAS, "h265"])
async def test_it_is_photographed(service: Service, camera_id: str) -> None:
    async with client_of(service) as client:
        answer = await client.get(f"/cameras/{camera_id}/snapshot.jpg")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (180, 320, 3)
    assert picture.max() > 200


def pulls(service: Service, port: int) -> int:
    """How many connections the service's workers have to this camera."""
    return sum(
        connection.raddr.port == port
        for process in psutil.Process(service.pid).children(recursive=True)
        for connection in process.net_connections(kind="tcp4")
        if connection.raddr and connection.status == psutil.CONN_ESTABLISHED
    )


async def test_two_watch_one_pull_which_ends_after_the_last(service: Service) -> None:
    items = yaml.safe_load(service.config.read_text())["cameras"]["items"]
    port = urlsplit(next(item["rtsp"]["main"] for item in items if item["id"] == "main")).port
    assert port
    async with client_of(service) as client:
        async with watching(client, "main") as (first, _):
            await first.frames(5, 15)
            async with watching(client, "main") as (second, session):
                await second.frames(5, 3)  # from the cached key frame, well before GStreamer's next
                assert pulls(service, port) == 1
                assert (await client.delete(session)).status_code == 200
            await first.frames(5, 5)
        await until(lambda: not pulls(service, port), 8)  # the first one just hung up: DTLS told the worker
