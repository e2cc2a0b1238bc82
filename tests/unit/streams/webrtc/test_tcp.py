from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from streams.rtp.burst import Address, BurstSender
from streams.webrtc import tcp as module
from streams.webrtc.framing import MAX_UNSENT_BYTES, frame
from streams.webrtc.tcp import TcpListener, TcpPath


class FakeSocket:
    def setsockopt(self, *words: object) -> None:
        """Nothing."""


class FakeTransport:
    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.sent = b""
        self.waiting = 0
        self.end = ""
        self._on_lost = on_lost

    def get_extra_info(self, name: str) -> object:
        return FakeSocket() if name == "socket" else ("192.0.2.1", 4000)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        if self.end != "aborted":
            self.end = "aborted"
            asyncio.get_running_loop().call_soon(self._on_lost)


class FakeInbox:
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.lost: list[Address] = []

    def receive(self, data: bytes, address: Address) -> None:
        self.got.append(data)

    def lose(self, address: Address) -> None:
        self.lost.append(address)


class Office:
    def __init__(self) -> None:
        self.inbox = FakeInbox()
        self.listener = TcpListener(self.inbox)

    def connect(self) -> tuple[TcpPath, FakeTransport]:
        path = self.listener._make()
        transport = FakeTransport(lambda: path.connection_lost(None))
        path.connection_made(cast("Any", transport))
        return path, transport


async def test_what_comes_is_datagrams_and_what_goes_is_framed() -> None:
    office = Office()
    path, transport = office.connect()
    path.take(frame(b"one") + frame(b"two")[:3])
    path.take(frame(b"two")[3:])
    assert office.inbox.got == [b"one", b"two"]
    assert path.peer == ("192.0.2.1", 4000)
    sender = BurstSender(cast("Any", None))
    assert sender.send(b"xyz", path) == 1
    assert sender.send_run(memoryview(b"aaaabb"), 4, 2, path) == 2
    assert transport.sent == b"\0\3xyz\0\4aaaa\0\2bb"
    assert (sender.packets, sender.bytes, sender.dropped) == (3, 9, 0)


async def test_runs_are_dropped_whole_when_too_much_stands() -> None:
    office = Office()
    path, transport = office.connect()
    sender = BurstSender(cast("Any", None))
    block = memoryview(b"aaaabb")
    transport.waiting = MAX_UNSENT_BYTES + 1
    assert sender.send_run(block, 4, 2, path) == 0
    assert sender.send(b"check", path) == 0
    assert (sender.dropped, sender.packets, office.listener.counters.dropped) == (3, 0, 2)
    transport.waiting = MAX_UNSENT_BYTES
    assert sender.send_run(block, 4, 2, path) == 2


async def test_nonsense_ends_the_connection() -> None:
    office = Office()
    path, transport = office.connect()
    path.take(b"GET / HTTP/1.1\r\n")
    await asyncio.sleep(0)
    assert (transport.end, office.inbox.got, office.inbox.lost) == ("aborted", [], [path])
    assert (office.listener.counters.malformed, office.listener.counters.connections) == (1, 0)
    assert path.send(b"x") == path.send_run(memoryview(b"x"), 1, 1) == 0


async def test_who_sends_no_valid_check_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_CHECK_S", 0.01)
    office = Office()
    (_, stranger), (viewer, ours) = office.connect(), office.connect()
    viewer.prove()
    await asyncio.sleep(0.05)
    assert (stranger.end, ours.end) == ("aborted", "")
    assert (office.listener.counters.refused, office.listener.counters.connections) == (1, 1)


async def test_a_flood_before_a_valid_check_is_cut_off_and_one_after_it_is_read_bit_by_bit() -> None:
    office = Office()
    (stranger, ended), (viewer, ours) = office.connect(), office.connect()
    viewer.prove()
    for path in (stranger, viewer):
        path.take(frame(b"x") * 1000)
    assert (ended.end, ours.end) == ("aborted", "")
    assert len(office.inbox.got) == module.MAX_UNPROVED_FRAMES + 1000
    assert len(viewer.get_buffer(-1)) == 4096
    viewer.get_buffer(-1)[:3] = frame(b"y")
    viewer.buffer_updated(3)
    assert office.inbox.got[-1] == b"y"


async def test_strangers_push_out_strangers_never_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNPROVED", 3)
    office = Office()
    viewer, ours = office.connect()
    viewer.prove()
    strangers = [office.connect()[1] for _ in range(5)]
    await asyncio.sleep(0)
    assert [item.end for item in strangers] == ["aborted", "aborted", "", "", ""]
    assert ours.end == ""
    assert office.listener.counters.connections == 4
    office.listener.close()


async def test_a_worker_full_of_viewers_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    office = Office()
    viewers = [office.connect() for _ in range(2)]
    for viewer, _ in viewers:
        viewer.prove()
    _, late = office.connect()
    await asyncio.sleep(0)
    assert late.end == "aborted"
    assert [item.end for _, item in viewers] == ["", ""]
    office.listener.close()


async def test_goodbye_is_sent_before_the_end_but_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH_S", 0.01)
    office = Office()
    path, transport = office.connect()
    path.send(b"bye")
    path.close()
    path.close()
    assert transport.end == "closed"
    path.take(frame(b"late"))
    await asyncio.sleep(0.05)
    assert transport.end == "aborted"
    office.listener.close()
