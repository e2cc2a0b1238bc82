"""uvicorn as a part among others: it gets a bound socket, and leaves signals to the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from camctl.errors import ConfigError, PortInUseError
from camctl.supervisor import Supervisor

_BACKLOG = 512
_MAX_SOCKET_MESSAGE = 4096
_START_S = 10.0


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
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=_MAX_SOCKET_MESSAGE,
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
