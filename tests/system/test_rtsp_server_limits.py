"""Our server against clients that misbehave, over raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.rtp.frames import VideoFormat
from streams.rtp.packet import parse_packet
from streams.rtp.receiver import StreamReceiver
from streams.rtp.rtcp import ReceiverReport, SenderReport, build_receiver_report, parse_rtcp
from streams.rtsp.client import RtspClient
from streams.rtsp.protocol import Headers, Interleaved, Parser, Request, Response, serialise
from streams.rtsp.server import RtspServer
from streams.rtsp.transport import parse_transports
from tests.support.rtsp_kit import LoopSource, decode_count, serving, until

pytestmark = pytest.mark.system


class Raw:
    """A client that says exactly what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str) -> None:
        self.reader, self.writer, self.base = reader, writer, base
        self.parser = Parser()
        self.packets: list[Interleaved] = []
        self.cseq = 0

    async def ask(self, method: str, path: str = "main", *fields: tuple[str, str], body: bytes = b"") -> Response:
        self.cseq += 1
        headers = Headers([("CSeq", str(self.cseq)), *fields])
        self.writer.write(serialise(Request(method, self.base + path, headers, body)))
        response = await self.response()
        assert response.headers.get("CSeq") == str(self.cseq)
        return response

    async def response(self) -> Response:
        found: list[Response] = []
        async with asyncio.timeout(5):
            while not found:
                data = await self.reader.read(65536)
                assert data, "the server closed the connection"
                for event in self.parser.feed(data):
                    if isinstance(event, Response):
                        found.append(event)
                    elif isinstance(event, Interleaved):
                        self.packets.append(event)
        return found[0]

    async def session(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> tuple[tuple[str, str], Response]:
        response = await self.ask("SETUP", "main/trackID=0", ("Transport", transport))
        assert response.status == 200
        return ("Session", response.headers.get("Session").partition(";")[0]), response

    async def is_closed(self) -> bool:
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True


@asynccontextmanager
async def raw(server: RtspServer) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Raw(reader, writer, f"rtsp://127.0.0.1:{server.port}/")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_requests_out_of_place_get_their_status() -> None:
    source = LoopSource()
    async with serving(source) as server, raw(server) as client:
        assert (await client.ask("OPTIONS", "*")).headers.get("Public").startswith("OPTIONS")
        assert (await client.ask("RECORD")).status == 501
        assert (await client.ask("PLAY")).status == 454
        assert (await client.ask("TEARDOWN", "main", ("Session", "made-up"))).status == 454
        assert (await client.ask("SETUP", "main/trackID=0", ("Transport", "RTP/SAVP;unicast"))).status == 461
        assert (await client.ask("SETUP", "main/trackID=0", ("Transport", "RTP/AVP;multicast"))).status == 461
        assert (await client.ask("SETUP", "main", ("Transport", "RTP/AVP;client_port=22-23"))).status == 461
        assert (await client.ask("SETUP", "other", ("Transport", "RTP/AVP/TCP"))).status == 404
        assert (await client.ask("DESCRIBE", "main", ("Accept", "text/html"))).status == 415
        assert (await client.ask("GET_PARAMETER")).status == 200
        assert (await client.ask("GET_PARAMETER", body=b"temperature\r\n")).status == 451
        source.codec = "JPEG"
        assert (await client.ask("DESCRIBE")).status == 415


async def test_play_pause_play_teardown() -> None:
    source = LoopSource()
    async with serving(source, speed=4) as server, raw(server) as client:
        session, _ = await client.session()
        played = await client.ask("PLAY", "main", session)
        assert "seq=" in played.headers.get("RTP-Info")
        assert len(source.subscriptions) == 1
        assert (await client.ask("PAUSE", "main", session)).status == 200
        assert not source.subscriptions
        await client.ask("PLAY", "main", session)
        await asyncio.sleep(0.3)
        assert (await client.ask("TEARDOWN", "main", session)).status == 200
        assert not source.subscriptions
        assert (await client.ask("PLAY", "main", session)).status == 454
    rtp = [parse_packet(packet.payload) for packet in client.packets if packet.channel == 0]
    announced = dict(item.split("=", 1) for item in played.headers.get("RTP-Info").split(";"))
    assert announced["url"].endswith("/main/trackID=0")
    assert rtp
    steps = {(later.sequence - packet.sequence) & 0xFFFF for packet, later in itertools.pairwise(rtp)}
    assert steps == {1}


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving(LoopSource()) as server, raw(server) as client:
        requests = [Request("DESCRIBE", client.base + "main", Headers([("CSeq", str(n))])) for n in range(5)]
        client.writer.write(b"".join(map(serialise, requests)))
        seen: list[str] = []
        async with asyncio.timeout(5):
            while len(seen) < 5:
                for event in client.parser.feed(await client.reader.read(65536)):
                    assert isinstance(event, Response)
                    seen.append(event.headers.get("CSeq"))
    assert seen == ["0", "1", "2", "3", "4"]


async def test_floods_garbage_and_guessing_close_the_connection() -> None:
    async with serving(LoopSource(), credentials={"u": "p"}) as server:
        async with raw(server) as client:
            client.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 100)
            assert await client.is_closed()
        async with raw(server) as client:
            client.writer.write(b"\xff\xfe")
            assert (await client.response()).status == 400
            assert await client.is_closed()
        async with raw(server) as client:
            for _ in range(5):
                assert (await client.ask("DESCRIBE", "main", ("Authorization", "Basic dTp4"))).status == 401
            assert await client.is_closed()
        await until(lambda: server.client_count == 0)


