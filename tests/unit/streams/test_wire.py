from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams import wire
from streams.wire import EventHandler, FrameError, Handler, Payload, Peer, WireError, encode_frame


@asynccontextmanager
async def pair(
    handlers: dict[str, Handler] | None = None, on_event: EventHandler | None = None
) -> AsyncIterator[tuple[Peer, Peer]]:
    """Two peers: the first asks, the second has the handlers."""
    one, two = socket.socketpair()
    asker, answerer = Peer(one), Peer(two, handlers, on_event)
    await asker.start()
    await answerer.start()
    try:
        yield asker, answerer
    finally:
        await asker.close()
        await answerer.close()


@asynccontextmanager
async def raw() -> AsyncIterator[tuple[Peer, socket.socket]]:
    ours, theirs = socket.socketpair()
    peer = Peer(theirs)
    await peer.start()
    try:
        yield peer, ours
    finally:
        ours.close()
        await peer.close()


async def double(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
    return {"twice": payload["number"] * 2}, blob * 2


async def refuse(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
    raise WireError("busy", "not now", {"codec": "H265"})


async def crash(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
    raise RuntimeError("secret")


async def hang(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
    await asyncio.sleep(60)
    raise AssertionError


HANDLERS = {"double": double, "refuse": refuse, "crash": crash, "hang": hang}


async def test_requests_at_the_same_time_find_their_replies() -> None:
    async with pair(HANDLERS) as (asker, _):
        answers = await asyncio.gather(*(asker.request("double", {"number": n}, bytes([n])) for n in range(50)))
    assert answers == [({"twice": 2 * n}, bytes([n, n])) for n in range(50)]


async def test_a_blob_as_large_as_a_picture_comes_through() -> None:
    async with pair(HANDLERS) as (asker, _):
        _, blob = await asker.request("double", {"number": 0}, b"x" * 3_000_000)
    assert len(blob) == 6_000_000


async def test_a_refusal_carries_its_facts() -> None:
    async with pair(HANDLERS) as (asker, _):
        with pytest.raises(WireError) as caught:
            await asker.request("refuse", {})
    assert (caught.value.code, caught.value.detail, caught.value.extra) == ("busy", "not now", {"codec": "H265"})


@pytest.mark.parametrize(("kind", "code"), [("crash", "internal"), ("nonsense", "unknown-kind")])
async def test_a_crash_and_an_unknown_kind_are_refusals_without_details(kind: str, code: str) -> None:
    async with pair(HANDLERS) as (asker, _):
        with pytest.raises(WireError) as caught:
            await asker.request(kind, {})
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


async def test_no_reply_in_time() -> None:
    async with pair(HANDLERS) as (asker, _):
        with pytest.raises(TimeoutError):
            await asker.request("hang", {}, timeout_s=0.02)
        assert await asker.request("double", {"number": 1}) == ({"twice": 2}, b"")


async def test_a_closed_peer_fails_everybody_who_waits() -> None:
    async with pair(HANDLERS) as (asker, answerer):
        waiting = asyncio.gather(*(asker.request("hang", {}) for _ in range(3)), return_exceptions=True)
        await asyncio.sleep(0.01)
        await answerer.close()
        assert [type(result) for result in await waiting] == [ConnectionError] * 3
        assert asker.closed.is_set()
        with pytest.raises(ConnectionError):
            await asker.request("double", {"number": 1})
        asker.event("lost", {})


async def test_events_keep_their_order_and_a_failing_handler_harms_nobody() -> None:
    seen: list[object] = []

    def on_event(kind: str, payload: Payload, blob: bytes) -> None:
        seen.append((kind, payload["n"], blob))
        if payload["n"] == 1:
            raise ValueError

    async with pair(HANDLERS, on_event) as (asker, _):
        for n in range(3):
            asker.event("tick", {"n": n}, b"b")
        await asker.request("double", {"number": 1})
    assert seen == [("tick", n, b"b") for n in range(3)]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!II", wire.MAX_JSON_BYTES + 1, 0),
        struct.pack("!II", 2, wire.MAX_BLOB_BYTES + 1),
        struct.pack("!II", 3, 0) + b"abc",
        struct.pack("!II", 2, 0) + b"[]",
        struct.pack("!II", 2, 0) + b"{}",
        encode_frame({"t": "what", "payload": {}}),
        encode_frame({"t": "ev", "payload": 3}),
    ],
)
async def test_what_is_no_frame_closes_the_connection(data: bytes) -> None:
    async with raw() as (peer, ours):
        ours.send(data)
        async with asyncio.timeout(2):
            await peer.closed.wait()


async def test_a_frame_that_comes_byte_by_byte_is_read() -> None:
    async with raw() as (peer, ours):
        peer.serve({"double": double})
        for byte in encode_frame({"t": "req", "id": 1, "kind": "double", "payload": {"number": 4}}):
            ours.send(bytes([byte]))
            await asyncio.sleep(0)
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(2):
            assert b'"twice":8' in await loop.sock_recv(ours, 1000)


async def test_too_many_requests_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_RUNNING_REQUESTS", 2)
    async with pair(HANDLERS) as (asker, _):
        hung = [asyncio.create_task(asker.request("hang", {})) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(WireError, match="overloaded"):
            await asker.request("double", {"number": 1})
        for task in hung:
            task.cancel()


def test_a_message_over_the_limits_is_not_sent() -> None:
    with pytest.raises(FrameError):
        encode_frame({"payload": {}}, b"x" * (wire.MAX_BLOB_BYTES + 1))
