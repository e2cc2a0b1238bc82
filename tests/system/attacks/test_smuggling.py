"""Requests on whose ends a proxy and we could disagree: refused, and nothing behind them is taken for a request."""

from __future__ import annotations

import asyncio

import pytest

from tests.system.attacks.raw_http import GET, serving

pytestmark = pytest.mark.system

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: camctl\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: camctl\r\n"
CHUNKED_SMUGGLED = b"0\r\n\r\n" + SMUGGLED

AMBIGUOUS = {
    "length and chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_SMUGGLED,
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + CHUNKED_SMUGGLED,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
    "two equal lengths": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody" + SMUGGLED,
    "a list of lengths": POST + b"Content-Length: 4, 44\r\n\r\nbody" + SMUGGLED,
    "a length with a sign": POST + b"Content-Length: +4\r\n\r\nbody" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -4\r\n\r\n" + SMUGGLED,
    "a length in hexadecimal": POST + b"Content-Length: 0x4\r\n\r\nbody" + SMUGGLED,
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551620\r\n\r\nbody" + SMUGGLED,
    "a misspelt coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED_SMUGGLED,
    "chunked is not the last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED_SMUGGLED,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED_SMUGGLED,
    "a folded header": POST + b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_SMUGGLED,
    "a lone line feed": b"POST / HTTP/1.1\nHost: camctl\nContent-Length: 44\n\n" + SMUGGLED,
    "a lone carriage return": POST + b"X-A: b\rTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_SMUGGLED,
    "a NUL": POST + b"Content-Length: 4\0\r\n\r\nbody" + SMUGGLED,
    "a chunk of no size": POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n" + CHUNKED_SMUGGLED,
    "a chunk of a negative size": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + CHUNKED_SMUGGLED,
    "a chunk that is longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n" + CHUNKED_SMUGGLED,
    "no Host": b"GET / HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two Hosts": b"GET / HTTP/1.1\r\nHost: camctl\r\nHost: evil.example\r\n\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /\r\n" + SMUGGLED,
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_an_ambiguous_request_ends_the_connection(name: str) -> None:
    async with serving() as server:
        answers = await server.ask(AMBIGUOUS[name])
        assert "GET /smuggled" not in [request for request, _ in server.seen], name
        assert answers, name
        assert answers[-1].status in {400, 405}, name
        assert (await server.ask(GET))[0].status == 200


async def test_two_right_requests_in_one_packet_are_two() -> None:
    """So the above is no accident of how these tests ask."""
    async with serving() as server:
        body = POST + b"Content-Length: 4\r\n\r\nbody"
        assert [answer.status for answer in await server.ask(body + SMUGGLED)] == [200, 200]
        assert [request for request, _ in server.seen] == ["POST /", "GET /smuggled"]


async def test_trailers_are_no_headers() -> None:
    """They pass proxies that clean headers: nobody may become somebody else's address behind a body."""
    data = (
        POST + b"Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n\r\n4\r\nbody\r\n0\r\n"
        b"X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer x\r\n\r\n"
    )
    async with serving() as server:
        assert [answer.status for answer in await server.ask(data)] == [200]
        assert not {"x-forwarded-for", "authorization"} & server.headers[0].keys()


async def test_what_is_wrong_is_never_answered_into_another_answer() -> None:
    async with serving() as server, server.client() as client:
        await client.send(b"GET /slow HTTP/1.1\r\nHost: camctl\r\n\r\n")
        async with asyncio.timeout(10):
            said = await client.reader.readuntil(b"1\r\nx\r\n")
            await client.send(b"nonsense\r\n\r\n")
            said += await client.reader.read()
    assert said.count(b"HTTP/1.1") == 1
