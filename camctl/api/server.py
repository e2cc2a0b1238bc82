"""uvicorn as a part among others: it gets a bound socket, and leaves signals to the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from camctl.errors import ConfigError, PortInUseError
from camctl.supervisor import Supervisor

_BACKLOG = 512
_MAX_SOCKET_MESSAGE = 4096
_START_S = 10.0
_UNSENT_BYTES = 16_384  # that wait here, and again in the kernel: at 300 kb/s 0.9 s together
_STUCK_S = 20.0
_TCP_NOTSENT_LOWAT = 25  # Linux; Python 3.11's socket module does not name it


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises:
        PortInUseError: the port is taken.
        ConfigError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it, an answer right behind another
    # waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError("server.port", port, "TCP") from None
        raise ConfigError(f"server.host: cannot listen on {host} port {port}: {error.strerror}") from None
    listening.setblocking(False)
    return listening


class _Writing(asyncio.Protocol):
    """How much may wait for a client that reads slowly, and for how long nothing may move at all.

    Video is made for now: what waits in buffers is late, and whoever sends has to notice early that the way is full.
    A client that takes nothing for `_STUCK_S` is given up; without this its session would last for TCP's quarter of an
    hour.
    """

    _stuck: asyncio.TimerHandle | None = None
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the protocol's."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is not None and sys.platform == "linux":
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """As the protocol's."""
        self._moves()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As the protocol's."""
        super().pause_writing()
        self._moves()
        self._stuck = asyncio.get_running_loop().call_later(_STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        """As the protocol's."""
        self._moves()
        super().resume_writing()

    def _moves(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class _Http(_Writing, HttpToolsProtocol):
    """uvicorn's, writing as above."""


class _WebSocket(_Writing, WebSocketsSansIOProtocol):
    """uvicorn's, writing as above."""


class _Server(uvicorn.Server):
    """Says when it has started, and takes no signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: the composition root has them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await super().startup(sockets)
        self.has_started.set()


class HttpServer:
    """Serves the application on a bound socket; a Part of the service."""

    def __init__(self, app: FastAPI, listening: socket.socket, supervisor: Supervisor) -> None:
        self._listening = listening
        self._supervisor = supervisor
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                http=_Http,
                ws=_WebSocket,
                ws_max_size=_MAX_SOCKET_MESSAGE,
                ws_per_message_deflate=False,  # video cannot be compressed, and a core is soon spent on trying
                ws_ping_interval=5.0,
                ws_ping_timeout=5.0,
                timeout_graceful_shutdown=3,
                timeout_keep_alive=30,
                h11_max_incomplete_event_size=65_536,
                server_header=False,
                proxy_headers=False,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Answer requests from now on."""
        self._task = self._supervisor.spawn(self._server.serve([self._listening]), "HTTP server")
        async with asyncio.timeout(_START_S):
            await self._server.has_started.wait()

    async def close(self) -> None:
        """Finish what is being answered, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=6.0)
        self._listening.close()
