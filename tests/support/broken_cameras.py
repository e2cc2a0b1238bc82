"""Devices that are no cameras, or bad ones: small servers on 127.0.0.1, all on one thread's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from streams.rtsp.protocol import Parser, Request

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=silent\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42c00b;sprop-parameter-sets=Z0LAC9oCgG8=,aM48gA==\r\n"
    "a=control:track1\r\n"
)
_HTML = b"<!doctype html><html><head><title>Login</title></head><body><h1>Router</h1></body></html>"


def page(status: str, content_type: str, body: bytes) -> Handler:
    """An HTTP server that answers everything with this."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            length = [line for line in request.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if length:
                await reader.readexactly(int(length[0].partition(b":")[2]))
            writer.write(head + body)
            await writer.drain()

    return talk


def router() -> Handler:
    """The web page of some other device."""
    return page("200 OK", "text/html", _HTML)


def failing_page() -> Handler:
    """A camera whose web server broke."""
    return page("500 Internal Server Error", "text/html", _HTML)


def soap_garbage() -> Handler:
    """Says that it is SOAP; it is none."""
    noise = bytes(random.Random(7).choices(range(256), k=4000))
    return page("200 OK", "application/soap+xml; charset=utf-8", b'<?xml version="1.0"?><s:Envelope><s:Body>' + noise)


async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers whatever is said with bytes without meaning, and says more of them unasked."""
    source = random.Random(11)
    await reader.read(1)
    while True:
        writer.write(bytes(source.choices(range(256), k=4096)))
        await writer.drain()
        await asyncio.sleep(0.01)


async def silent_rtsp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Describes video, agrees to play it, and never sends a packet."""
    parser = Parser()
    while data := await reader.read(65536):
        for event in parser.feed(data):
            if isinstance(event, Request):
                writer.write(_rtsp_answer(event))


def _rtsp_answer(request: Request) -> bytes:
    fields = [f"CSeq: {request.headers.get('CSeq')}"]
    body = ""
    match request.method:
        case "OPTIONS":
            fields.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        case "DESCRIBE":
            body = _SDP
            fields += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        case "SETUP":
            fields += ["Session: 1;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
        case "PLAY" | "GET_PARAMETER" | "TEARDOWN":
            fields.append("Session: 1")
    return "\r\n".join(["RTSP/1.0 200 OK", *fields, "", body]).encode()


class BrokenCameras:
    """Serves handlers, each on a free port, until the block ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broken cameras", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._talks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def serve(self, handler: Handler) -> int:
        """The port where `handler` talks from now on."""
        return int(self._run(self._serve(handler)))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, handler: Handler) -> int:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._talks.add(task)
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await handler(reader, writer)
            finally:
                self._talks.discard(task)
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._talks):
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0.01)
