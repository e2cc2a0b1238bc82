"""A hub whose pictures are withheld for a while."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import StreamError, StreamFault
from tests.unit.streams.hub_kit import H264, Street


async def test_a_hidden_stream_sends_nothing_and_goes_on_with_a_key_picture_taken_later() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    camera = await street.playing(0)
    early, late = street.bench.receiver(timestamp_offset=0), street.bench.receiver()
    hub.join(early)
    camera.send(0, 1000.0, key=True)
    camera.send(3600, 1000.04)
    street.bench.timer.run_out()
    seen = street.bench.sender.to(early)
    assert seen
    hub.hide()
    hub.join(late)
    for number in range(2, 8):
        camera.send(3600 * number, 1000 + number / 25, key=number % 3 == 0)
    hub.want_key_frame()
    street.bench.timer.run_out()
    assert street.bench.sender.to(early) == seen
    assert not street.bench.sender.to(late)
    assert hub.resend(early, [packet.sequence for packet in seen]) == 0
    assert (hub.key_unit, hub.fanout.cache.size) == (None, 0)
    assert not any(event.wants_key for event in street.events)
    with pytest.raises(StreamError) as caught:
        await hub.next_key_unit(1)
    assert caught.value.fault is StreamFault.HIDDEN

    street.now_s = 1001.0
    hub.show()
    camera.send(90_000, 1001.0, key=True)  # was on its way while hidden
    camera.send(93_600, 1001.04)
    assert street.bench.sender.to(early) == seen
    camera.send(135_000, 1001.5, key=True)
    camera.send(138_600, 1001.54)
    street.bench.timer.run_out()
    again = street.bench.sender.to(early)[len(seen) :]
    assert again[0].sequence == (seen[-1].sequence + 1) & 0xFFFF
    assert [packet.timestamp for packet in again if packet.marker] == [135_000, 138_600]
    assert [packet.payload for packet in street.bench.sender.to(late)] == [packet.payload for packet in again]
    assert hub.key_unit
    assert hub.key_unit.timestamp == 135_000
    await hub.close()


async def test_a_stream_that_is_shown_again_asks_for_a_key_picture_that_can_be_shown() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    camera = await street.playing(0)
    camera.send(0, 1000.0, key=True)
    hub.hide()
    hub.show()
    hub.want_key_frame()
    assert not any(event.wants_key for event in street.events), "what it brings could not be shown"
    street.now_s += 0.51
    await asyncio.sleep(0.53)
    assert sum(event.wants_key for event in street.events) == 1
    await hub.close()


async def test_who_waits_for_a_picture_is_told_when_it_is_hidden_meanwhile() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    await street.playing(0)
    asking = asyncio.create_task(hub.next_key_unit(5))
    await asyncio.sleep(0.01)
    hub.hide()
    with pytest.raises(StreamError) as caught:
        await asking
    assert caught.value.fault is StreamFault.HIDDEN
    await hub.close()
