"""Debian's Chromium without a window, joining a camera over WHEP as the page does: offer posted without waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Error, Page, async_playwright

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required")

_JOIN = """
async ({camera, token, timeoutMs}) => {
  const began = performance.now();
  const pc = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.append(video);
  const shown = new Promise((resolve, reject) => {
    video.requestVideoFrameCallback(() => resolve(performance.now()));
    setTimeout(() => reject(new Error(`no picture: ${pc.connectionState} ${pc.iceConnectionState}`)), timeoutMs);
  });
  shown.catch(() => {});  // looked at below, if it comes so far
  const headers = {authorization: `Bearer ${token}`};
  let session = null;
  try {
    pc.addTransceiver("video", {direction: "recvonly"});
    pc.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); };
    await pc.setLocalDescription(await pc.createOffer());
    const posted = performance.now();
    const reply = await fetch(`${camera}/whep`,
      {method: "POST", headers: {...headers, "content-type": "application/sdp"}, body: pc.localDescription.sdp});
    if (reply.status !== 201) throw new Error(`WHEP: ${reply.status} ${await reply.text()}`);
    session = reply.headers.get("location");
    await pc.setRemoteDescription({type: "answer", sdp: await reply.text()});
    const answered = performance.now();
    const first = await shown;
    return {postedAt: (performance.timeOrigin + posted) / 1000, offer: posted - began,
            answer: answered - posted, picture: first - posted};
  } finally {
    pc.close();
    video.remove();
    if (session) await fetch(session, {method: "DELETE", headers});
  }
}
"""


class JoinError(RuntimeError):
    """No picture came."""


@dataclass(frozen=True, slots=True)
class Join:
    """One join: wall-clock time of the POST; ms from the click to it, from it to the answer, and to the picture."""

    posted_at_s: float
    offer_ms: float
    answer_ms: float
    picture_ms: float


class Browser:
    """A page of the service's own origin."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def join(self, camera: str, token: str, timeout_s: float) -> Join:
        """Watch until the first picture, then leave.

        Raises:
            JoinError: none came within `timeout_s`.
        """
        argument = {"camera": camera, "token": token, "timeoutMs": timeout_s * 1000}
        try:
            seen = await self._page.evaluate(_JOIN, argument)
        except Error as error:
            raise JoinError(error.message) from None
        return Join(seen["postedAt"], seen["offer"], seen["answer"], seen["picture"])


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Browser]:
    """Chromium, showing something small of the service at `url`."""
    if not _CHROMIUM.exists():  # noqa: ASYNC240  # one look before anything runs
        raise JoinError(f"{_CHROMIUM} is missing; tools/debian-packages.txt names what is needed")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_CHROMIUM, headless=True, args=_ARGUMENTS)
        try:
            page = await chromium.new_page()
            await page.goto(f"{url}/healthz")
            yield Browser(page)
        finally:
            await chromium.close()
