"""The client in Debian's Chromium at phone size, and what its decoded pixels say."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from simulators.strip import Reading, read

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
_ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

_GRAB = """
() => {
  const video = document.querySelector('[data-testid="live-video"]');
  if (!video || !video.videoWidth || video.readyState < 2) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.92);
}
"""

# How long after a state message that names another holder the page shows that one, in ms; for every such change.
_WATCH_HOLDER = """
() => {
  window.holderDelays = [];
  let expected = null;
  const look = () => {
    const badge = document.querySelector('.holder-row [data-testid="holder"]');
    if (expected === null || badge === null) return;
    const isShown = expected.name === null
      ? badge.dataset.whose === "nobody"
      : expected.you ? badge.dataset.whose === "you" : badge.textContent.includes(expected.name);
    if (!isShown || badge.dataset.reserved !== expected.reserved) return;
    window.holderDelays.push(performance.now() - expected.at);
    expected = null;
  };
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document, everything);
  let last = "";
  window.WebSocket = class extends WebSocket {
    constructor(...words) {
      super(...words);
      this.addEventListener("message", (event) => {
        if (typeof event.data !== "string") return;
        const message = JSON.parse(event.data);
        if (message.type !== "state") return;
        const holder = message.holder;
        const now = JSON.stringify(holder && [holder.name, holder.you, holder.reserved]);
        if (now === last) return;
        last = now;
        expected = { name: holder?.name ?? null, you: holder?.you ?? false, at: performance.now(),
                     reserved: holder === null ? undefined : String(holder.reserved) };
        setTimeout(look, 0);
      });
    }
  };
}
"""


@contextmanager
def chromium(path: str = CHROMIUM) -> Iterator[Browser]:
    """A headless Chromium, or what `path` starts it with."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class PhonePage:
    """One person's phone."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        settings = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2, **options}
        self.context = browser.new_context(**settings)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(f"({_WATCH_HOLDER})()")
        self.page.goto(url)

    def sign_in(self, person: dict[str, Any]) -> None:
        self.page.get_by_test_id("signin-username").fill(person["username"])
        self.page.get_by_test_id("signin-password").fill(person["password"])
        self.page.get_by_test_id("signin-submit").click()
        self.page.get_by_test_id("camera-list").wait_for(timeout=5000)

    def open_camera(self, camera_id: str) -> float:
        """Tap the camera; returns the seconds until its picture is decoded."""
        started = time.monotonic()
        self.page.locator(f'[data-testid="camera-item"][data-camera-id="{camera_id}"]').click()
        self.reading(within_s=10)
        return time.monotonic() - started

    def reading(self, within_s: float = 3.0) -> Reading:
        """What the strip in the newest decoded picture says."""
        deadline = time.monotonic() + within_s
        while True:
            data = self.page.evaluate(_GRAB)
            if data is not None:
                raw = np.frombuffer(base64.b64decode(data.split(",", 1)[1]), np.uint8)
                image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
                found = read(image) if image is not None else None
                if found is not None:
                    return found
            assert time.monotonic() < deadline, f"no readable picture within {within_s} s; {self.errors}"
            time.sleep(0.03)

    def press_pad(self, dx: float, dy: float) -> None:
        """Put the finger on the pad's middle and drag by this share of its radius; it stays down."""
        box = self.page.get_by_test_id("joystick").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx * box["width"] / 2, y + dy * box["height"] / 2, steps=5)

    def lift(self) -> None:
        self.page.mouse.up()

    def tap(self, test_id: str) -> None:
        self.page.get_by_test_id(test_id).click()

    def holder(self) -> Locator:
        """Who controls the camera, why, until when, and who waits."""
        return self.page.locator('.holder-row [data-testid="holder"]')

    def holder_delays_ms(self) -> list[float]:
        """From each state message that tells of another holder, or of a reservation, to the badge that shows it."""
        delays: list[float] = self.page.evaluate("window.holderDelays")
        return delays

    def settled(self, within_s: float) -> tuple[float, Reading]:
        """Seconds until the picture's pan, tilt and zoom no longer change, and where that is."""
        started = time.monotonic()
        last = self.reading()
        since = time.monotonic()
        while True:
            time.sleep(0.05)
            now = self.reading()
            if (now.pan_deg, now.tilt_deg, now.zoom_x) != (last.pan_deg, last.tilt_deg, last.zoom_x):
                last, since = now, time.monotonic()
            elif now.frame > last.frame and time.monotonic() - since > 0.3:
                return since - started, now
            assert time.monotonic() - started < within_s + 0.5, f"the picture still turns after {within_s} s"

    def close(self) -> None:
        self.context.close()
