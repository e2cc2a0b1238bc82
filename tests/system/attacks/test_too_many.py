"""Connections without number, and sockets that never stop talking."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from camctl.api.door import Seats
from camctl.config_types import network
from tests.system.attacks.raw_http import GET, Client, RawServer, serving

pytestmark = pytest.mark.system


async def opened(server: RawServer, stack: contextlib.AsyncExitStack, count: int) -> list[Client]:
    return [await stack.enter_async_context(server.client()) for _ in range(count)]


async def is_served(server: RawServer) -> bool:
    return [answer.status for answer in await server.ask(GET)] == [200]


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"connections_per_address": 10}, "address-connections"),
        ({"connections": 16, "connections_per_address": 100}, "connections"),
    ],
)
async def test_connections_beyond_the_limit_are_closed_and_places_come_back(limits: dict[str, int], why: str) -> None:
    most = min(limits.values())
    async with serving(**limits) as server:
        async with contextlib.AsyncExitStack() as stack:
            clients = await opened(server, stack, most)
            for client in clients:
                await client.send(GET)
                answer = await client.answer()
                assert answer is not None
                assert answer.status == 200
            for extra in await opened(server, stack, 5):
                assert await extra.is_closed(2.0)
            assert server.refused(why) == 5
            await clients[0].send(GET)  # who was in stays in
            assert await clients[0].answer() is not None
        async with asyncio.timeout(5):
            while not await is_served(server):  # noqa: ASYNC110  the server has no event for this
                await asyncio.sleep(0.05)


def test_seats_are_counted_by_household_and_proxies_stand_for_many() -> None:
    seats = Seats(100, 2, (network("10.0.0.0/24"),))
    assert [seats.take("2001:db8::1"), seats.take("2001:db8::2")] == [None, None]
    assert seats.take("2001:db8::3") == "address-connections"
    assert seats.take("2001:db8:0:1::3") is None
    assert [seats.take("::ffff:10.0.0.1") for _ in range(50)] == [None] * 50
    assert [seats.take("10.0.1.1") for _ in range(3)] == [None, None, "address-connections"]
    seats.leave("2001:db8::9")
    assert seats.take("2001:db8::3") is None
    for number in range(100 - len(seats)):
        assert seats.take(f"192.0.2.{number}") is None
    assert seats.take("192.0.3.1") == "connections"


@contextlib.asynccontextmanager
async def talking(server: RawServer):  # type: ignore[no-untyped-def]  # noqa: ANN201
    async with connect(f"ws://127.0.0.1:{server.port}/socket", ping_interval=None, max_queue=None) as client:
        yield client


async def end_of(client: ClientConnection, within_s: float = 10.0) -> int | None:
    async with asyncio.timeout(within_s):
        await client.wait_closed()
    return client.close_code


async def test_a_socket_that_sends_without_end_is_closed() -> None:
    async with serving(socket_messages_per_s=30) as server, talking(server) as client:
        with contextlib.suppress(ConnectionClosed):
            for number in range(2000):
                await client.send(str(number))
        assert await end_of(client) == 1008
        assert len(server.heard) <= 30 * 5 + 30
        assert server.refused("socket-rate") == 1


async def test_so_is_one_that_only_pings() -> None:
    async with serving(socket_messages_per_s=30) as server, talking(server) as client:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(2000):
                await client.ping()
        assert await end_of(client) == 1008


async def test_and_one_message_of_parts_without_end() -> None:
    async with serving() as server, talking(server) as client:
        client.protocol.send_text(b"", fin=False)
        for _ in range(80):
            client.protocol.send_continuation(b"", fin=False)
        client.transport.write(b"".join(client.protocol.data_to_send()))
        assert await end_of(client) == 1008
        assert server.heard == []


async def test_a_message_beyond_its_limit_closes_the_socket() -> None:
    async with serving() as server, talking(server) as client:
        await client.send("x" * 4097)
        assert await end_of(client) == 1009
        assert server.heard == []


async def test_a_finger_that_steers_at_twice_the_needed_rate_never_meets_the_limit() -> None:
    async with serving() as server, talking(server) as client:
        for number in range(120):  # 40 a second for 3 s
            await client.send(json.dumps({"type": "move", "seq": number}))
            await asyncio.sleep(0.025)
        async with asyncio.timeout(5):
            for _ in range(120):
                await client.recv()
        assert len(server.heard) == 120


async def test_nor_does_the_backlog_of_a_link_that_was_gone_for_ten_seconds() -> None:
    async with serving() as server, talking(server) as client:
        for number in range(400):
            await client.send(str(number))
        async with asyncio.timeout(5):
            for _ in range(400):
                await client.recv()
        assert len(server.heard) == 400
