"""Players that know nothing of us play through WHEP, in Chromium and from a page of another site."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.peers.npm_packages import HERE, installed, run
from tests.support.commands import ROOT, street, wait_until
from tests.support.phone_page import chromium
from tests.support.ports import free_tcp_port
from tests.support.service import Service, running, write_config

ROLLDOWN = ROOT / "web" / "node_modules" / ".bin" / "rolldown"
pytestmark = [
    pytest.mark.peer,
    pytest.mark.browser,
    pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not ROLLDOWN.exists(), reason="the client's build tools are not installed"),
]
CAMERA = "gang"

_SHOWN = """
async (count) => {
  const video = document.querySelector("video");
  await video.play();
  const shown = new Promise((resolve, reject) => {
    let left = count;
    const next = () => (--left === 0 ? resolve() : video.requestVideoFrameCallback(next));
    video.requestVideoFrameCallback(next);
    setTimeout(() => reject(new Error(`no picture; ${left} frames are missing`)), 15000);
  });
  await shown;
  return [video.videoWidth, video.videoHeight];
}
"""
_WHIP_WHEP = """
async ({url, token}) => {
  const pc = new RTCPeerConnection();
  pc.addTransceiver("video", {direction: "recvonly"});
  pc.addTransceiver("audio", {direction: "recvonly"});
  const video = document.querySelector("video");
  pc.ontrack = (event) => { if (event.track.kind === "video") video.srcObject = event.streams[0]; };
  window.client = new players.WHEPClient();
  await client.view(pc, url, token);
}
"""
_EYEVINN = """
async ({url, token}) => {
  window.client = new players.WebRTCPlayer({video: document.querySelector("video"), type: "whep", iceServers: []});
  await client.load(new URL(url), "Bearer " + token);
}
"""


@dataclass
class Place:
    service: Service
    wall: str

    @property
    def camera(self) -> dict[str, str]:
        return {"url": f"{self.service.api}/cameras/{CAMERA}/whep", "token": self.service.tokens["sari"]}

    def viewers(self) -> int:
        metrics = httpx.get(f"{self.service.url}/metrics", timeout=5).text
        line = next(line for line in metrics.splitlines() if line.startswith("camctl_video_sessions "))
        return int(float(line.split()[1]))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        """Nothing: what is asked for is not the test's affair."""


@contextmanager
def wall(folder: Path, port: int) -> Iterator[str]:
    """A page of another site that holds the players."""
    asyncio.run(_bundle(folder / "players.js"))
    (folder / "index.html").write_text(
        "<!doctype html><script src=players.js></script><video muted playsinline></video>"
    )
    server = ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _bundle(path: Path) -> None:
    await installed()
    options = ["--format", "iife", "--name", "players", "--platform", "browser", "-o", str(path)]
    code, output, errors = await run([str(ROLLDOWN), str(HERE / "whep_players.mjs"), *options], 30)
    assert code == 0, output + errors


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("players"), free_tcp_port()
    account = {"username": "camctl", "password": "rahasia-kamera-1"}
    with street(folder, [{"name": "Gang", **account}]) as [sim]:
        camera = {"id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "onvif": sim["onvif_url"], **account}
        turn = {"urls": ["turn:192.0.2.254:3478?transport=udp"], "secret": "nobody is there"}
        # One candidate, for whip-whep 1.2.0 joins those of a restart's answer with commas, which no browser reads.
        media = {"whep_origins": [f"http://127.0.0.1:{port}"], "turn": turn, "tcp": False}
        people = {"sari": ["--role", "operator", "--area", "31"]}
        with running(folder, write_config(folder, [camera], media=media), people) as service:
            with service.client("sari") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            page = folder / "wall"
            page.mkdir()
            with wall(page, port) as address:
                yield Place(service, address)


@pytest.fixture
def page(place: Place) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(place.wall)
        yield page
    # A browser that ends without a goodbye is noticed by its silence.
    wait_until(lambda: place.viewers() == 0, 20.0, place.service.log.read_text)


def sees_main(page: Page) -> None:
    """The picture runs, and is the main stream's: at once, or after a while on sub where the machine is too busy."""
    wait_until(lambda: page.evaluate(_SHOWN, 10) == [1280, 720], 30.0, lambda: "the main stream's picture did not come")


def test_whip_whep_plays_restarts_ice_and_ends(place: Place, page: Page) -> None:
    answers: list[tuple[str, int]] = []
    page.on("response", lambda answer: answers.append((answer.request.method, answer.status)))
    page.evaluate(_WHIP_WHEP, place.camera)
    sees_main(page)
    [server] = page.evaluate("client.pc.getConfiguration().iceServers")
    assert (server["urls"], len(server["credential"])) == (["turn:192.0.2.254:3478?transport=udp"], 28)
    page.evaluate("client.restart()")
    page.evaluate(_SHOWN, 30)
    assert page.evaluate("client.pc.connectionState") == "connected"
    assert place.viewers() == 1
    page.evaluate("client.stop()")
    wait_until(lambda: place.viewers() == 0, 5.0, place.service.log.read_text)
    # It says goodbye over DTLS before its DELETE, which may then find no session any more.
    assert [answer for answer in answers if answer[1] >= 400] in ([], [("DELETE", 404)])
    assert {("POST", 201), ("PATCH", 204), ("PATCH", 200)} <= set(answers)


def test_eyevinn_webrtc_player_plays_and_ends(place: Place, page: Page) -> None:
    page.evaluate(_EYEVINN, place.camera)
    page.wait_for_function("document.querySelector('video').srcObject !== null", timeout=10_000)
    sees_main(page)
    assert place.viewers() == 1
    page.evaluate("client.unload()")
    wait_until(lambda: place.viewers() == 0, 5.0, place.service.log.read_text)
