"""HTTP/1.1 POST to one pinned address over one kept connection, bounded in time and size. No redirects, no proxies.

http.client is used directly, since what has to be guaranteed is below the level of an HTTP library: the address that is
connected to, the time that a whole answer takes, and that another thread can end the wait.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import time
from dataclasses import dataclass
from email.message import Message

from camctl.egress import DEFAULT_PORTS, PinnedTarget, format_host
from camctl.onvif.budget import Budget
from camctl.ptz.ports import CameraError, CameraFault

MAX_REPLY_BYTES = 1_000_000
_CHUNK = 65_536
# A router may have forgotten a quiet connection without telling: what is sent there is lost, and a Stop must not be.
MAX_IDLE_S = 20.0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole answer; header names are read without regard to case."""

    status: int
    headers: Message
    body: bytes


class ClosedEarlyError(Exception):
    """A kept connection turned out to be closed before any byte of the answer came."""


class HttpConnection:
    """A kept connection to one camera; used by one thread at a time."""

    def __init__(self, target: PinnedTarget, scheme: str, *, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._target = target
        self._tls = ssl.create_default_context() if scheme == "https" else None
        self._max_reply_bytes = max_reply_bytes
        self._host_header = host_header(target, scheme)
        self._connection: http.client.HTTPConnection | None = None
        self._used_at_s = 0.0

    def post(self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool) -> HttpReply:
        """Send and wait for the whole answer.

        A kept connection that the camera closed meanwhile is replaced; when that shows only after sending, the request
        goes out again only if it is `repeatable`.

        Raises:
            CameraError: UNREACHABLE, TIMEOUT, or PROTOCOL for what is no HTTP or too large.
        """
        is_kept = self._drop_if_dead()
        try:
            return self._exchange(path, body, headers, budget, is_kept=is_kept)
        except ClosedEarlyError:
            self.close()
            if not repeatable:
                raise CameraError(CameraFault.UNREACHABLE, "the camera closed the connection") from None
            return self._exchange(path, body, headers, budget, is_kept=False)

    def close(self) -> None:
        """Give the socket back; the next post connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, is_kept: bool) -> HttpReply:
        try:
            connection = self._connected(budget)
            connection.request("POST", path, body, {"Host": self._host_header, **headers})
            self._limit(connection, budget)
            # An answer that ends its connection owns the socket, so it has to be closed whatever happens.
            with contextlib.closing(connection.getresponse()) as response:
                reply = HttpReply(response.status, response.headers, self._read(connection, response, budget))
        except (CameraError, ClosedEarlyError):
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            budget.left_s()
            if is_kept and isinstance(error, ConnectionError):  # http.client's RemoteDisconnected is one
                raise ClosedEarlyError from None
            raise explained(error, budget) from None
        finally:
            budget.watch(None)
        self._used_at_s = time.monotonic()
        if response.will_close:
            self.close()
        return reply

    def _connected(self, budget: Budget) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is None:
            connection = http.client.HTTPConnection(self._target.host, self._target.port)
            raw = socket.create_connection(
                (self._target.address, self._target.port), timeout=min(budget.connect_s, budget.left_s())
            )
            connection.sock = raw
            self._connection = connection
            budget.watch(raw)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection.sock = self._tls.wrap_socket(raw, server_hostname=self._target.host)
        budget.watch(connection.sock)
        self._limit(connection, budget)
        return connection

    def _read(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, budget: Budget
    ) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            self._limit(connection, budget)
            part = response.read1(_CHUNK)
            if not part:
                if response.length:
                    raise ConnectionResetError
                response.close()  # or http.client refuses to send the next request
                return b"".join(parts)
            size += len(part)
            if size > self._max_reply_bytes:
                raise too_large(self._max_reply_bytes)
            parts.append(part)

    def _limit(self, connection: http.client.HTTPConnection, budget: Budget) -> None:
        left_s = budget.left_s()
        if connection.sock is not None:  # http.client drops it when the answer ends the connection
            connection.sock.settimeout(min(budget.read_s, left_s))

    def _drop_if_dead(self) -> bool:
        """Whether a kept connection is there and quiet: bytes that nobody asked for, or an end, make it useless."""
        connection = self._connection
        if connection is None:
            return False
        sock = connection.sock
        is_old = time.monotonic() - self._used_at_s > MAX_IDLE_S
        if sock is None or is_old or _is_readable(sock):
            self.close()
            return False
        return True


def _is_readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def host_header(target: PinnedTarget, scheme: str) -> str:
    """The Host header for a target: its name, and its port where that is not the scheme's own."""
    name = format_host(target.host)
    return name if target.port == DEFAULT_PORTS[scheme] else f"{name}:{target.port}"


def too_large(max_bytes: int) -> CameraError:
    """The error that says that an answer was cut."""
    return CameraError(CameraFault.PROTOCOL, f"the camera's answer is larger than {max_bytes} bytes")


def explained(error: OSError | http.client.HTTPException, budget: Budget) -> CameraError:
    """What failed on the wire, in words for a person."""
    match error:
        case TimeoutError():
            return CameraError(
                CameraFault.TIMEOUT, f"the camera did not answer within {min(budget.read_s, budget.total_s):g} s"
            )
        case ConnectionRefusedError():
            return CameraError(
                CameraFault.UNREACHABLE, "the camera refuses connections on this port; is the port right?"
            )
        case ssl.SSLError():
            return CameraError(
                CameraFault.UNREACHABLE, "no secure connection to the camera: its certificate or TLS failed"
            )
        case http.client.RemoteDisconnected() | ConnectionError():
            return CameraError(CameraFault.UNREACHABLE, "the camera closed the connection without an answer")
        case http.client.IncompleteRead():
            return CameraError(CameraFault.PROTOCOL, "the camera's answer ended early")
        case http.client.HTTPException():
            return CameraError(
                CameraFault.PROTOCOL, "what answers on this port does not speak HTTP; is the port right?"
            )
    reason = error.strerror or type(error).__name__
    return CameraError(CameraFault.UNREACHABLE, f"the camera cannot be reached: {reason}")
