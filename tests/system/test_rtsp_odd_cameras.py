"""Our client against cameras that misbehave, as scripts on a real socket."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.rtp.packet import pack_header
from streams.rtp.rtcp import ReceiverReport, build_bye, parse_rtcp
from streams.rtsp.client import RtspClient
from streams.rtsp.protocol import Interleaved, Parser, Request, frame

pytestmark = pytest.mark.system

SDP = (
    "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\n"
    "a=fmtp:96 sprop-parameter-sets=Z0LAC9oCgG8=,aM48gA==\r\na=control:track1\r\n"
)
Script = Callable[[Request], bytes]


class Camera:
    """Answers with what its script says; remembers requests and interleaved packets."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.packets: list[Interleaved] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self.is_deaf = False

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        parser = Parser()
        while data := await reader.read(65536):
            if self.is_deaf:
                continue
            for event in parser.feed(data):
                if isinstance(event, Request):
                    self.requests.append(event)
                    writer.write(self.script(event))
                elif isinstance(event, Interleaved):
                    self.packets.append(event)
        writer.close()

    def send(self, data: bytes) -> None:
        self.writers[-1].write(data)


@asynccontextmanager
async def camera(script: Script) -> AsyncIterator[Camera]:
    made = Camera(script)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for writer in made.writers:
            writer.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)


