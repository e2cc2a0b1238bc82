"""Main or sub by what the link carries: Debian's Chromium behind the link box, the real media workers."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streams.pool import MediaPool
from streams.quality import Demand, Wish
from tests.support.link_box import LinkBox, link_box, why_no_link_box
from tests.system.media_browser import CHROMIUM, BrowserViewer, browser
from tests.system.media_scene import HEIGHT, LoopSource, camera, encoded_loop, source_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.timeout(150),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed"),
    pytest.mark.skipif(why_no_link_box() is not None, reason=str(why_no_link_box())),
]
SUB_HEIGHT = HEIGHT // 2


class Street:
    """A camera with two streams, the pool, and a browser behind a link."""

    def __init__(self, pool: MediaPool, link: LinkBox, events: list[dict[str, Any]]) -> None:
        self.pool, self.link, self.events = pool, link, events
        self.chromium: BrowserViewer | None = None
        self.demand = Demand()
        self.sources: Any = None

    async def whep(self, session_id: str, offer: str) -> str:
        main, sub = self.sources
        return (await self.pool.open_session(session_id, main, offer, sub=sub, demand=self.demand)).sdp

    async def height(self) -> int:
        assert self.chromium
        return int(await self.chromium.evaluate("() => viewers.v.video.videoHeight"))

    async def until_height(self, height: int, within_s: float) -> float:
        began_s = time.monotonic()
        while await self.height() != height:
            assert time.monotonic() - began_s < within_s, f"still {await self.height()} lines; told: {self.told}"
            await asyncio.sleep(0.1)
        return time.monotonic() - began_s

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(e["quality"], e["why"]) for e in self.events if e["type"] == "session_quality"]


@contextlib.asynccontextmanager
async def street(tmp_path: Path, profile: str) -> AsyncIterator[Street]:
    main, sub = LoopSource(encoded_loop()), LoopSource(encoded_loop(250_000, SUB_HEIGHT))
    events: list[dict[str, Any]] = []

    def heard(event: dict[str, Any]) -> None:
        events.append(event)
        if event["type"] == "key_wanted":
            (main if event["key"].endswith("main") else sub).want_key()

    with link_box(profile) as link:
        pool = MediaPool(1, link.host, 0, [link.host], on_event=heard)
        await pool.start()
        behind = tmp_path / "chromium-behind"
        behind.write_text(f'#!/bin/sh\nexec {" ".join(link.command(CHROMIUM))} "$@"\n')
        behind.chmod(behind.stat().st_mode | stat.S_IXUSR)
        place = Street(pool, link, events)
        try:
            async with (
                camera(main) as (one, _),
                camera(sub) as (two, _),
                browser(place.whep, path=str(behind)) as chromium,
            ):
                place.sources = (source_of(one), source_of(two, "cam-1/sub"))
                place.chromium = chromium
                yield place
        finally:
            await pool.close()


async def test_a_link_that_gets_too_thin_gets_the_sub_stream_and_main_again_when_it_heals(
    tmp_path: Path, record_property: Any
) -> None:
    async with street(tmp_path, "bad") as place:
        assert place.chromium
        seen = await place.chromium.watch("v")
        assert seen["height"] == SUB_HEIGHT, "nobody knows this link yet"
        proved_s = await place.until_height(HEIGHT, 12)
        await asyncio.sleep(4)
        place.link.use("narrow")
        fell_s = await place.until_height(SUB_HEIGHT, 6)
        await asyncio.sleep(7)
        assert await place.height() == SUB_HEIGHT, "the link still carries no more"
        place.link.use("bad")
        healed_s = await place.until_height(HEIGHT, 20)
        record_property(
            "figures",
            f"3 Mb/s, 80 ms, 1 % loss: first picture after {seen['first']:.0f} ms, main after {proved_s:.1f} s; "
            f"cut to 700 kb/s: sub after {fell_s:.1f} s; healed: main after {healed_s:.1f} s",
        )
        assert [why for _, why in place.told[:3]] == ["start", "good", "link"]
        assert (await place.chromium.stats("v"))["retransmittedPacketsReceived"] > 0


@pytest.mark.nightly
async def test_who_pins_a_stream_keeps_it(tmp_path: Path) -> None:
    async with street(tmp_path, "clean") as place:
        assert place.chromium
        place.demand = Demand(Wish.SUB)
        seen = await place.chromium.watch("v")
        assert seen["height"] == SUB_HEIGHT
        await asyncio.sleep(3)
        assert place.told == [("sub", "pinned")]
        await place.pool.ask_quality("v", Demand(Wish.MAIN))
        await place.until_height(HEIGHT, 4)
        await place.pool.ask_quality("v", Demand(height_px=200))
        await place.until_height(SUB_HEIGHT, 4)
        stats = await place.chromium.stats("v")
        assert stats["packetsLost"] == 0, "no gap in the numbers"
        assert place.told == [("sub", "pinned"), ("main", "pinned"), ("sub", "tile")]
