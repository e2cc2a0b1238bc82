"""The connection on the event loop against servers that misbehave: as bounded as the one for threads."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from camctl.egress import PinnedTarget
from camctl.onvif import link as onvif_link
from camctl.onvif.budget import Budget
from camctl.onvif.http import HttpReply
from camctl.onvif.link import Link
from camctl.ptz.ports import CameraError, CameraFault
from tests.support.http_peer import Peer, Script, answers, peer
from tests.support.ports import free_tcp_port

pytestmark = pytest.mark.system

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def post(link: Link, budget: Budget | None = None, *, repeatable: bool = True) -> HttpReply:
    return await link.post("/x", b"body", {"Content-Type": "a/b"}, budget or Budget(), repeatable=repeatable)


async def error(link: Link, budget: Budget | None = None, *, repeatable: bool = True) -> CameraError:
    with pytest.raises(CameraError) as caught:
        await post(link, budget, repeatable=repeatable)
    link.close()
    return caught.value


def link_to(it: Peer) -> Link:
    return Link(it.target, "http")


async def test_the_connection_is_kept_and_names_the_host() -> None:
    with peer(answers(_OK, _OK, _OK)) as it:
        link = link_to(it)
        assert [(await post(link)).body for _ in range(3)] == [b"ok"] * 3
        link.close()
    assert it.connections == 1
    head, _, body = it.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /x HTTP/1.1"
    assert f"Host: cam.example.org:{it.port}".encode() in head.split(b"\r\n")
    assert b"Content-Length: 4" in head.split(b"\r\n")
    assert b"Content-Type: a/b" in head.split(b"\r\n")
    assert body == b"body"


async def test_nothing_that_a_camera_named_gets_into_the_head() -> None:
    with peer(answers(_OK)) as it:
        link = link_to(it)
        await link.post("/a b\r\nX: y/é?q=1&r=%20", b"body", {}, Budget(), repeatable=True)
        link.close()
    assert it.requests[0].split(b"\r\n")[0] == b"POST /a%20b%0D%0AX:%20y/%C3%A9?q=1&r=%20 HTTP/1.1"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(repeatable: bool) -> None:
    with peer(answers(_OK)) as it:
        link = link_to(it)
        await post(link)
        await asyncio.sleep(0.1)
        assert (await post(link, repeatable=repeatable)).body == b"ok"
        link.close()
    assert it.connections == 2
    assert len(it.requests) == 2


def hangs_up_at_the_second(it: Peer, client: socket.socket) -> None:
    it.read_request(client)
    client.sendall(_OK)
    it.read_request(client)


async def test_a_request_that_may_have_arrived_is_repeated_only_if_that_does_no_harm() -> None:
    with peer(hangs_up_at_the_second, answers(_OK)) as it:
        link = link_to(it)
        await post(link)
        assert (await post(link)).body == b"ok"
        link.close()
        assert len(it.requests) == 3
    with peer(hangs_up_at_the_second, answers(_OK)) as it:
        link = link_to(it)
        await post(link)
        assert (await error(link, repeatable=False)).fault is CameraFault.UNREACHABLE
        assert len(it.requests) == 2


async def test_a_connection_that_was_quiet_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onvif_link, "MAX_IDLE_S", 0.05)
    with peer(answers(_OK, _OK)) as it:
        link = link_to(it)
        await post(link)
        await asyncio.sleep(0.1)
        await post(link)
        link.close()
    assert it.connections == 2


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    def chatters(it: Peer, client: socket.socket) -> None:
        it.read_request(client)
        client.sendall(_OK)
        time.sleep(0.1)
        client.sendall(_OK)
        it.read_request(client)

    with peer(chatters, answers(_OK)) as it:
        link = link_to(it)
        await post(link)
        await asyncio.sleep(0.3)
        await post(link)
        link.close()
    assert it.connections == 2


async def test_redirects_are_not_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with peer(answers(away)) as it:
        link = link_to(it)
        assert (await post(link)).status == 302
        link.close()
    assert len(it.requests) == 1


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["said", "unsaid"],
)
async def test_an_endless_answer_is_cut(head: bytes) -> None:
    def flood(it: Peer, client: socket.socket) -> None:
        it.read_request(client)
        client.sendall(head)
        for _ in range(1000):
            client.sendall(b"x" * 65_536)

    with peer(flood) as it:
        said = await error(Link(it.target, "http", max_reply_bytes=200_000))
    assert said.fault is CameraFault.PROTOCOL
    assert "larger" in said.detail


def drips(it: Peer, client: socket.socket) -> None:
    it.read_request(client)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(200):
        client.sendall(b"x")
        time.sleep(0.05)


def drips_headers(it: Peer, client: socket.socket) -> None:
    it.read_request(client)
    client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        client.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("script", [drips, drips_headers])
async def test_a_dripping_answer_ends_with_the_budget(script: Script) -> None:
    with peer(script) as it:
        started = time.monotonic()
        assert (await error(link_to(it), Budget(0.5))).fault is CameraFault.TIMEOUT
        assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("script", [drips, drips_headers, lambda it, client: it.read_request(client) and time.sleep(5)])
async def test_a_wait_ends_at_once_when_it_is_cancelled_or_closed(script: Script) -> None:
    with peer(script) as it:
        link = link_to(it)
        waiting = asyncio.create_task(post(link, Budget(10)))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        waiting = asyncio.create_task(post(link, Budget(10)))
        await asyncio.sleep(0.2)
        link.close()
        with pytest.raises(CameraError) as caught:
            await waiting
        assert caught.value.fault is CameraFault.UNREACHABLE


async def test_silence_ends_after_the_read_timeout() -> None:
    with peer(lambda it, client: it.read_request(client) and time.sleep(5)) as it:
        started = time.monotonic()
        said = await error(link_to(it), Budget(5, read_s=0.3))
        assert said.fault is CameraFault.TIMEOUT
        assert "0.3 s" in said.detail
        assert time.monotonic() - started < 1.0


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", CameraFault.PROTOCOL),
        (b"RTSP/1.0 400 Bad Request\r\n\r\n", CameraFault.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", CameraFault.UNREACHABLE),
        (b"", CameraFault.UNREACHABLE),
    ],
)
async def test_what_is_no_whole_http_answer_is_an_error(reply: bytes, fault: CameraFault) -> None:
    with peer(answers(reply)) as it:
        assert (await error(link_to(it))).fault is fault


async def test_nobody_there() -> None:
    port = free_tcp_port()
    target = PinnedTarget(f"http://127.0.0.1:{port}/", "127.0.0.1", "127.0.0.1", port)
    said = await error(Link(target, "http"))
    assert said.fault is CameraFault.UNREACHABLE
    assert "refuses" in said.detail
    with pytest.raises(CameraError):
        await Link(target, "http").open(Budget())


async def test_where_packets_vanish_connecting_ends_on_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        taken = [socket.socket() for _ in range(4)]
        for each in taken:  # a full backlog swallows what comes: a black hole
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        target = PinnedTarget(f"http://127.0.0.1:{port}/", "127.0.0.1", "127.0.0.1", port)
        started = time.monotonic()
        said = await error(Link(target, "http"), Budget(5, connect_s=0.3))
        assert said.fault is CameraFault.TIMEOUT
        assert time.monotonic() - started < 0.8
        for each in taken:
            each.close()


async def test_a_warm_link_needs_no_other_connection() -> None:
    with peer(answers(_OK, _OK)) as it:
        link = link_to(it)
        link.warm(Budget())
        link.warm(Budget())
        assert (await post(link)).body == b"ok"  # waits for the connection that is on its way
        link.warm(Budget())
        assert (await post(link)).body == b"ok"
        link.close()
    assert it.connections == 1


async def test_to_warm_a_link_where_nobody_is_does_no_harm() -> None:
    port = free_tcp_port()
    link = Link(PinnedTarget(f"http://127.0.0.1:{port}/", "127.0.0.1", "127.0.0.1", port), "http")
    link.warm(Budget())
    assert (await error(link)).fault is CameraFault.UNREACHABLE


async def test_plain_http_behind_https_is_said() -> None:
    with peer(answers(_OK)) as it:
        said = await error(Link(it.target, "https"), Budget(3))
    assert said.fault in {CameraFault.UNREACHABLE, CameraFault.TIMEOUT}
