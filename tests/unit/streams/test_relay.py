"""A hub as what an RTSP server serves, and who may have what of it."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import StreamError, StreamFault
from streams.hub import Hub, HubState
from streams.relay import HubSource, Relay, relay_policy, relay_source
from streams.restream import Restream, RestreamAccount, RestreamLimits
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.gop import SQUEEZED_STEP
from streams.rtsp.origin import StreamSource
from streams.rtsp.source import KeepingSource
from tests.unit.streams.hub_kit import H264, PPS, SOURCE, SPS, FakeClient, Street, until

FRAME = 3600


async def playing(street: Street, hub: Hub, pictures: int = 4) -> FakeClient:
    """A hub that has received a key picture and some more."""
    hold = hub.hold()
    client = await street.playing(0)
    for number in range(pictures):
        client.send(number * FRAME, street.now_s + number / 25, key=number == 0)
    hold.release()
    return client


def source_over(hub: Hub, *, squeezes: bool = False) -> HubSource:
    async def find() -> Hub:
        return hub

    return HubSource(find, 1.0, squeezes=squeezes)


async def test_newcomers_get_the_kept_pictures_as_they_were() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=9)
    client = await playing(street, hub)
    source = source_over(hub)
    assert await source.describe() == H264
    taken: list[AccessUnit] = []
    taking = source.subscribe(taken.append)
    assert [unit.timestamp for unit in taken] == [0, FRAME, 2 * FRAME, 3 * FRAME]
    client.send(4 * FRAME, street.now_s + 4 / 25)
    assert taken[-1].timestamp == 4 * FRAME
    taking.close()
    taking.close()
    client.send(5 * FRAME, street.now_s + 5 / 25)
    assert len(taken) == 5
    await hub.close()


async def test_squeezed_pictures_end_where_the_stream_is() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=9)
    client = await playing(street, hub)
    source = source_over(hub, squeezes=True)
    await source.describe()
    taken: list[AccessUnit] = []
    source.subscribe(taken.append)
    client.send(4 * FRAME, street.now_s + 4 / 25)
    edge = 3 * FRAME
    assert [unit.timestamp for unit in taken] == [
        edge - 3 * SQUEEZED_STEP, edge - 2 * SQUEEZED_STEP, edge - SQUEEZED_STEP, edge, 4 * FRAME,
    ]  # fmt: skip
    assert taken[0].is_key
    await hub.close()


async def test_from_the_next_key_picture_means_after_now_and_one_is_asked_for() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=9)
    client = await playing(street, hub)
    source = source_over(hub)
    assert isinstance(source, KeepingSource)
    await source.describe()
    taken: list[AccessUnit] = []
    street.events.clear()
    source.subscribe_from_next_key(taken.append)
    assert taken == []
    assert [event.wants_key for event in street.events] == [True]
    client.send(4 * FRAME, street.now_s + 4 / 25, key=True)
    assert len(taken) == 1
    await hub.close()


async def test_a_taker_that_fails_at_once_holds_nothing() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=0.0)
    await playing(street, hub)
    source = source_over(hub)
    await source.describe()

    def broken(_: AccessUnit) -> None:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        source.subscribe(broken)
    await until(hub, HubState.IDLE)


async def test_parameter_sets_that_come_in_band_are_waited_for() -> None:
    street = Street(VideoFormat("H264"))
    hub = street.hub(linger_s=9)
    describing = asyncio.create_task(source_over(hub).describe())
    client = await street.playing(0)
    await asyncio.sleep(0.01)
    assert not describing.done()
    client.send(0, street.now_s, key=True)
    assert (await describing).parameter_sets == (SPS, PPS)
    await hub.close()


def test_a_source_is_described_first() -> None:
    async def nobody() -> Hub:
        raise StreamError(StreamFault.NOT_FOUND, "")

    with pytest.raises(RuntimeError):
        HubSource(nobody, 1.0).subscribe(lambda _: None)


async def test_only_what_was_lent_is_served_and_from_its_latest_source() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=9)
    asked: list[StreamSource] = []

    def hub_of(source: StreamSource) -> Hub:
        asked.append(source)
        hub.change_source(source)
        return hub

    relay = Relay(hub_of, 1.0)
    assert relay.source("cam-1/main", "worker") is None
    relay.lend(SOURCE)
    first = relay.source("cam-1/main", "worker")
    moved = StreamSource(SOURCE.key, "rtsp://elsewhere/main", "192.0.2.2")
    relay.lend(moved)
    assert relay.source("cam-1/main", "worker") is first is not None
    await first.describe()
    assert asked[-1] == moved
    relay.recall("cam-1/main")
    assert relay.source("cam-1/main", "worker") is None
    with pytest.raises(StreamError):
        await first.describe()
    await relay.close()
    await hub.close()


def test_the_relay_is_asked_soon_again() -> None:
    policy = relay_policy()
    assert policy.failed(StreamFault.UNREACHABLE, 0.0) <= 0.05
    others = set(StreamFault) - {StreamFault.BAD_CREDENTIALS}
    assert all(policy.failed(fault, 0.0) <= 0.6 for fault in others)


def test_the_secret_is_in_no_repr_and_no_url() -> None:
    source = relay_source(SOURCE, 4000, "rahasia")
    assert source.is_relay
    assert "rahasia" not in repr(source) + source.url


def test_an_account_plays_its_own_streams_within_the_limits() -> None:
    async def nobody(_: str) -> Hub:
        raise StreamError(StreamFault.NOT_FOUND, "")

    restream = Restream(nobody, 1.0)
    restream.allow(RestreamAccount("nvr", {"MD5": "rahasia"}, frozenset({"cam-1/main"})))
    mine = restream.source("cam-1/main", "nvr")
    assert mine is not None
    assert restream.source("cam-1/main", "nvr") is mine, "one for all, so that pictures are cut once"
    for path, name in (("cam-1/sub", "nvr"), ("cam-1/main", "other"), ("", "nvr"), ("cam-1/main", "")):
        assert restream.source(path, name) is None
    limits = RestreamLimits()
    assert restream.has_room("nvr", 0, 0)
    assert not restream.has_room("nvr", limits.sessions_per_account, limits.sessions_per_account)
    assert not restream.has_room("nvr", 0, limits.sessions)
    restream.forget("nvr")
    assert restream.source("cam-1/main", "nvr") is None
    assert "rahasia" not in repr(RestreamAccount("nvr", {"MD5": "rahasia"}))
