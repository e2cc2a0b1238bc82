"""Debian's Chromium without a window, joining a relay as a page does: the offer is posted without waiting."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Error, Page, async_playwright

from bench.client_code import client_script
from bench.frames import Frame
from bench.page_scripts import LEAVE, TAKE, WATCH
from bench.ways import Janus, Whep, to_json

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required")
_LEAVE_S = 5.0


class JoinError(RuntimeError):
    """No picture came."""


@dataclass(frozen=True, slots=True)
class Join:
    """One join: wall-clock time of the POST; ms from the click to it, from it to the answer, and to the picture."""

    posted_at_s: float
    offer_ms: float
    answer_ms: float
    picture_ms: float


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures that were shown, and Chromium's own figures of the stream (RTCInboundRtpStreamStats)."""

    frames: list[Frame]
    stats: dict[str, Any] = field(repr=False)


class Browser:
    """A page of the service's own origin; it watches one stream at a time."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def watch(
        self, way: Whep | Janus, timeout_s: float, *, rtx: bool = True, strip: bool = True, holds: bool = False
    ) -> Join:
        """Begin to watch; returns at the first picture.

        Without `rtx` the offer asks for nothing to be sent again. With `holds` pictures are held back as our client
        does it, by its own code.

        Raises:
            JoinError: no picture came within `timeout_s`.
        """
        argument = {"way": to_json(way), "timeoutMs": timeout_s * 1000, "rtx": rtx, "strip": strip, "holds": holds}
        try:
            seen = await self._page.evaluate(WATCH, argument)
        except Error as error:
            await self.leave()
            raise JoinError(error.message) from None
        return Join(seen["postedAt"], seen["offer"], seen["answer"], seen["picture"])

    async def take(self) -> Seen:
        """What was shown since the last call."""
        taken = await self._page.evaluate(TAKE)
        return Seen([Frame(*each) for each in taken["frames"]], taken["stats"])

    async def leave(self) -> None:
        """Stop watching; on a link that is gone the relay is not told."""
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._page.evaluate(LEAVE)
        except TimeoutError:
            pass

    async def join(self, way: Whep | Janus, timeout_s: float) -> Join:
        """Watch until the first picture, then leave.

        Raises:
            JoinError: none came within `timeout_s`.
        """
        joined = await self.watch(way, timeout_s, strip=False)
        await self.leave()
        return joined


def _wrapped(folder: Path, prefix: Sequence[str]) -> Path:
    """A program that is Chromium, run by the command `prefix`."""
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(prefix)} {_CHROMIUM} "$@"\n')
    script.chmod(0o755)
    return script


@asynccontextmanager
async def browser(url: str, prefix: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """Chromium, showing something small of the service at `url`; run by the command `prefix` if there is one."""
    if not _CHROMIUM.exists():  # noqa: ASYNC240  # one look before anything runs
        raise JoinError(f"{_CHROMIUM} is missing; tools/debian-packages.txt names what is needed")
    with tempfile.TemporaryDirectory(prefix="camctl-bench-chromium-") as folder:
        program = _wrapped(Path(folder), prefix) if prefix else _CHROMIUM
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=program, headless=True, args=_ARGUMENTS)
            try:
                page = await chromium.new_page(bypass_csp=True)  # it also talks to Janus
                await page.goto(f"{url}/healthz")
                await page.add_script_tag(content=await asyncio.to_thread(client_script))
                yield Browser(page)
            finally:
                await chromium.close()
