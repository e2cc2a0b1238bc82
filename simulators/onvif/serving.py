"""The HTTP server under the ONVIF application: uvicorn, with each answer written in one piece.

uvicorn writes head and body apart. With Nagle's algorithm at the peer or a delayed acknowledgement that costs tens of
milliseconds, and latency figures taken against the simulator would be wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulators.onvif.http import ABORT


class _OneWrite:
    """A transport that gathers what is written within one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See asyncio.Transport."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(bytes(data))

    def close(self) -> None:
        """See asyncio.Transport; what was written goes out first."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
        self._parts.clear()


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol over such a transport; TCP_NODELAY comes with the sockets (street.py)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", _OneWrite(transport, self.loop))

    def on_message_begin(self) -> None:
        """See httptools; adds the extension by which an application breaks the connection."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"call": self.transport.abort}}


class StreetServer(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the street decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn; nothing is captured."""
        yield


def make_server(app: Any) -> StreetServer:  # noqa: ANN401 - an ASGI application
    """Uvicorn over an ASGI application, for bound sockets (`serve(sockets=[...])`); it ends by `should_exit`."""
    config = uvicorn.Config(
        app,
        http=OneWriteProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        backlog=128,
    )
    return StreetServer(config)
