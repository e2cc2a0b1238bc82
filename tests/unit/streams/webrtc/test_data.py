from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiortc import rtcsctptransport as aiortc_sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters

from streams.datagrams import MAX_TEXT_BYTES, MAX_WAITING_BYTES
from streams.webrtc import adapter, data
from streams.webrtc.adapter import DtlsLink, fingerprint, make_certificate
from streams.webrtc.data import DataCounters, DataLink


class Pair:
    """Our side and a viewer's, over DTLS in memory."""

    def __init__(self) -> None:
        self.counters, self.theirs = DataCounters(), DataCounters()
        self.heard: list[str] = []
        self.answers: list[str] = []

    async def open(self, max_message: int = 0) -> None:
        mine, theirs = make_certificate(), make_certificate()
        self.server_dtls, self.client_dtls = adapter._connect_two(mine, theirs)
        await asyncio.gather(
            self.server_dtls.handshake([fingerprint(theirs)], 5), self.client_dtls.handshake([fingerprint(mine)], 5)
        )
        self.server = await self.server_dtls.open_data(5000, max_message, self.heard.append, self.counters)
        self.client = await self.client_dtls.open_data(5000, 0, self.answers.append, self.theirs)
        self.client.open()
        await self.until(lambda: self.client.is_open and self.server.is_open)

    async def until(self, condition: object, timeout_s: float = 3) -> None:
        assert callable(condition)
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110  # the condition is anything
                await asyncio.sleep(0.001)

    async def throw(self, packet: bytes) -> None:
        """Send bytes as the viewer's SCTP would."""
        await self.client_dtls._dtls._send_data(packet)

    async def close(self) -> None:
        await asyncio.gather(self.server_dtls.close(), self.client_dtls.close())


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.open()
    yield pair
    await pair.close()


def channel_of(link: DataLink, label: str) -> RTCDataChannel:
    return RTCDataChannel(link._association, RTCDataChannelParameters(label=label, ordered=False, maxRetransmits=0))


