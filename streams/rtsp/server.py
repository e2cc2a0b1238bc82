"""Serving video by RTSP: to the simulator's viewers, to other servers, to any player. The part that holds the ports."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from streams.rtsp.auth import ServerAuth
from streams.rtsp.gate import Gate, PlainGate
from streams.rtsp.outputs import Address, UdpPair
from streams.rtsp.serving import ServerConnection, Serving
from streams.rtsp.session import Session
from streams.rtsp.source import MediaSource

_log = logging.getLogger(__name__)


class RtspServer:
    """An RTSP 1.0 server for H.264 and H.265: TCP interleaved and UDP unicast, Digest and Basic.

    `resolve` maps a path ("main", without slashes around it) to a source, or None when there is none. `credentials`
    maps user names to passwords; None serves everybody. `schemes` are those of `ServerAuth`. A client that does not
    read as fast as it is sent to is skipped to the next key unit once `max_unsent_bytes` wait. `transports` are "tcp"
    and "udp"; with `tls` it serves rtsps://, and by TCP only, since RTP over UDP would not be encrypted.
    """

    def __init__(
        self,
        resolve: Callable[[str], MediaSource | None],
        *,
        credentials: Mapping[str, str] | None,
        realm: str,
        schemes: tuple[str, ...] = ("digest", "basic"),
        session_timeout_s: int = 60,
        max_clients: int = 256,
        max_unsent_bytes: int = 1 << 20,
        transports: Iterable[str] = ("tcp", "udp"),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        auth = None if credentials is None else ServerAuth(credentials, realm, schemes)
        self._udp = UdpPair(self._receiver_alive)
        allowed = frozenset(transports) if tls is None else frozenset({"tcp"})
        self._serving = Serving(PlainGate(resolve, auth), self._udp, session_timeout_s, max_unsent_bytes, allowed)
        self._tls = tls
        self._max_clients = max_clients
        self._connections = self._serving.connections
        self._server: asyncio.Server | None = None
        self._reaper: asyncio.Task[None] | None = None
        self._has_udp = True
        self.port = 0

    @classmethod
    def behind(
        cls,
        gate: Gate,
        *,
        max_clients: int = 256,
        max_unsent_bytes: int = 1 << 20,
        has_udp: bool = True,
        on_playing: Callable[[Session, bool], None] = lambda _session, _begins: None,
    ) -> RtspServer:
        """A server whose `gate` decides who may play what; without `has_udp` over its connections only.

        `on_playing` hears of every session that begins to send (true) and that no longer does.
        """
        server = cls(
            lambda _: None, credentials=None, realm="", max_clients=max_clients, max_unsent_bytes=max_unsent_bytes
        )
        server._serving = replace(server._serving, gate=gate, on_playing=on_playing)
        server._has_udp = has_udp
        return server

    @property
    def client_count(self) -> int:
        """Connections at the moment."""
        return len(self._connections)

    @property
    def session_count(self) -> int:
        """Sessions at the moment, playing or not."""
        return sum(len(connection.sessions) for connection in self._connections)

    def end_where(self, matches: Callable[[str, str], bool]) -> None:
        """Drop at once every client with a session of which `matches(path, username)` is true."""
        for connection in tuple(self._connections):
            if any(matches(session.path, session.username) for session in connection.sessions.values()):
                connection.drop()

    async def start(self, host: str, port: int, listening: socket.socket | None = None) -> None:
        """Listen; `port` 0 takes a free one, see the attribute `port`. `listening` is a socket that does so already.

        Raises:
            OSError: the port is taken, or there is no pair of UDP ports.
        """
        if self._has_udp:
            await self._udp.open(host)
        try:
            loop = asyncio.get_running_loop()
            if listening is None:
                self._server = await loop.create_server(self._accept, host, port, ssl=self._tls)
            else:
                self._server = await loop.create_server(self._accept, sock=listening, ssl=self._tls)
        except BaseException:
            self._udp.close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        self._reaper = asyncio.create_task(self._reap(), name="rtsp-reaper")

    async def close(self) -> None:
        """End all sessions and give the ports back; idempotent."""
        if self._reaper:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
            self._reaper = None
        if self._server:
            self._server.close()
        tasks = [task for connection in tuple(self._connections) if (task := connection.close())]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server:
            await self._server.wait_closed()
            self._server = None
        self._udp.close()

    def _accept(self) -> ServerConnection:
        is_full = len(self._connections) >= self._max_clients
        return ServerConnection(self._serving, is_full=is_full)

    def _receiver_alive(self, address: Address) -> None:
        for connection in self._connections:
            connection.receiver_alive(address)

    async def _reap(self) -> None:
        """End the sessions of clients that went silent, and connections that never asked for anything."""
        while True:
            await asyncio.sleep(self._serving.session_timeout_s / 4)
            for connection in tuple(self._connections):
                try:
                    connection.reap()
                except Exception:  # noqa: BLE001  # logged; the other clients' sessions matter more
                    _log.exception("an RTSP session could not be ended")