async def test_one_client_too_many_is_told_so() -> None:
    async with serving(LoopSource(), max_clients=1) as server, raw(server) as first:
        await first.ask("OPTIONS")
        async with raw(server) as second:
            assert (await second.response()).status == 453


async def test_a_client_that_does_not_read_costs_bounded_memory_and_nobody_else_a_picture() -> None:
    source = LoopSource()
    limit = 100_000
    async with serving(source, speed=0.01, max_unsent_bytes=limit) as server, raw(server) as stuck:
        session, _ = await stuck.session()
        await stuck.ask("PLAY", "main", session)
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
        good = RtspClient(f"rtsp://127.0.0.1:{server.port}/main", "127.0.0.1", "", "")
        await good.open()
        units = []
        playing = asyncio.create_task(good.play(units.append))
        await until(lambda: len(source.subscriptions) == 2)
        source.sent += -source.sent % 10
        sent = 0
        (slow,) = (
            one for connection in server._connections for one in connection.sessions.values() if one.id in session
        )
        while not slow.skipped and sent < 3000:
            source.step()
            sent += 1
            await asyncio.sleep(0)
            if sent % 10 == 0:
                await until(lambda wanted=sent - 1: len(units) >= wanted)  # type: ignore[misc]
        assert slow.skipped
        waiting = [connection._transport.get_write_buffer_size() for connection in server._connections]
        assert max(waiting) < limit + 2 * max(unit.size for unit in source.units) + 10_000
        assert decode_count(units[-20:] if units[-20].is_key else units) > 0
        await good.close()
        await playing


async def test_udp_goes_to_the_client_itself_and_lives_by_receiver_reports() -> None:
    source = LoopSource()
    received: list[bytes] = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp,
    ):
        for one in (rtp, rtcp):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        ports = f"{rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
        async with serving(source, speed=4, session_timeout_s=1) as server, raw(server) as client:
            session, response = await client.session(f"RTP/AVP;unicast;destination=192.0.2.1;client_port={ports}")
            (transport,) = parse_transports(response.headers.get("Transport"))
            assert transport.server_port
            await client.ask("PLAY", "main", session)
            loop = asyncio.get_running_loop()
            ended_at = loop.time() + 2.0
            while loop.time() < ended_at:
                received.append(await asyncio.wait_for(loop.sock_recv(rtp, 2000), 2))
                rtcp.sendto(build_receiver_report(ReceiverReport(1), "x"), ("127.0.0.1", transport.server_port[1]))
            assert source.subscriptions  # twice its time-out, and nothing but reports
            (report,) = parse_rtcp(rtcp.recv(2000))
            assert isinstance(report, SenderReport)
            assert report.ssrc == transport.ssrc
            await until(lambda: not source.subscriptions, 3)  # silence now
    receiver = StreamReceiver(VideoFormat("H264"), 96, ssrc=1)
    units = [unit for packet in received for unit in receiver.rtp(packet, 0.0)]
    assert decode_count(units) == len(units) > 100


async def test_a_connection_that_never_asks_is_ended() -> None:
    async with serving(LoopSource(), session_timeout_s=1) as server, raw(server) as client:
        assert await client.is_closed()
        await until(lambda: server.client_count == 0)


async def test_a_source_that_fails_is_an_answer_and_not_a_crash() -> None:
    class Broken(LoopSource):
        async def describe(self) -> None:  # type: ignore[override]
            raise RuntimeError("camera fell off")

    async with serving(Broken()) as server, raw(server) as client:
        assert (await client.ask("DESCRIBE")).status == 500
        assert (await client.ask("OPTIONS")).status == 200


async def test_a_port_in_use_is_an_os_error_and_leaves_nothing_open() -> None:
    async with serving(LoopSource()) as server:
        other = RtspServer({}.get, credentials=None, realm="x")
        with pytest.raises(OSError, match="in use"):
            await other.start("127.0.0.1", server.port)
        await other.close()
