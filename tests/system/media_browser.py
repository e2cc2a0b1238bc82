"""Debian's Chromium as a viewer: a page without a server, whose offers are answered by a Python callback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]

# Posts the offer without gathering candidates; resolves with times in ms since the click, at the first shown frame.
_WATCH = """
async ({id, frames}) => {
  const clicked = performance.now();
  const pc = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.append(video);
  (window.viewers ??= {})[id] = {pc, video};
  pc.addTransceiver("video", {direction: "recvonly"});
  pc.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); };
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await window.whep(id, pc.localDescription.sdp);
  const answered = performance.now();
  await pc.setRemoteDescription({type: "answer", sdp: answer});
  const shown = new Promise((resolve, reject) => {
    let left = frames, first = null;
    const next = () => {
      first ??= performance.now();
      if (--left === 0) resolve(first);
      else video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
    setTimeout(() => reject(new Error(`no picture: ${pc.connectionState} ${pc.iceConnectionState}`)), 10000);
  });
  const first = await shown;
  return {answered: answered - clicked, first: first - clicked, width: video.videoWidth, height: video.videoHeight};
}
"""
_STATS = """
async (id) => {
  const found = {};
  for (const item of (await window.viewers[id].pc.getStats()).values()) {
    if (item.type === "inbound-rtp") Object.assign(found, item);
    if (item.type === "remote-outbound-rtp") found.reportsReceived = item.reportsSent;
    if (item.type === "transport") found.srtpCipher = item.srtpCipher;
  }
  return found;
}
"""


class BrowserViewer:
    def __init__(self, page: Page) -> None:
        self._page = page

    async def watch(self, session_id: str, frames: int = 1) -> dict[str, float]:
        return await self._page.evaluate(_WATCH, {"id": session_id, "frames": frames})

    async def stats(self, session_id: str) -> dict[str, Any]:
        return await self._page.evaluate(_STATS, session_id)

    async def evaluate(self, script: str, argument: object = None) -> Any:
        return await self._page.evaluate(script, argument)


@asynccontextmanager
async def browser(
    whep: Callable[[str, str], Awaitable[str]], *, path: str = CHROMIUM, arguments: Sequence[str] = ()
) -> AsyncIterator[BrowserViewer]:
    """Chromium, or what `path` starts it with, showing a blank page; `whep(session_id, offer)` answers its offers."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, headless=True, args=[*_ARGUMENTS, *arguments])
        try:
            page = await chromium.new_page()
            await page.expose_function("whep", whep)
            await page.goto("about:blank")
            yield BrowserViewer(page)
        finally:
            await chromium.close()
