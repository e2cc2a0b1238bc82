"""A viewer among a camera's two streams, without sockets: real hubs and fan-outs, scripted cameras."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from streams.adapt import LinkReport
from streams.hub import Hub
from streams.quality import Demand, Quality, Wish
from streams.rtp.blocks import BURST, Receiver, Retransmission
from streams.rtp.fanout import Fanout
from streams.rtp.frames import AccessUnit
from streams.viewing import Viewing
from tests.unit.streams.hub_kit import H264, IDR, PPS, SOURCE, SPS, FakeClient, Street
from tests.unit.streams.rtp.fanout_kit import Bench, Packet

MAIN, SUB = Quality.MAIN, Quality.SUB
NEAR, FAR = 0.004, 0.09


class Place:
    """Both streams of a camera, all sending through one bench."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.streets = {quality: Street(H264) for quality in (MAIN, SUB)}
        self.hubs: dict[Quality, Hub] = {}
        self.cameras: dict[Quality, FakeClient] = {}
        self.changes: list[tuple[Quality | None, str]] = []
        self.probes = 0
        self.now_s = 1000.0
        self.viewing: Any = None
        self.receiver: Receiver = self.bench.receiver(rtx=Retransmission(9, 97))

    async def open(self, demand: Demand | None = None, *, warm: bool = True) -> Viewing:
        for quality, street in self.streets.items():
            fanout = Fanout(self.bench.sealer, self.bench.sender, self.bench.timer)
            self.hubs[quality] = Hub(SOURCE, street.connect, fanout, on_event=street.events.append, linger_s=0.01)
        holds = {quality: hub.hold() for quality, hub in self.hubs.items()}
        for quality, street in self.streets.items():
            self.cameras[quality] = await street.playing(0)
        if warm:
            self.both(key=True)
        self.viewing = Viewing(
            self.hubs, holds, demand or Demand(), can_probe=True,
            on_change=lambda: self.changes.append((self.viewing.shown, self.viewing.why.value)),
        )  # fmt: skip
        self.viewing.on_probed = self.probed
        self.viewing._loop = self  # its clock is ours
        return self.viewing

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, call: Any, *arguments: Any) -> Any:
        return asyncio.get_running_loop().call_later(delay / 100, call, *arguments)

    def probed(self) -> None:
        self.probes += 1

    def send(self, quality: Quality, *, key: bool = False, size: int = 900) -> None:
        tag = quality.value.encode()
        nals = (SPS, PPS, IDR + tag * size) if key else (b"\x41" + tag * (size // 8),)
        camera = self.cameras[quality]
        assert camera.on_unit
        camera.on_unit(AccessUnit(nals, round(self.now_s * 90_000), key, self.now_s))

    def both(self, *, key: bool = False, seconds: float = 0.04) -> None:
        for quality in self.hubs:
            self.send(quality, key=key)
        self.now_s += seconds
        self.bench.timer.run_out()

    def seen(self) -> list[Packet]:
        return [packet for packet in self.bench.sender.to(self.receiver) if packet.ssrc == self.receiver.ssrc]

    def came_from(self) -> list[str]:
        return ["main" if b"main" in packet.payload else "sub" for packet in self.seen() if packet.marker]

    def wanted_keys(self, quality: Quality) -> int:
        return sum(event.wants_key for event in self.streets[quality].events)


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    place.viewing.leave(place.receiver)
    place.viewing.close()
    for hub in place.hubs.values():
        await hub.close()


async def test_a_near_viewer_gets_the_cached_main_stream_at_full_pace(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    assert (viewing.shown, place.receiver.burst) == (MAIN, BURST)
    assert place.changes == [(MAIN, "good")]
    assert set(place.came_from()) == {"main"}


async def test_on_an_unknown_link_it_is_the_sub_stream_slowly_and_then_main_without_a_gap(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, FAR)
    place.bench.timer.run_out()
    assert (viewing.shown, place.receiver.burst) == (SUB, 1)
    for number in range(8):
        place.both(seconds=0.25)
        viewing.report(LinkReport(0, 100 * number, FAR, place.now_s - 0.1), place.now_s)
        viewing.tick(place.now_s)
        await asyncio.sleep(0.02)  # a probe's steps
    assert place.probes == 1
    assert [packet for packet in place.bench.sender.to(place.receiver) if packet.ssrc == 9], "the probe"
    viewing.report(LinkReport(0, 1000, FAR, place.now_s + 0.1), place.now_s + 0.2)
    place.both()
    assert viewing.shown is SUB, "main has not had a key picture yet"
    assert place.wanted_keys(MAIN) == 1
    place.both(key=True)
    place.both()
    assert place.changes == [(SUB, "start"), (MAIN, "good")]
    packets = place.seen()
    assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(packets))
    times = [packet.timestamp for packet in packets if packet.marker]
    assert times == sorted(times)
    shown = place.came_from()
    assert shown == ["sub"] * shown.count("sub") + ["main"] * shown.count("main"), "never both"
    assert shown[-2:] == ["main", "main"]


async def test_a_link_that_got_too_thin_gets_nothing_of_main_while_sub_is_on_its_way(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    for quality in (SUB,):
        for _ in range(80):
            place.send(quality, size=20_000)  # far too much to send into a full queue
    before = len(place.seen())
    for number in range(4):
        place.both(seconds=0.5)
        viewing.report(LinkReport(60 * number, 100 * number, 0.6, place.now_s), place.now_s)
    assert viewing.why == "link"
    assert viewing.shown is None
    assert place.wanted_keys(SUB) == 1
    so_far = len(place.seen())
    place.both()
    assert len(place.seen()) == so_far, "silence, so that the queue drains"
    place.both(key=True)
    assert viewing.shown is SUB
    assert before < so_far < len(place.seen())
    packets = place.seen()
    assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(packets))


async def test_after_a_fall_the_small_stream_begins_slowly_for_the_queue_is_full_of_main(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    for number in range(4):
        place.both(seconds=0.5)
        viewing.report(LinkReport(60 * number, 100 * number, 0.6, place.now_s), place.now_s)
    assert viewing.why == "link"
    assert (place.receiver.burst, place.receiver.every) == (1, 16), "a packet in 32 ms: 300 kb/s"


async def test_a_stream_that_does_not_come_is_given_up_for_the_other(place: Place) -> None:
    viewing = await place.open(warm=False)
    viewing.join(place.receiver, FAR)
    place.send(MAIN, key=True)
    place.now_s += 3
    viewing.tick(place.now_s)
    assert viewing.shown is None
    place.now_s += 2
    viewing.tick(place.now_s)
    assert viewing.shown is MAIN


async def test_a_long_group_of_pictures_is_better_than_none_when_no_key_picture_comes(place: Place) -> None:
    viewing = await place.open()
    for _ in range(40):
        place.send(SUB, size=60_000)
    viewing.join(place.receiver, FAR)
    assert viewing.shown is None
    assert place.wanted_keys(SUB) == 1
    place.now_s += 1.6
    viewing.tick(place.now_s)
    assert viewing.shown is SUB
    place.bench.timer.run_out()
    assert len(place.seen()) > 200


async def test_what_is_not_shown_for_long_is_not_pulled(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    viewing.tick(place.now_s)
    assert set(viewing._holds) == {MAIN, SUB}
    place.now_s += 11
    viewing.tick(place.now_s)
    assert set(viewing._holds) == {MAIN}
    viewing.ask(Demand(Wish.SUB))
    assert set(viewing._holds) == {MAIN, SUB}, "wanted again"


async def test_a_viewer_who_changes_its_mind_twice_stays_where_it_was(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    viewing.ask(Demand(Wish.SUB))
    viewing.ask(Demand(Wish.MAIN))
    place.both(key=True)
    place.both()
    assert place.changes == [(MAIN, "good")]
    assert place.hubs[SUB].viewers == 0
    assert set(place.came_from()) == {"main"}


async def test_on_a_lossy_link_what_is_sent_again_is_sent_twice(place: Place) -> None:
    viewing = await place.open()
    viewing.join(place.receiver, NEAR)
    place.both()
    sequence = place.seen()[-1].sequence
    assert viewing.resend(place.receiver, [sequence]) == 1
    await asyncio.sleep(0.01)
    assert place.receiver.resent == 1, "a clean link needs no more"
    for number in range(3):
        viewing.report(LinkReport(3 * number, 100 * number, NEAR, place.now_s), place.now_s + number)
    viewing.resend(place.receiver, [sequence])
    await asyncio.sleep(0.01)
    assert place.receiver.resent == 3
    viewing.report(LinkReport(60, 400, NEAR, place.now_s), place.now_s + 3)
    viewing.resend(place.receiver, [sequence])
    await asyncio.sleep(0.01)
    assert place.receiver.resent == 4, "a link that is full gets no more of it than needed"
