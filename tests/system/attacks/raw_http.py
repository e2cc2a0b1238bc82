"""The product's HTTP server around a tiny application, with a test's own limits, and clients that send raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from camctl.api.server import HttpServer, bind
from camctl.config_server import ServerConfig
from camctl.metrics import Metrics
from camctl.supervisor import Supervisor
from camctl.tls import Certificate

GET = b"GET / HTTP/1.1\r\nHost: camctl\r\n\r\n"


@dataclass
class Answer:
    """One HTTP answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        return str(json.loads(self.body)["type"]).removeprefix("urn:camctl:problem:")


@dataclass
class RawServer:
    """Where it listens, what reached the application, and what the door counted."""

    port: int
    metrics: Metrics
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    transports: Callable[[], list[asyncio.Transport]] = list

    def refused(self, why: str) -> float:
        return self.metrics.registry.get_sample_value("camctl_http_refused_total", {"why": why}) or 0.0

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, data: bytes) -> list[Answer]:
        """Every answer to these bytes on one connection, until the server closes it or says nothing for a while."""
        async with self.client() as client:
            client.writer.write(data)
            return await client.answers()


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, within_s: float = 5.0) -> Answer | None:
        """The next answer, None when the server closed the connection."""
        try:
            async with asyncio.timeout(within_s):
                head = await self.reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
                body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
        return Answer(int(lines[0].split()[1]), headers, body)

    async def answers(self, quiet_s: float = 0.5) -> list[Answer]:
        found = []
        with contextlib.suppress(TimeoutError):
            while (answer := await self.answer(quiet_s)) is not None:
                found.append(answer)
        return found

    async def is_closed(self, within_s: float) -> bool:
        """Whether the server closes within that time, whatever it says before."""
        try:
            async with asyncio.timeout(within_s):
                await self.reader.read()
        except TimeoutError:
            return False
        except ConnectionResetError:
            pass
        return True


def _application(server: RawServer) -> Starlette:
    async def echo(request: Request) -> Response:
        body = await request.body()
        server.seen.append((f"{request.method} {request.url.path}", body))
        server.headers.append(dict(request.headers))
        return JSONResponse({"bytes": len(body)})

    async def slow(_request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(8):
                yield b"x"
                await asyncio.sleep(0.25)

        return StreamingResponse(pieces())

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                server.heard.append(await socket.receive_text())
                await socket.send_text("yes")

    async def missing(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("no", 404)

    handlers = cast("dict[Any, Callable[[Request, Exception], Awaitable[Response]]]", {404: missing})
    routes = [Route("/", echo, methods=["GET", "POST"]), Route("/slow", slow), WebSocketRoute("/socket", talk)]
    return Starlette(
        routes=[*routes, Route("/{rest:path}", echo, methods=["GET", "POST"])], exception_handlers=handlers
    )


@contextlib.asynccontextmanager
async def serving(certificate: Certificate | None = None, **limits: Any) -> AsyncIterator[RawServer]:
    """A server with these `server.limits`, over TLS if it is given a certificate."""
    listening = bind("127.0.0.1", 0)
    server = RawServer(listening.getsockname()[1], Metrics())
    supervisor = Supervisor()
    config = ServerConfig.model_validate({"limits": limits})
    http = HttpServer(cast("Any", _application(server)), listening, supervisor, config, server.metrics, certificate)
    server.transports = lambda: [each.transport for each in http._server.server_state.connections]
    await http.start()
    try:
        yield server
    finally:
        await http.close()
        await supervisor.close()