def answer(request: Request, status: str = "200 OK", *fields: str, body: str = "") -> bytes:
    lines = [f"RTSP/1.0 {status}", f"CSeq: {request.headers.get('CSeq')}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body]).encode()


def good(request: Request, *, codec: str = "H264", session: str = "abc") -> bytes:
    """A camera that does everything right."""
    match request.method:
        case "OPTIONS":
            return answer(request, "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        case "DESCRIBE":
            return answer(request, body=SDP.format(codec=codec))
        case "SETUP":
            return answer(request, "200 OK", f"Session: {session}", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5")
    return answer(request)


def when(method: str, reply: Callable[[Request], bytes]) -> Script:
    """A good camera but for one method."""
    return lambda request: reply(request) if request.method == method else good(request)


def client_of(port: int, **options: float) -> RtspClient:
    timeouts = {"connect_timeout_s": 1.0, "answer_timeout_s": 0.2, "idle_timeout_s": 0.3} | options
    return RtspClient(f"rtsp://127.0.0.1:{port}/live", "127.0.0.1", "admin", "hunter2", **timeouts)


async def failure_of(script: Script, **options: float) -> tuple[StreamError, Camera]:
    async with camera(script) as made:
        client = client_of(made.port, **options)

        async def run() -> None:
            await client.open()
            await client.play(lambda _: None)

        with pytest.raises(StreamError) as caught:
            await run()
        await client.close()
    assert "hunter2" not in repr(caught.value)
    return caught.value, made


@pytest.mark.parametrize(
    ("script", "fault", "detail"),
    [
        (lambda _: b"", StreamFault.TIMEOUT, r"no answer to OPTIONS \(CSeq 1\)"),
        (lambda _: b"\x16\x03\x01garbage", StreamFault.PROTOCOL, "at offset 0"),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", StreamFault.PROTOCOL, "at offset 0"),
        (lambda r: b"RTSP/1.0 200 OK\r\nX: " + b"x" * 20000, StreamFault.PROTOCOL, "header above"),
        (
            when("DESCRIBE", lambda r: answer(r, "404 hunter2")),
            StreamFault.NOT_FOUND,
            r"DESCRIBE \(CSeq 2\).*404 Not Found",
        ),
        (
            when("DESCRIBE", lambda r: answer(r, "302 Moved", "Location: rtsp://10.0.0.9/")),
            StreamFault.PROTOCOL,
            "redirects",
        ),
        (when("DESCRIBE", lambda r: answer(r, "401 No")), StreamFault.PROTOCOL, "without a challenge"),
        (when("DESCRIBE", answer), StreamFault.PROTOCOL, "without a session description"),
        (when("DESCRIBE", lambda r: answer(r, body="m=audio 0 RTP/AVP 0\r\n")), StreamFault.NO_VIDEO, "no video"),
        (when("SETUP", lambda r: answer(r, "453 Full")), StreamFault.BUSY, "SETUP"),
        (when("SETUP", lambda r: answer(r, "461 No")), StreamFault.PROTOCOL, "neither RTP over TCP nor over UDP"),
        (when("SETUP", answer), StreamFault.PROTOCOL, "without a session"),
        (
            when("SETUP", lambda r: answer(r, "200 OK", "Session: a", "Transport: RTP/AVP;unicast;client_port=1-2")),
            StreamFault.TIMEOUT,
            "nothing came within",
        ),
        (when("PLAY", lambda r: answer(r, "503 Busy")), StreamFault.BUSY, "PLAY"),
        (good, StreamFault.TIMEOUT, "no picture data for 0.3 s"),
        (when("PLAY", lambda r: answer(r) + b"!"), StreamFault.PROTOCOL, "does not speak RTSP"),
    ],
)
async def test_every_misbehaviour_has_its_fault_and_place(script: Script, fault: StreamFault, detail: str) -> None:
    error, _ = await failure_of(script)
    assert error.fault is fault
    assert re.search(detail, error.detail)


async def test_nobody_listens() -> None:
    async with camera(good) as made:
        port = made.port
    with pytest.raises(StreamError) as caught:
        await client_of(port).open()
    assert caught.value.fault is StreamFault.UNREACHABLE


async def test_another_codec_is_described_but_not_played() -> None:
    async with camera(lambda request: good(request, codec="VP8")) as made:
        client = client_of(made.port)
        assert (await client.open()).codec == "VP8"
        with pytest.raises(StreamError) as caught:
            await client.play(lambda _: None)
        await client.close()
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "VP8")
    assert "SETUP" not in made.methods


def _challenge(request: Request, number: int, *, stale: bool = False) -> bytes:
    tail = ", stale=true" if stale else ""
    return answer(request, "401 Unauthorized", f'WWW-Authenticate: Digest realm="r", nonce="n{number}"{tail}')


async def test_a_wrong_password_is_tried_once_even_when_the_nonce_changes() -> None:
    counter = iter(range(100))
    error, made = await failure_of(when("DESCRIBE", lambda request: _challenge(request, next(counter))))
    assert error.fault is StreamFault.BAD_CREDENTIALS
    assert sum(bool(request.headers.get("Authorization")) for request in made.requests) == 1


async def test_a_camera_that_calls_every_nonce_stale_is_given_up() -> None:
    counter = iter(range(100))
    error, made = await failure_of(when("DESCRIBE", lambda request: _challenge(request, next(counter), stale=True)))
    assert error.fault is StreamFault.BAD_CREDENTIALS
    assert len(made.requests) == 4


async def test_a_nonce_that_expires_between_requests_is_answered_anew() -> None:
    def script(request: Request) -> bytes:
        nonce = "n1" if request.method in ("OPTIONS", "DESCRIBE") else "n2"
        if f'nonce="{nonce}"' not in request.headers.get("Authorization"):
            return _challenge(request, int(nonce[1]))
        return good(request)

    error, made = await failure_of(script)
    assert error.fault is StreamFault.TIMEOUT  # it plays; no picture comes
    assert made.methods == ["OPTIONS", "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY", "TEARDOWN"]


def idr(sequence: int, timestamp: int) -> bytes:
    return frame(4, pack_header(96, True, sequence, timestamp, 7) + b"\x65\x88idr")


async def test_pictures_on_the_cameras_own_channels_and_one_read_in_one_go() -> None:
    units: list[AccessUnit] = []
    burst = b"".join(idr(number, number * 3600) for number in range(50))
    async with camera(when("PLAY", lambda request: answer(request) + burst)) as made:
        client = client_of(made.port)
        await client.open()
        with pytest.raises(StreamError, match="no picture data"):
            await client.play(units.append)
        await client.close()
        await asyncio.sleep(0.05)
    assert len(units) == 50
    assert client.counters.packets == 50
    assert made.packets[-1].channel == 5
    assert made.methods[-1] == "TEARDOWN"


async def test_a_bye_of_the_camera_ends_the_stream() -> None:
    reply = when("PLAY", lambda request: answer(request) + idr(1, 0) + frame(5, build_bye(7)))
    error, _ = await failure_of(reply)
    assert (error.fault, "BYE" in error.detail) == (StreamFault.UNREACHABLE, True)


@pytest.mark.parametrize(("public", "method"), [("GET_PARAMETER", "GET_PARAMETER"), ("PLAY", "OPTIONS")])
async def test_the_session_is_kept_alive_by_what_the_camera_knows(public: str, method: str) -> None:
    def script(request: Request) -> bytes:
        if request.method == "OPTIONS":
            return answer(request, "200 OK", f"Public: {public}")
        return good(request, session="abc;timeout=2")

    error, made = await failure_of(script, idle_timeout_s=2.5)
    assert error.fault is StreamFault.TIMEOUT
    kept = made.methods[made.methods.index("PLAY") + 1 : -1]
    assert kept == [method, method]
    assert all(request.headers.get("Session") == "abc" for request in made.requests[-3:])


async def test_a_lost_session_ends_the_stream_at_the_next_keep_alive() -> None:
    def script(request: Request) -> bytes:
        if request.method == "GET_PARAMETER":
            return answer(request, "454 Session Not Found")
        return good(request, session="abc;timeout=2")

    error, _ = await failure_of(script, idle_timeout_s=5)
    assert "GET_PARAMETER" in error.detail
    assert "454" in error.detail


async def test_receiver_reports_go_to_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.rtsp.client._REPORT_EVERY_S", 0.1)
    _, made = await failure_of(when("PLAY", lambda request: answer(request) + idr(9, 0)))
    (report,) = parse_rtcp(made.packets[0].payload)
    assert isinstance(report, ReceiverReport)
    assert (report.blocks[0].ssrc, report.blocks[0].highest_sequence) == (7, 9)


async def test_closing_is_bounded_when_the_camera_does_not_answer() -> None:
    async with camera(when("TEARDOWN", lambda _: b"")) as made:
        client = client_of(made.port, idle_timeout_s=10)
        await client.open()
        playing = asyncio.create_task(client.play(lambda _: None))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await client.close()
        await playing
        assert time.monotonic() - started < 1.5


async def test_a_cameras_own_requests_are_answered() -> None:
    async with camera(
        when("PLAY", lambda r: answer(r) + b"OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n" + idr(1, 0))
    ) as made:
        client = client_of(made.port)
        await client.open()
        units: list[AccessUnit] = []
        with pytest.raises(StreamError, match="no picture data"):
            await client.play(units.append)
        await client.close()
    assert len(units) == 1
