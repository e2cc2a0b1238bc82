"""The HTTP connection under the ONVIF client against servers that misbehave: bounded, and never led away."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from camctl.egress import PinnedTarget
from camctl.onvif import http as onvif_http
from camctl.onvif.budget import Budget
from camctl.onvif.http import HttpConnection, HttpReply
from camctl.ptz.ports import CameraError, CameraFault
from tests.support.http_peer import Peer, Script, answers, peer
from tests.support.ports import free_tcp_port

pytestmark = pytest.mark.system

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def connect(it: Peer) -> HttpConnection:
    return HttpConnection(it.target, "http")


def post(connection: HttpConnection, budget: Budget | None = None, *, repeatable: bool = True) -> HttpReply:
    return connection.post("/x", b"body", {"Content-Type": "a/b"}, budget or Budget(), repeatable=repeatable)


def error(connection: HttpConnection, budget: Budget | None = None, *, repeatable: bool = True) -> CameraError:
    with pytest.raises(CameraError) as caught:
        post(connection, budget, repeatable=repeatable)
    connection.close()
    return caught.value


def test_the_connection_is_kept_and_names_the_host() -> None:
    with peer(answers(_OK, _OK, _OK)) as it:
        connection = connect(it)
        assert [post(connection).body for _ in range(3)] == [b"ok"] * 3
        connection.close()
    assert it.connections == 1
    assert f"Host: cam.example.org:{it.port}".encode() in it.requests[0]


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(repeatable: bool) -> None:
    with peer(answers(_OK)) as it:
        connection = connect(it)
        post(connection)
        time.sleep(0.1)
        assert post(connection, repeatable=repeatable).body == b"ok"
        connection.close()
    assert it.connections == 2
    assert len(it.requests) == 2


def hangs_up_at_the_second(it: Peer, client: socket.socket) -> None:
    it.read_request(client)
    client.sendall(_OK)
    it.read_request(client)


def test_a_request_that_may_have_arrived_is_repeated_only_if_that_does_no_harm() -> None:
    with peer(hangs_up_at_the_second, answers(_OK)) as it:
        connection = connect(it)
        post(connection)
        assert post(connection).body == b"ok"
        connection.close()
        assert len(it.requests) == 3
    with peer(hangs_up_at_the_second, answers(_OK)) as it:
        connection = connect(it)
        post(connection)
        assert error(connection, repeatable=False).fault is CameraFault.UNREACHABLE
        assert len(it.requests) == 2


def test_a_connection_that_was_quiet_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onvif_http, "MAX_IDLE_S", 0.05)
    with peer(answers(_OK, _OK)) as it:
        connection = connect(it)
        post(connection)
        time.sleep(0.1)
        post(connection)
        connection.close()
    assert it.connections == 2


def test_redirects_are_not_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with peer(answers(away)) as it:
        connection = connect(it)
        assert post(connection).status == 302
        connection.close()
    assert len(it.requests) == 1


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["said", "unsaid"],
)
def test_an_endless_answer_is_cut(head: bytes) -> None:
    def flood(it: Peer, client: socket.socket) -> None:
        it.read_request(client)
        client.sendall(head)
        for _ in range(1000):
            client.sendall(b"x" * 65_536)

    with peer(flood) as it:
        said = error(HttpConnection(it.target, "http", max_reply_bytes=200_000))
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


def test_a_dripping_body_ends_with_the_budget() -> None:
    with peer(drips) as it:
        started = time.monotonic()
        assert error(connect(it), Budget(0.5)).fault is CameraFault.TIMEOUT
        assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("script", [drips, drips_headers, lambda it, client: it.read_request(client) and time.sleep(5)])
def test_a_wait_can_be_ended_from_another_thread(script: Script) -> None:
    with peer(script) as it:
        budget = Budget(10)
        threading.Timer(0.2, budget.cancel).start()
        started = time.monotonic()
        assert error(connect(it), budget).fault is CameraFault.TIMEOUT
        assert time.monotonic() - started < 1.0


def test_silence_ends_after_the_read_timeout() -> None:
    with peer(lambda it, client: it.read_request(client) and time.sleep(5)) as it:
        started = time.monotonic()
        assert error(connect(it), Budget(5, read_s=0.3)).fault is CameraFault.TIMEOUT
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
def test_what_is_no_whole_http_answer_is_an_error(reply: bytes, fault: CameraFault) -> None:
    with peer(answers(reply)) as it:
        assert error(connect(it)).fault is fault


def test_many_headers_are_refused() -> None:
    reply = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"Content-Length: 0\r\n\r\n"
    with peer(answers(reply)) as it:
        assert error(connect(it)).fault is CameraFault.PROTOCOL


def test_nobody_there() -> None:
    port = free_tcp_port()
    target = PinnedTarget(f"http://127.0.0.1:{port}/", "127.0.0.1", "127.0.0.1", port)
    said = error(HttpConnection(target, "http"))
    assert said.fault is CameraFault.UNREACHABLE
    assert "refuses" in said.detail
