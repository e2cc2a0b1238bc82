"""The worker's end of feeds: made once, dropped while the parent is slow, ended with a reason."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import StreamError, StreamFault
from streams.feeds import Feeds
from streams.hub import Hub, HubState
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.wire import Payload
from tests.system.media_scene import encoded_loop
from tests.unit.streams.hub_kit import H264, FakeClient, Street

OPEN: Payload = {"hidings": 0, "wants_key": False}


class Bench:
    def __init__(self, *outcomes: VideoFormat | StreamFault) -> None:
        self.street = Street(*(outcomes or (H264,)))
        self.hub: Hub = self.street.hub()
        self.told: list[tuple[str, Payload]] = []
        self.is_lagging = False
        self.feeds = Feeds(self._tell, lambda: self.is_lagging)

    def _tell(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        self.told.append((kind, payload))

    async def opened(self) -> FakeClient:
        await self.feeds.open(self.hub, OPEN, 1.0)
        return await self.street.playing(len(self.street.clients) - 1)

    def send(self, client: FakeClient, *numbers: int) -> None:
        loop = encoded_loop()
        for number in numbers:
            assert client.on_unit
            self.street.now_s += 0.04
            client.on_unit(AccessUnit(loop[number], number * 3_600, number == 0, self.street.now_s))

    def kinds(self) -> str:
        """i: init segment, k: key picture, p: picture."""
        feed = [payload for kind, payload in self.told if kind == "feed"]
        return "".join("i" if item["codecs"] else "k" if item["key_picture"] else "p" for item in feed)

    async def close(self) -> None:
        self.feeds.close_all()
        await self.hub.close()


async def test_a_feed_is_made_once_and_holds_the_hub() -> None:
    bench = Bench()
    client = await bench.opened()
    bench.send(client, 0, 1, 2)
    await bench.feeds.open(bench.hub, OPEN | {"hidings": 3}, 1.0)
    bench.send(client, 3)
    assert bench.kinds() == "ikppp"
    assert [payload["hidings"] for _, payload in bench.told] == [0, 0, 0, 0, 3]
    assert bench.feeds.figures() == {"feeds": 1, "feed_units": 4, "feed_units_skipped": 0}
    await asyncio.sleep(0.05)
    assert bench.hub.state is HubState.LIVE
    bench.feeds.close("cam-1/main")
    bench.feeds.close("cam-1/main")
    bench.send(client, 4)
    assert bench.kinds() == "ikppp"
    await asyncio.sleep(0.05)
    assert bench.hub.state is HubState.IDLE, "only the linger time keeps it"
    await bench.close()


async def test_while_the_parent_lags_pictures_are_dropped_up_to_a_key_picture() -> None:
    bench = Bench()
    client = await bench.opened()
    bench.send(client, 0, 1)
    bench.is_lagging = True
    bench.send(client, 2, 3, 0)
    bench.is_lagging = False
    bench.send(client, 4, 0, 1)
    assert bench.kinds() == "ikp" + "kp"
    assert bench.feeds.figures()["feed_units_skipped"] == 4
    await bench.close()


async def test_who_waits_for_a_key_picture_has_one_asked_for() -> None:
    bench = Bench()
    client = await bench.opened()
    bench.send(client, 0)
    bench.street.events.clear()
    await bench.feeds.open(bench.hub, OPEN | {"wants_key": True}, 1.0)
    assert [event.wants_key for event in bench.street.events] == [True]
    await bench.close()


async def test_video_that_cannot_be_read_ends_the_feed_and_says_why() -> None:
    bench = Bench()
    client = await bench.opened()
    client.send(0, bench.street.now_s, key=True)  # with an SPS that is cut off
    ((kind, facts),) = bench.told
    assert (kind, facts["key"], facts["fault"]) == ("feed_failed", "cam-1/main", "protocol")
    assert bench.feeds.figures()["feeds"] == 0
    await bench.close()


async def test_why_a_stream_cannot_be_had_is_raised_and_the_feed_closed_by_its_owner() -> None:
    bench = Bench(StreamFault.NOT_FOUND)
    with pytest.raises(StreamError) as caught:
        await bench.feeds.open(bench.hub, OPEN, 1.0)
    assert caught.value.fault is StreamFault.NOT_FOUND
    assert bench.feeds.figures()["feeds"] == 1
    await bench.close()
    bench = Bench()
    bench.street.gate.clear()
    opening = asyncio.create_task(bench.feeds.open(bench.hub, OPEN, 1.0))
    await asyncio.sleep(0)
    bench.feeds.close("cam-1/main")
    bench.street.gate.set()
    with pytest.raises(StreamError) as caught:
        await opening
    assert caught.value.fault is StreamFault.CLOSED
    await bench.close()


async def test_a_stream_that_is_taken_away_ends_its_feed() -> None:
    bench = Bench()
    bench.feeds.end("cam-1/main", "closed")
    await bench.opened()
    bench.feeds.end("cam-1/main", "the stream was closed")
    assert bench.told == [
        ("feed_failed", {"key": "cam-1/main", "fault": "closed", "detail": "the stream was closed", "codec": None})
    ]
    await bench.close()
