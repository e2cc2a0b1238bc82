"""Requests that come a byte at a time, or never end, or are too large: cut in bounded time, and others are served."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from camctl.api.security_headers import ALWAYS
from tests.system.attacks.raw_http import GET, RawServer, serving

pytestmark = pytest.mark.system

HEAD = b"POST / HTTP/1.1\r\nHost: camctl\r\n"


async def drip(server: RawServer, first: bytes, drop: bytes, every_s: float = 0.1) -> tuple[float, int | None]:
    """Seconds until the server had enough of a client that goes on and on, and the status of its answer, if any."""
    started = time.monotonic()
    async with server.client() as client:
        answering = asyncio.create_task(client.answer(10.0))
        with contextlib.suppress(OSError):
            await client.send(first)
            while not answering.done():
                await client.send(drop)
                await asyncio.sleep(every_s)
        answer = await answering
    return time.monotonic() - started, answer.status if answer else None


async def is_served(server: RawServer) -> bool:
    return [
        answer.status for answer in await server.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    ] == [200]


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"GET / HTTP/1.1\r\nHost: camctl\r\n", b"X-A: b\r\n"),  # Slowloris
        (b"GET / HTTP/1.1\r\nHost: camctl\r\nX-A: ", b"b"),
        (b"GET /", b"a"),
        (b"", b"\r\n"),  # empty lines before a request are allowed, and no request begins with them
    ],
    ids=["headers", "one header", "address", "empty lines"],
)
async def test_headers_that_come_a_byte_at_a_time_are_cut(first: bytes, drop: bytes) -> None:
    async with serving(header_s=0.6) as server:
        lasted_s, status = await drip(server, first, drop)
        assert 0.5 < lasted_s < 3.0
        assert status in {408, 400}
        assert await is_served(server)


async def test_so_is_the_second_request_of_a_connection() -> None:
    async with serving(header_s=0.6) as server, server.client() as client:
        await client.send(GET)
        answer = await client.answer()
        assert answer is not None
        await asyncio.sleep(0.8)  # nothing was begun: that may take longer
        await client.send(GET[:-2])
        late = await client.answer(3.0)
        assert late is not None
        assert (late.status, late.problem) == (408, "too-slow")
        assert server.refused("too-slow") == 1


async def test_who_connects_and_says_nothing_is_cut() -> None:
    async with serving(header_s=0.5) as server, server.client() as client:
        assert await client.is_closed(2.0)


@pytest.mark.parametrize("kind", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_that_comes_a_byte_at_a_time_is_cut(kind: bytes) -> None:
    async with serving(body_s=0.6) as server:
        lasted_s, status = await drip(server, HEAD + kind, b"1\r\nx\r\n" if b"chunked" in kind else b"x")
        assert 0.5 < lasted_s < 3.0
        assert status == 408
        assert server.seen == []
        assert await is_served(server)


async def test_an_answer_may_take_longer_than_a_request() -> None:
    async with serving(header_s=0.5, body_s=0.5) as server, server.client() as client:
        await client.send(b"GET /slow HTTP/1.1\r\nHost: camctl\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            said = await client.reader.read()
    assert said.endswith(b"0\r\n\r\n")
    assert said.count(b"1\r\nx\r\n") == 8


async def test_a_hundred_slow_ones_hold_nobody_up_and_leave_nothing() -> None:
    async with serving(header_s=1.0) as server, contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(server.client()) for _ in range(100)]
        for client in slow:
            await client.send(GET[:-2])
        started = time.monotonic()
        assert await is_served(server)
        assert time.monotonic() - started < 2.0
        assert all(await asyncio.gather(*(client.is_closed(4.0) for client in slow)))
        assert server.refused("too-slow") == 100


@pytest.mark.parametrize(
    ("request_", "status", "problem"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: camctl\r\n\r\n", 414, "url-too-long"),
        (b"GET /" + b"a" * 400_000, 414, "url-too-long"),
        (GET[:-2] + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (GET[:-2] + b"X-A: " + b"a" * 400_000, 431, "headers-too-large"),
        (GET[:-2] + b"X-" + b"a" * 400_000, 431, "headers-too-large"),
        (GET[:-2] + b"".join(b"X-%d: a\r\n" % i for i in range(101)) + b"\r\n", 431, "headers-too-large"),
        (b"\r\n" * 200_000, 431, "headers-too-large"),
    ],
    ids=["address", "address without end", "header", "header without end", "name without end", "many", "empty lines"],
)
async def test_a_head_beyond_its_limit(request_: bytes, status: int, problem: str) -> None:
    async with serving() as server:
        (answer,) = await server.ask(request_)
        assert (answer.status, answer.problem) == (status, problem)
        assert answer.headers["content-type"] == "application/problem+json"
        assert all(answer.headers[name.decode()] == value.decode() for name, value in ALWAYS)
        assert server.seen == []
        assert server.refused(problem) == 1
        assert await is_served(server)


async def test_what_a_browser_sends_at_most_is_within_the_limits() -> None:
    cookies = b"Cookie: a=" + b"a" * 8000 + b"\r\n"
    async with serving() as server:
        answers = await server.ask(GET[:-2] + cookies + b"".join(b"X-%d: a\r\n" % i for i in range(60)) + b"\r\n")
        assert [answer.status for answer in answers] == [200]


async def test_one_large_chunk_of_body_is_no_large_head() -> None:
    body = b"x" * 200_000
    async with serving() as server:
        data = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        assert [answer.status for answer in await server.ask(data + data)] == [200, 200]
        assert [len(body) for _, body in server.seen] == [200_000, 200_000]
