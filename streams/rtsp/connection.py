"""One client connection: requests matched with their responses by CSeq, interleaved packets handed on."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable

from streams.errors import StreamError, StreamFault
from streams.rtsp.protocol import (
    Event,
    Headers,
    Interleaved,
    Parser,
    ProtocolError,
    Request,
    Response,
    cseq_of,
    frame,
    serialise,
)
from streams.rtsp.tls import TlsTrust

_MAX_UNSENT_BYTES = 64 << 10


class RtspConnection(asyncio.Protocol):
    """The thin shell around `Parser`.

    `routes` has what is called on the loop with the interleaved packets of a channel, all those of one read in one go.
    `lost` ends, with a `StreamError`, when the connection does, or with the exception that one of these raised.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.lost.add_done_callback(_retrieve)
        self.routes: dict[int, Callable[[bytes], None]] = {}
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._cseq = 0
        self._waiting: dict[int, asyncio.Future[Response]] = {}

    @property
    def cseq(self) -> int:
        """The number of the latest request."""
        return self._cseq

    @property
    def local_host(self) -> str:
        """Our own address on it; empty when there is none any more."""
        return self._address("sockname")

    @property
    def peer_host(self) -> str:
        """The camera's address on it; empty when there is none any more."""
        return self._address("peername")

    def _address(self, name: str) -> str:
        address = self._transport.get_extra_info(name) if self._transport else None
        return str(address[0]) if address else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio's callback)."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("RTSP runs on a stream transport")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Handle all that a read delivered (asyncio's callback)."""
        try:
            for event in self._parser.feed(data):
                if self.lost.done():
                    return
                self._take(event)
        except ProtocolError as error:
            self.fail(StreamError(StreamFault.PROTOCOL, f"the camera does not speak RTSP: {error}"))
        except Exception as error:  # noqa: BLE001  # the consumer's: it is given back to whoever runs the stream
            self.fail(error)

    def _take(self, event: Event) -> None:
        if isinstance(event, Interleaved):
            route = self.routes.get(event.channel)
            if route:
                route(event.payload)
        elif isinstance(event, Response):
            self._respond(event)
        else:
            self._refuse(event)

    def _respond(self, response: Response) -> None:
        cseq = cseq_of(response.headers)
        if cseq is None and len(self._waiting) == 1:
            cseq = next(iter(self._waiting))  # cameras forget it in error responses
        waiting = self._waiting.pop(cseq, None) if cseq is not None else None
        if waiting and not waiting.done():
            waiting.set_result(response)

    def _refuse(self, request: Request) -> None:
        """Answer a camera's own request: OPTIONS is a sign of life, nothing else is understood."""
        cseq = cseq_of(request.headers)
        status = 200 if request.method == "OPTIONS" else 501
        self._write(serialise(Response(status, headers=Headers([("CSeq", str(cseq or 0))]))))

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything that waits (asyncio's callback)."""
        detail = "the camera closed the connection" if exc is None else "the connection to the camera broke"
        self.fail(StreamError(StreamFault.UNREACHABLE, detail))

    def fail(self, error: BaseException) -> None:
        """End the connection for this reason; the first one counts."""
        if not self.lost.done():
            self.lost.set_exception(error)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()
        if self._transport:
            self._transport.abort()

    def close(self) -> None:
        """Drop the connection at once; idempotent."""
        self.fail(StreamError(StreamFault.CLOSED, "the stream was closed"))

    def send_packet(self, channel: int, payload: bytes) -> None:
        """Send one interleaved packet; left out when the camera does not read."""
        self._write(frame(channel, payload))

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() <= _MAX_UNSENT_BYTES:
            transport.write(data)

    async def request(self, method: str, url: str, fields: list[tuple[str, str]], timeout_s: float) -> Response:
        """Send a request and wait for its response, of any status.

        Raises:
            StreamError: TIMEOUT, or why the connection ended.
        """
        if self.lost.done():
            await asyncio.shield(self.lost)
        self._cseq += 1
        cseq = self._cseq
        message = Request(method, url, Headers([("CSeq", str(cseq)), *fields]))
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[cseq] = answer
        try:
            self._write(serialise(message))
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            detail = f"no answer to {method} (CSeq {cseq}) within {timeout_s:g} s"
            raise StreamError(StreamFault.TIMEOUT, detail) from None
        finally:
            self._waiting.pop(cseq, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # retrieved, also when the waiter was cancelled


def _retrieve(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()


async def connect(address: str, port: int, timeout_s: float, trust: TlsTrust | None = None) -> RtspConnection:
    """Open a connection to an IP address, by TLS when it is said whom to trust.

    Raises:
        StreamError: TIMEOUT, UNREACHABLE, or CERTIFICATE.
    """
    try:
        async with asyncio.timeout(timeout_s):
            try:
                return await _connect(address, port, trust)
            except ssl.SSLCertVerificationError as error:
                assert trust  # noqa: S101  # without it there is no TLS to fail
                raise await trust.refusal(address, port, error.verify_message) from None
    except TimeoutError:
        raise StreamError(StreamFault.TIMEOUT, f"no connection to port {port} within {timeout_s:g} s") from None
    except ConnectionRefusedError:
        detail = f"the camera refuses connections on port {port}; is the port right?"
        raise StreamError(StreamFault.UNREACHABLE, detail) from None
    except ssl.SSLError as error:
        detail = f"no TLS with port {port} ({error.reason}); is it rtsp:// rather than rtsps:// there?"
        raise StreamError(StreamFault.PROTOCOL, detail) from None
    except OSError as error:
        # asyncio puts "Connect call failed (address)" where the system's words belong.
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StreamError(StreamFault.UNREACHABLE, f"cannot connect to port {port}: {reason}") from None


async def _connect(address: str, port: int, trust: TlsTrust | None) -> RtspConnection:
    loop = asyncio.get_running_loop()
    if trust is None:
        _, connection = await loop.create_connection(RtspConnection, address, port)
        return connection
    context = await trust.context()
    transport, connection = await loop.create_connection(
        RtspConnection, address, port, ssl=context, server_hostname=trust.host
    )
    try:
        trust.check(transport)
    except StreamError:
        transport.abort()
        raise
    return connection