async def test_texts_go_both_ways_up_to_the_limit(pair: Pair) -> None:
    long = "é" * (MAX_TEXT_BYTES // 2)
    assert pair.client.send("up")
    assert pair.client.send(long)
    assert pair.server.send("down")
    await pair.until(lambda: len(pair.heard) == 2 and pair.answers)
    assert (pair.heard, pair.answers) == (["up", long], ["down"])
    assert (pair.counters.received, pair.counters.sent) == (2, 1)
    assert not pair.server.send("x" * (MAX_TEXT_BYTES + 1))
    assert not pair.server.send("\ud800")
    assert pair.counters.unsent == 2


async def test_what_is_no_text_on_the_control_channel_is_dropped_and_counted(pair: Pair) -> None:
    other = channel_of(pair.client, "chat")
    await pair.until(lambda: other.readyState == "open")
    other.send("not for you")
    channel = pair.client._channel
    assert channel
    channel.send(b"bytes")
    channel.send("x" * (MAX_TEXT_BYTES + 1))
    channel.send("")
    await pair.until(lambda: pair.heard)
    await pair.until(lambda: pair.counters.dropped == 3)
    assert pair.heard == [""]


async def test_a_channel_that_is_opened_anew_is_the_one_that_counts(pair: Pair) -> None:
    old = pair.client._channel
    assert old
    pair.client.open()
    await pair.until(lambda: pair.client.is_open and pair.counters.received == 0)
    pair.client.send("new")
    await pair.until(lambda: pair.heard == ["new"])
    old.send("old")
    await pair.until(lambda: pair.counters.dropped == 1)
    pair.server.send("answer")
    await pair.until(lambda: pair.answers == ["answer"])


async def test_more_than_a_hundred_a_second_are_dropped(pair: Pair) -> None:
    began_s = asyncio.get_running_loop().time()
    for number in range(200):
        pair.client.send(str(number))
        await asyncio.sleep(0)
    await pair.until(lambda: pair.counters.received + pair.counters.dropped == 200)
    took_s = asyncio.get_running_loop().time() - began_s
    assert 100 <= len(pair.heard) <= 101 + 100 * took_s
    assert pair.heard[:100] == list(map(str, range(100)))


async def test_what_waits_for_a_viewer_that_takes_nothing_is_bounded(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair.server_dtls._ice, "_send_now", lambda data: None)  # the network is gone
    for _ in range(100):
        pair.server.send("x" * MAX_TEXT_BYTES)
        await asyncio.sleep(0)
    channel = pair.server._channel
    assert channel
    assert MAX_WAITING_BYTES // 2 < channel.bufferedAmount <= MAX_WAITING_BYTES
    assert pair.counters.unsent > 80


async def test_a_viewer_that_takes_less_is_not_sent_more() -> None:
    pair = Pair()
    await pair.open(max_message=10)
    assert pair.server.send("0123456789")
    assert not pair.server.send("0123456789a")
    await pair.close()


@pytest.mark.parametrize(
    "packet",
    [
        bytes(12) + b"garbage",
        bytes(12) + b"\x04\0\0\x08\0\1\0\0",  # a parameter without length, for which aiortc alone loops for ever
    ],
)
async def test_a_viewer_that_misbehaves_loses_its_channel_and_nothing_else(
    pair: Pair, packet: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await pair.throw(packet)
    await pair.until(lambda: pair.counters.broken)
    assert not pair.server.is_open
    assert not pair.server.send("into the void")
    await pair.throw(packet)
    report = bytes((0x80, 201, 0, 1, 0, 0, 0, 9))
    assert pair.client_dtls.unprotect_rtcp(pair.server_dtls.protect_rtcp(report)) == report
    assert pair.server_dtls._dtls.state == "connected"
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_messages_that_never_end_are_not_kept(pair: Pair) -> None:
    association = pair.client._association
    for number in range(300):
        chunk = aiortc_sctp.DataChunk(flags=4 | 2 * (number == 0))  # unordered; only the first begins a message
        chunk.tsn, chunk.stream_id, chunk.protocol, chunk.user_data = (
            association._local_tsn + number,
            0,
            51,
            b"x" * 1000,
        )
        await association._send_chunk(chunk)
        await asyncio.sleep(0)
    await pair.until(lambda: pair.counters.broken == 1)
    assert not pair.heard


async def test_a_flood_of_packets_is_cut_off_and_does_not_end_the_channel(pair: Pair) -> None:
    association, server = pair.client._association, pair.server._association
    clock, now_s = server._now, server._now()
    server._now = lambda: now_s  # all of it in one instant, however slow the machine
    for _ in range(600):
        await association._send_chunk(aiortc_sctp.HeartbeatChunk())
        await asyncio.sleep(0)
    await pair.until(lambda: pair.counters.dropped >= 100, 10)
    server._now = clock
    await asyncio.sleep(0.05)
    pair.client.send("still here")
    await pair.until(lambda: pair.heard == ["still here"], 5)
    assert pair.counters.broken == 0


async def test_a_goodbye_in_the_middle_of_everything_leaves_no_task_no_timer_and_no_noise(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):
        pair.client.send(f"up {number}")
        pair.server.send(f"down {number}" * 100)
    await pair.close()
    for link in (pair.server, pair.client):
        link.send("too late")
        ended = link._association
        handles = (ended._t1_handle, ended._t2_handle, ended._t3_handle, ended._reconfig_handle)
        assert handles == (None,) * 4
        ended._t3_expired()  # as if it had been on its way
        await asyncio.sleep(0.01)
        assert ended._t3_handle is None
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not caplog.records


async def test_a_dtls_that_dies_alone_silences_the_timers(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    pair.server.send("on its way")
    await pair.server_dtls._dtls.stop()
    pair.server._association._t3_expired()
    await asyncio.sleep(0.01)
    assert not caplog.records


async def test_missing_private_parts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_PRIVATE", ("_inbound_streams", "_gone"))
    monkeypatch.setattr(data, "_PRIVATE_METHODS", ("_transmit", "_away"))
    link = DtlsLink(make_certificate(), lambda _: None)
    assert data.missing_parts(link._dtls) == ["_away", "_gone"]
