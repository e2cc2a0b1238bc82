"""uvicorn as a part among others: it gets a bound socket, and leaves signals to the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from fastapi import FastAPI

from camctl.api.door import OWN_FILES, Door, Seats, files_allowed
from camctl.api.http_protocol import HttpProtocol, WebSocketProtocol
from camctl.config_server import ServerConfig
from camctl.errors import ConfigError, PortInUseError
from camctl.metrics import Metrics
from camctl.supervisor import Supervisor
from camctl.tls import Certificate

_log = logging.getLogger(__name__)

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
    """Says when it has started, takes no signals, and lets in through a door of ours."""

    def __init__(self, config: uvicorn.Config, open_door: Callable[[_Server], Door]) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()
        self._open_door = open_door

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: the composition root has them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  it has one of its own
        """As uvicorn's, with the door for its server."""
        await self.lifespan.startup()
        self.servers = [self._open_door(self)]  # type: ignore[list-item]  # it closes them, and nothing else
        self.started = True
        self.has_started.set()


class HttpServer:
    """Serves the application on a bound socket, over TLS if it is given a certificate; a Part of the service."""

    def __init__(
        self,
        app: FastAPI,
        listening: socket.socket,
        supervisor: Supervisor,
        config: ServerConfig | None = None,
        metrics: Metrics | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self._listening = listening
        self._supervisor = supervisor
        self._config = config or ServerConfig()
        self._metrics = metrics or Metrics()
        self._certificate = certificate
        limits = self._config.limits
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws=partial(WebSocketProtocol, limits, self._metrics),  # type: ignore[arg-type]  # called, like a class
                ws_max_size=_MAX_SOCKET_MESSAGE,
                ws_per_message_deflate=False,  # video cannot be compressed, and a core is soon spent on trying
                ws_ping_interval=5.0,
                ws_ping_timeout=5.0,
                timeout_graceful_shutdown=3,
                timeout_keep_alive=30,
                server_header=False,
                proxy_headers=False,
            ),
            self._open_door,
        )
        self._task: asyncio.Task[None] | None = None

    def _open_door(self, server: _Server) -> Door:
        limits = self._config.limits
        most = min(limits.connections, files_allowed(limits.connections + OWN_FILES) - OWN_FILES)
        if most < limits.connections:
            _log.warning("this process may open files for %d connections only; raise its limit (nofile)", most)

        def make_protocol() -> HttpProtocol:
            return HttpProtocol(
                limits, self._metrics, config=server.config, server_state=server.server_state, app_state={}
            )

        door = Door(
            self._listening,
            make_protocol,
            Seats(most, limits.connections_per_address, self._config.proxies),
            limits,
            self._metrics,
            self._certificate.context if self._certificate else None,
        )
        self._supervisor.watch(door.open())
        return door

    async def start(self) -> None:
        """Answer requests from now on."""
        if self._certificate is not None:
            self._supervisor.spawn(self._certificate.watch(), "TLS certificate")
        self._task = self._supervisor.spawn(self._server.serve(), "HTTP server")
        async with asyncio.timeout(_START_S):
            await self._server.has_started.wait()

    async def close(self) -> None:
        """Finish what is being answered, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=6.0)
        self._listening.close()
