"""Browsers and networks without WebRTC: the picture comes another way, is live, and says which way it came."""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from simulators.strip import Reading, read
from tests.support.demo import Demo
from tests.support.firefox import firefox
from tests.support.phone_page import PhonePage, chromium

pytestmark = pytest.mark.browser

AREA = "31.71"
# What is shown, and the moment at which it was looked at.
GRAB = """
const shown = document.querySelector(`[data-testid="${args[0]}"]`);
const width = shown && (shown.videoWidth || shown.naturalWidth);
if (!width || shown.readyState < 2) return null;  // an image has no readyState
const canvas = document.createElement("canvas");
canvas.width = width;
canvas.height = shown.videoHeight || shown.naturalHeight;
canvas.getContext("2d").drawImage(shown, 0, 0);
const at_ms = Date.now();
return [at_ms, canvas.toDataURL("image/jpeg", 0.92)];
"""
# The first two sessions are given a dead port, as a network does that lets no UDP through; later ones work.
UDP_BLOCKED_AT_FIRST = """
let sessions = 0;
const plain = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
  sessions += 1;
  if (sessions > 2) return plain.call(this, answer);
  const sdp = answer.sdp.replace(/^(a=candidate:\\S+ \\d+ \\S+ \\d+ \\S+) \\d+ /gm, "$1 9009 ");
  return plain.call(this, { type: "answer", sdp });
};
"""

Look = Callable[[str], Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def phone_at_camera(browser: Browser, demo: Demo, script: str, **options: Any) -> PhonePage:
    """A phone whose browser was changed by `script` before the page began."""
    phone = PhonePage(browser, demo.url, **options)
    phone.page.add_init_script(script)
    phone.page.reload()
    phone.sign_in(demo.person("official", AREA))
    phone.page.locator(f'[data-testid="camera-item"][data-camera-id="{demo.camera(AREA)["id"]}"]').click()
    return phone


def chromium_look(phone: PhonePage) -> Look:
    return lambda element: phone.page.evaluate(f"(args) => {{ {GRAB} }}", [element])


def looked(look: Look, element: str, within_s: float = 15.0) -> tuple[Reading, float]:
    """What the newest picture says, and how old it is in ms."""
    deadline = time.monotonic() + within_s
    while True:
        found = look(element)
        if found is not None:
            raw = np.frombuffer(base64.b64decode(found[1].split(",", 1)[1]), np.uint8)
            image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
            reading = read(image) if image is not None else None
            if reading is not None:
                return reading, found[0] - reading.wall_ms
        assert time.monotonic() < deadline, f"no readable picture within {within_s} s"
        time.sleep(0.05)


def stays_live(look: Look, record_property: Any, name: str) -> None:
    """It moves on and does not fall behind: the delay at the end is about the delay at the beginning."""
    first, _ = looked(look, "live-video")
    time.sleep(2.0)  # the phone settles at the live edge
    ages, last = [], first
    for _ in range(16):
        last, age_ms = looked(look, "live-video")
        ages.append(age_ms)
        time.sleep(0.3)
    assert last.frame > first.frame + 50
    half = len(ages) // 2
    early, late = statistics.median(ages[:half]), statistics.median(ages[half:])
    record_property("figures", f"{name}: simulator's clock to pixel p50 {statistics.median(ages):.0f} ms")
    assert statistics.median(ages) < 1500, ages
    assert late < early + 400, ages


def test_without_webrtc_chromium_plays_mp4_and_stays_live(browser: Browser, demo: Demo, record_property: Any) -> None:
    phone = phone_at_camera(browser, demo, "delete window.RTCPeerConnection", locale="id-ID")
    stays_live(chromium_look(phone), record_property, "Chromium, MSE")
    badge = phone.page.get_by_test_id("delay")
    expect(badge).to_have_attribute("data-way", "mse")
    expect(phone.page.get_by_test_id("picture-way")).to_have_text("lewat sambungan web")
    badge.click()
    expect(phone.page.get_by_test_id("delay-details")).to_contain_text("Jalur gambar")
    assert phone.errors == []
    phone.close()


@pytest.mark.nightly
def test_without_either_there_is_one_picture_a_second(browser: Browser, demo: Demo) -> None:
    taken = "delete window.RTCPeerConnection; delete window.MediaSource; delete window.ManagedMediaSource"
    phone = phone_at_camera(browser, demo, taken, locale="en-US")
    look = chromium_look(phone)
    expect(phone.page.get_by_test_id("live-state")).to_have_attribute("data-state", "live", timeout=15_000)
    first, _ = looked(look, "live-still")
    expect(phone.page.get_by_test_id("picture-way")).to_have_text("one picture a second")
    numbers = {first.frame}
    ends_at = time.monotonic() + 8.0  # a key picture each 2 s, looked for each second
    while time.monotonic() < ends_at:
        numbers.add(looked(look, "live-still")[0].frame)
        time.sleep(0.1)
    assert 3 <= len(numbers) <= 9
    _, age_ms = looked(look, "live-still")
    assert age_ms < 6000, "the simulator's key pictures are 2 s apart, and one may wait for the next second"
    assert phone.errors == []
    phone.close()


@pytest.mark.nightly
def test_a_network_without_udp_gets_mp4_and_webrtc_again_when_it_changes(browser: Browser, demo: Demo) -> None:
    phone = phone_at_camera(browser, demo, UDP_BLOCKED_AT_FIRST, locale="en-US")
    badge = phone.page.get_by_test_id("delay")
    expect(badge).to_have_attribute("data-way", "mse", timeout=25_000)
    look = chromium_look(phone)
    before, _ = looked(look, "live-video")
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    ends_at = time.monotonic() + 15.0
    while badge.get_attribute("data-way") != "webrtc":
        expect(phone.page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
        assert time.monotonic() < ends_at, "WebRTC was not tried again"
    after, _ = looked(look, "live-video", 3.0)
    assert after.frame > before.frame
    phone.page.wait_for_timeout(1000)
    assert looked(look, "live-video", 3.0)[0].frame > after.frame
    assert phone.errors == []
    phone.close()


def test_firefox_without_h264_in_webrtc_is_told_so_and_plays_mp4(demo: Demo, record_property: Any) -> None:
    person, camera = demo.person("official", AREA), demo.camera(AREA)
    with firefox() as fox:
        fox.goto(demo.url)
        known = fox.run("return RTCRtpReceiver.getCapabilities('video').codecs.map((codec) => codec.mimeType)")
        assert "video/H264" not in known, "this Firefox has H.264 in WebRTC: the 406 is not shown by it any more"
        offered = """
            const headers = {"Content-Type": "application/json"};
            const body = JSON.stringify({username: args[0], password: args[1]});
            const login = await fetch("/api/v1/auth/login", {method: "POST", headers, body});
            const peer = new RTCPeerConnection();
            peer.addTransceiver("video", {direction: "recvonly"});
            await peer.setLocalDescription();
            const answer = await fetch(`/api/v1/cameras/${args[2]}/whep`, {
              method: "POST", headers: {"Content-Type": "application/sdp"}, body: peer.localDescription.sdp,
            });
            peer.close();
            return [login.status, answer.status, (await answer.json()).codec ?? null];
        """
        assert fox.run(offered, person["username"], person["password"], camera["id"])[:2] == [200, 406]
        fox.goto(f"{demo.url}/#/cameras/{camera['id']}")
        fox.reload()
        stays_live(lambda element: fox.run(GRAB, element), record_property, "Firefox, MSE")
        way = "return document.querySelector('[data-testid=\"delay\"]').dataset.way"
        assert fox.run(way) == "mse"
