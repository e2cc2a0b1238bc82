"""Our client pulls from our server over real sockets."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.nal import PPS, SPS, nal_type
from streams.rtsp.client import RtspClient
from streams.rtsp.server import RtspServer
from tests.support.rtsp_kit import LoopSource, decode_count, play, serving, until

pytestmark = pytest.mark.system

LOGIN = {"admin": "hunter2"}


def client_of(server: RtspServer, path: str = "main", password: str = "hunter2", username: str = "admin") -> RtspClient:
    return RtspClient(f"rtsp://127.0.0.1:{server.port}/{path}", "127.0.0.1", username, password)


@pytest.mark.parametrize("schemes", [("digest", "basic"), ("digest",), ("digest-sha256", "digest"), ("basic",)])
async def test_a_stream_is_pulled_with_every_scheme(schemes: tuple[str, ...]) -> None:
    source = LoopSource()
    async with serving(source, speed=4, credentials=LOGIN, schemes=schemes) as server:
        client = client_of(server)
        assert await client.open() == VideoFormat("H264", source.parameter_sets)
        units = await play(client, 15)
        assert client.counters.lost == 0
        await until(lambda: not source.subscriptions)
        await until(lambda: server.client_count == 0)
    assert decode_count(units) == len(units)
    assert {later.timestamp - unit.timestamp for unit, later in itertools.pairwise(units)} == {3600}


@pytest.mark.parametrize("in_band", [True, False])
async def test_every_key_unit_carries_parameter_sets(in_band: bool) -> None:
    async with serving(LoopSource(in_band=in_band), speed=8) as server:
        client = client_of(server, username="")
        await client.open()
        units = await play(client, 25)
    keys = [unit for unit in units if unit.is_key]
    assert units[0].is_key
    assert len(keys) >= 2
    assert all([nal_type(nal) for nal in unit.nals[:2]] == [SPS, PPS] for unit in keys)


@pytest.mark.parametrize(
    ("path", "username", "password", "fault"),
    [
        ("main", "admin", "wrong", StreamFault.BAD_CREDENTIALS),
        ("main", "nobody", "hunter2", StreamFault.BAD_CREDENTIALS),
        ("main", "", "", StreamFault.BAD_CREDENTIALS),
        ("other", "admin", "hunter2", StreamFault.NOT_FOUND),
    ],
)
async def test_what_is_refused_is_named_without_secrets(
    path: str, username: str, password: str, fault: StreamFault
) -> None:
    async with serving(LoopSource(), credentials=LOGIN) as server:
        client = client_of(server, path, password, username)
        with pytest.raises(StreamError) as caught:
            await client.open()
        await client.close()
        await until(lambda: server.client_count == 0)
    assert caught.value.fault is fault
    assert "DESCRIBE (CSeq" in caught.value.detail
    assert not password or password not in repr(caught.value)


async def test_a_password_in_the_url_is_neither_used_nor_shown() -> None:
    async with serving(LoopSource(), credentials=LOGIN) as server:
        client = RtspClient(f"rtsp://admin:hunter2@127.0.0.1:{server.port}/main", "127.0.0.1", "", "")
        with pytest.raises(StreamError) as caught:
            await client.open()
    assert caught.value.fault is StreamFault.BAD_CREDENTIALS
    assert "hunter2" not in repr(client) + repr(caught.value)


async def test_a_server_that_goes_away_ends_the_stream_with_a_reason() -> None:
    async with serving(LoopSource(), speed=4) as server:
        client = client_of(server)
        await client.open()
        units: list[AccessUnit] = []
        playing = asyncio.create_task(client.play(units.append))
        await until(lambda: units)
    with pytest.raises(StreamError) as caught:
        await playing
    assert caught.value.fault is StreamFault.UNREACHABLE
    await client.close()


async def test_what_the_consumer_raises_ends_the_stream_and_reaches_its_owner() -> None:
    def refuse(_: AccessUnit) -> None:
        raise RuntimeError("no room")

    source = LoopSource()
    async with serving(source, speed=4) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(RuntimeError, match="no room"):
            await client.play(refuse)
        await client.close()
        await until(lambda: not source.subscriptions)


async def test_a_cancelled_pull_leaves_nothing_behind() -> None:
    source = LoopSource()
    async with serving(source, speed=4) as server:
        client = client_of(server)
        await client.open()
        playing = asyncio.create_task(client.play(lambda _: None))
        await until(lambda: source.subscriptions)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        await client.close()
        await until(lambda: server.client_count == 0)
        assert not source.subscriptions


async def test_many_clients_of_one_source_get_the_same_pictures() -> None:
    source = LoopSource()
    async with serving(source, speed=4) as server:
        clients = [client_of(server) for _ in range(5)]
        await asyncio.gather(*(client.open() for client in clients))
        pulled = await asyncio.gather(*(play(client, 12) for client in clients))
    assert all(decode_count(units) == len(units) >= 12 for units in pulled)


async def test_closing_before_opening_and_twice_is_harmless() -> None:
    client = RtspClient("rtsp://127.0.0.1:1/x", "127.0.0.1", "", "")
    await client.close()
    await client.close()
    with pytest.raises(StreamError):
        await client.play(lambda _: None)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "rtsp://", "rtsp://h:99999/", "rtsp://h/a\r\nEvil: yes", ""])
async def test_what_is_no_rtsp_address_is_said_when_opening(url: str) -> None:
    with pytest.raises(StreamError) as caught:
        await RtspClient(url, "127.0.0.1", "", "").open()
    assert caught.value.fault is StreamFault.PROTOCOL
