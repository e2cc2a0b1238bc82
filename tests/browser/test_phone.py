"""The sentence that decides: sign in on a phone, see a camera live, drag, it turns; lift, or vanish, and it stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.demo import Demo
from tests.support.phone_page import PhonePage, chromium
from tests.support.processes import media_workers

pytestmark = pytest.mark.browser

FIRST, SECOND = "31.71", "31.74"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def phone(browser: Browser, demo: Demo) -> Iterator[PhonePage]:
    page = PhonePage(browser, demo.url, locale="id-ID")
    yield page
    assert page.errors == []
    page.close()


@pytest.fixture(scope="module")
def same_sign_in(browser: Browser, demo: Demo) -> Any:
    """The cookies of one official: a page that comes back as the same sign-in continues its own lease."""
    page = PhonePage(browser, demo.url)
    page.sign_in(demo.person("official", FIRST))
    state = page.context.storage_state()
    page.close()
    return state


@pytest.fixture
def back_again(browser: Browser, demo: Demo, same_sign_in: Any) -> Iterator[PhonePage]:
    """A page on the first camera, signed in already."""
    page = PhonePage(browser, demo.url, locale="id-ID", storage_state=same_sign_in)
    page.page.get_by_test_id("camera-list").wait_for(timeout=5000)
    page.open_camera(demo.camera(FIRST)["id"])
    yield page
    assert page.errors == []
    page.close()


# How loud it gets within two seconds, 0 to 1, as the browser has decoded it.
LISTEN = """async () => {
  const element = document.querySelector('[data-testid="live-sound"]');
  const begins = performance.now() + 5000;  // it is drawn first, and given its sound in the frame after
  while (!element.srcObject && performance.now() < begins) await new Promise((go) => setTimeout(go, 20));
  const { srcObject } = element;
  const context = new AudioContext();
  await context.resume();
  const ear = context.createAnalyser();
  context.createMediaStreamSource(srcObject).connect(ear);
  const samples = new Float32Array(ear.fftSize);
  let loudest = 0;
  const ends = performance.now() + 2000;
  while (performance.now() < ends) {
    await new Promise((go) => setTimeout(go, 20));
    ear.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return loudest;
}"""


def test_a_finger_turns_a_camera_and_its_end_stops_it(phone: PhonePage, demo: Demo) -> None:
    camera = demo.camera(FIRST)
    phone.sign_in(demo.person("official", FIRST))
    assert phone.open_camera(camera["id"]) <= 3.0
    before = phone.reading().pan_deg
    phone.press_pad(0.8, 0.0)
    # Encoder and decoder share two cores that are not always equally fast; bench/glass.py says how late it is.
    demo.wait(lambda: phone.reading().pan_deg > before + 3, 4.0, "the picture did not turn right")
    assert demo.is_moving(camera)
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.page.screenshot(path=PICTURES / "phone-live.png")
    phone.lift()
    demo.wait_still(camera, 1.0)
    _, after = phone.settled(within_s=4.0)
    assert after.pan_deg == pytest.approx(demo.truth(camera)["pan_deg"], abs=0.2), "picture and motors differ"
    phone.page.get_by_test_id("release").click()


def test_closing_the_page_while_dragging_stops_the_camera(back_again: PhonePage, demo: Demo) -> None:
    phone, camera = back_again, demo.camera(FIRST)
    phone.press_pad(-0.8, 0.0)
    demo.wait_moving(camera, 1.5)
    phone.close()
    assert demo.wait_still(camera, 1.0) <= 1.0


def test_losing_the_network_while_dragging_stops_the_camera(back_again: PhonePage, demo: Demo) -> None:
    phone, camera = back_again, demo.camera(FIRST)
    phone.press_pad(0.8, 0.0)
    demo.wait_moving(camera, 1.5)
    phone.context.set_offline(True)
    assert demo.wait_still(camera, 1.0) <= 1.0
    phone.context.set_offline(False)


def test_a_page_that_freezes_while_dragging_stops_the_camera(back_again: PhonePage, demo: Demo) -> None:
    """No event at all reaches the server: only the command's life can end this one."""
    phone, camera = back_again, demo.camera(FIRST)
    phone.press_pad(-0.8, 0.0)
    demo.wait_moving(camera, 1.5)
    session = phone.context.new_cdp_session(phone.page)
    session.send("Debugger.enable")
    session.send("Debugger.pause")
    try:
        assert demo.wait_still(camera, 1.0) <= 1.0
    finally:
        session.send("Debugger.resume")
        phone.lift()


@pytest.mark.parametrize("event", ["blur", "pagehide", "offline"])
def test_losing_the_page_stops_the_camera(back_again: PhonePage, demo: Demo, event: str) -> None:
    phone, camera = back_again, demo.camera(FIRST)
    phone.press_pad(0.0, 0.8)
    demo.wait_moving(camera, 1.5)
    phone.page.evaluate("(name) => window.dispatchEvent(new Event(name))", event)
    assert demo.wait_still(camera, 1.0) <= 1.0
    phone.page.wait_for_timeout(600)
    assert not demo.is_moving(camera), "a finger that is still down must not start it again by itself"
    phone.lift()


def test_buttons_zoom_and_stop(back_again: PhonePage, demo: Demo) -> None:
    phone, camera = back_again, demo.camera(FIRST)
    before = phone.reading().zoom_x
    phone.page.get_by_test_id("zoom-in").hover()
    phone.page.mouse.down()
    phone.page.wait_for_timeout(900)
    phone.page.mouse.up()
    demo.wait_still(camera, 1.0)
    _, after = phone.settled(within_s=4.0)
    assert after.zoom_x > before + 0.3
    phone.page.keyboard.down("ArrowLeft")
    demo.wait_moving(camera, 1.5)
    phone.page.get_by_test_id("stop").click()
    assert demo.wait_still(camera, 1.0) <= 1.0
    phone.page.keyboard.up("ArrowLeft")
    phone.page.get_by_test_id("home").click()
    demo.wait_moving(camera, 2.0)
    demo.wait_still(camera, 8.0)


def test_two_people_see_who_holds_and_who_takes_over(browser: Browser, demo: Demo) -> None:
    camera = demo.camera(SECOND)
    operator = PhonePage(browser, demo.url, locale="en-US")
    official = PhonePage(browser, demo.url, locale="id-ID")
    try:
        operator.sign_in(demo.person("operator"))
        operator.open_camera(camera["id"])
        official.sign_in(demo.person("official", SECOND))
        official.open_camera(camera["id"])
        operator.press_pad(0.6, 0.0)
        demo.wait_moving(camera, 1.5)
        expect(official.page.get_by_test_id("holder")).to_contain_text("Budi", timeout=2000)
        official.page.get_by_test_id("take-over").click()
        official.page.get_by_test_id("take-over-reason").fill("kecelakaan di simpang")
        official.page.get_by_test_id("take-over-confirm").click()
        demo.wait_still(camera, 1.5)
        expect(operator.page.get_by_test_id("holder")).to_contain_text("Andi", timeout=2000)
        PICTURES.mkdir(parents=True, exist_ok=True)
        operator.page.screenshot(path=PICTURES / "phone-held.png")
        operator.lift()
        assert operator.errors == []
        assert official.errors == []
    finally:
        operator.close()
        official.close()


def test_the_small_picture_is_shown_to_who_saves_data_also_at_the_next_visit(browser: Browser, demo: Demo) -> None:
    phone = PhonePage(browser, demo.url, locale="id-ID")
    phone.sign_in(demo.person("operator"))
    phone.open_camera(demo.camera(SECOND)["id"])
    badge = phone.page.get_by_test_id("delay")
    height = "() => document.querySelector('[data-testid=\"live-video\"]').videoHeight"
    expect(badge).to_have_attribute("data-quality", "main", timeout=15_000)
    whole = phone.page.evaluate(height)
    badge.click()
    expect(phone.page.get_by_test_id("delay-details")).to_contain_text("penuh (jaringan kuat)")
    phone.page.get_by_test_id("quality-sub").click()
    expect(badge).to_have_attribute("data-quality", "sub", timeout=10_000)
    expect(badge).to_have_attribute("data-why", "pinned")
    expect(phone.page.get_by_test_id("picture-quality")).to_have_text("kecil")
    demo.wait(lambda: phone.page.evaluate(height) < whole, 10, "the main stream is still shown")
    phone.page.reload()
    phone.reading(within_s=10.0)
    assert phone.page.evaluate(height) < whole
    badge.click()
    phone.page.get_by_test_id("quality-auto").click()
    demo.wait(lambda: phone.page.evaluate(height) == whole, 15, "the sub stream is still shown")
    assert phone.errors == []
    phone.close()


def test_a_camera_is_heard_by_who_asks_for_it(browser: Browser, demo: Demo) -> None:
    phone = PhonePage(browser, demo.url, locale="id-ID")
    phone.sign_in(demo.person("operator"))
    phone.open_camera("cam-1")
    phone.reading(within_s=10.0)
    sound = phone.page.get_by_test_id("live-sound")
    expect(sound).to_have_count(0)
    phone.page.get_by_test_id("more").click()
    phone.page.get_by_test_id("sound").click()
    expect(sound).to_have_count(1, timeout=10_000)
    assert phone.page.evaluate(LISTEN) > 0.1, "it beeps in the first half of each second"
    phone.reading(within_s=10.0)
    phone.page.get_by_test_id("sound").click()
    expect(sound).to_have_count(0)
    assert phone.errors == []
    phone.close()


def test_wrong_password_is_said_in_words(phone: PhonePage) -> None:
    phone.page.get_by_test_id("signin-username").fill("operator")
    phone.page.get_by_test_id("signin-password").fill("not this one")
    phone.page.get_by_test_id("signin-submit").click()
    expect(phone.page.get_by_test_id("signin-error")).not_to_be_empty(timeout=5000)


def test_the_page_asks_no_other_site_and_breaks_no_policy(browser: Browser, demo: Demo) -> None:
    phone = PhonePage(browser, demo.url)
    asked: list[str] = []
    said: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.page.on("console", lambda message: said.append(message.text))
    phone.sign_in(demo.person("admin"))
    phone.open_camera(demo.camera(SECOND)["id"])
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.page.screenshot(path=PICTURES / "phone-watching.png")
    assert [url for url in asked if not url.startswith((demo.url, "blob:", "data:"))] == []
    assert [text for text in said if "Content Security Policy" in text] == []
    phone.close()


def test_the_picture_comes_back_after_the_media_worker_died(back_again: PhonePage, demo: Demo) -> None:
    phone = back_again
    before = phone.reading().frame
    workers = media_workers(demo.ready["pid"])
    assert workers
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
    demo.wait(lambda: phone.reading(10.0).frame > before + 50, 15.0, "no new pictures")


def test_a_camera_that_one_may_not_watch_says_so_and_tries_nothing_again(phone: PhonePage, demo: Demo) -> None:
    camera = demo.camera(FIRST)["id"]
    phone.sign_in(demo.person("auditor"))
    item = phone.page.locator(f'[data-camera-id="{camera}"]')
    expect(item).to_contain_text("Tanpa gambar untuk Anda")
    item.click()
    card = phone.page.get_by_test_id("live-state")
    expect(card).to_contain_text("Anda tidak boleh melihat gambar kamera ini")
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.page.on("websocket", lambda socket: asked.append(socket.url))
    phone.page.wait_for_timeout(4000)
    assert [url for url in asked if "whep" in url or "control" in url] == []
    expect(card.get_by_role("button")).to_have_count(0)
    phone.page.screenshot(path=PICTURES / "phone-may-not-watch.png")
