"""Accepts connections, so many and no more, and brings each through TLS to its protocol."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from auth.throttle import network_of
from camctl.api.forwarded import is_within, parse_address
from camctl.config_server import HttpLimits
from camctl.metrics import Metrics

_log = logging.getLogger(__name__)

OWN_FILES = 512  # descriptors that are not clients': files, the database, cameras, workers
_PAUSE_S = 0.5
_FAREWELL_S = 3.0  # for a client's own end of TLS
_SAY_EVERY_S = 60.0


def files_allowed(wanted: int) -> int:
    """How many descriptors this process may have, after asking for `wanted`; many systems give 1024 unasked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    given = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (given, hard))
    return given


class Seats:
    """Who has how many connections. Pure; trusted proxies count in all, but not as one address."""

    def __init__(self, total: int, per_address: int, exempt: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._total = total
        self._per_address = per_address
        self._exempt = exempt
        self._taken = 0
        self._of: Counter[str] = Counter()

    def take(self, address: str) -> str | None:
        """Why this address gets no further connection; None: it has it now, until `leave`."""
        key = network_of(address)
        if self._taken >= self._total:
            return "connections"
        if self._of[key] >= self._per_address and not is_within(parse_address(address), self._exempt):
            return "address-connections"
        self._taken += 1
        self._of[key] += 1
        return None

    def leave(self, address: str) -> None:
        """One connection of this address is gone."""
        key = network_of(address)
        self._taken -= 1
        self._of[key] -= 1
        if not self._of[key]:
            del self._of[key]

    def __len__(self) -> int:
        return self._taken


class _Connection(socket.socket):
    """Says when it is closed, whoever does it: a protocol, one that took over from it, a TLS handshake gone wrong."""

    on_close: Callable[[], None] | None = None

    def close(self) -> None:
        """As the socket's."""
        super().close()
        told, self.on_close = self.on_close, None
        if told is not None:
            told()


class Door:
    """Accepts on one listening socket until it is closed; uvicorn closes it like a server of asyncio's.

    Ours, because asyncio's tells nobody of a connection before its TLS handshake is over, for which it gives a minute.
    """

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        seats: Seats,
        limits: HttpLimits,
        metrics: Metrics,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listening = listening
        self._make_protocol = make_protocol
        self._seats = seats
        self._limits = limits
        self._refused = metrics.refused
        self._tls = tls
        self._entering: set[asyncio.Task[None]] = set()
        self._said_at_s = float("-inf")
        self._accepting: asyncio.Task[None] | None = None

    def open(self) -> asyncio.Task[None]:
        """Begin; the task ends by `close` only."""
        self._accepting = asyncio.create_task(self._accept(), name="HTTP door")
        return self._accepting

    def close(self) -> None:
        """Accept no more; what is under way goes on."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in self._entering:
            task.cancel()

    async def wait_closed(self) -> None:
        """Return when nobody is on the way in."""
        tasks = [task for task in (self._accepting, *self._entering) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        try:
            await self._accept_all()
        finally:
            self._listening.close()

    async def _accept_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                plain, address = await loop.sock_accept(self._listening)
            except OSError as error:  # no descriptors, or a client that was gone at once
                self._say("a connection could not be accepted: %s", error.strerror)
                await asyncio.sleep(_PAUSE_S)
                continue
            connection = _Connection(plain.family, plain.type, plain.proto, fileno=plain.detach())
            connection.setblocking(False)
            why = self._seats.take(address[0])
            if why is not None:
                self._refused.labels(why).inc()
                self._say("a connection was refused: too many are open (%s)", why)
                connection.close()
            else:
                connection.on_close = lambda who=address[0]: self._seats.leave(who)
                task = asyncio.create_task(self._enter(connection), name="HTTP connection")
                self._entering.add(task)
                task.add_done_callback(self._entering.discard)
            await asyncio.sleep(0)  # sock_accept does not wait while there is one: others must have their turn

    async def _enter(self, connection: _Connection) -> None:
        times: dict[str, Any] = {}
        if self._tls is not None:
            times = {"ssl_handshake_timeout": self._limits.header_s, "ssl_shutdown_timeout": _FAREWELL_S}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_protocol, connection, ssl=self._tls, **times
            )
        except (OSError, asyncio.CancelledError) as error:  # ssl.SSLError is one: no TLS, or none that we speak
            connection.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            self._refused.labels("tls").inc()
            _log.debug("a TLS handshake failed: %s", error)

    def _say(self, text: str, *values: object) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_at_s >= _SAY_EVERY_S:
            self._said_at_s = now_s
            _log.warning(text + "; further ones are counted in /metrics", *values)
