"""RTSP 1.0 on the wire (RFC 2326), sans I/O: messages, an incremental parser for both directions, a serialiser.

Hostile input is normal here: every size is bounded, anything that is not RTSP raises `ProtocolError` with its offset in
the connection, and no header that we write can smuggle a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_HEADER_BYTES = 16 << 10
MAX_BODY_BYTES = 256 << 10
_DOLLAR = 0x24
_VERSION = "RTSP/1.0"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FORBIDDEN_IN_URI = re.compile(r"[\x00-\x20\x7f]")
_STATUS_LINE = re.compile(r"RTSP/\d\.\d[ \t]+(\d{3})(?:[ \t]+(.*))?")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9_-]{1,64})[ \t]+(\S+)[ \t]+RTSP/\d\.\d[ \t]*")
_LINE_START = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}


class ProtocolError(ValueError):
    """What came is not RTSP, or too large. `offset` counts bytes from the start of the connection.

    The message never repeats what came: it may hold anything, credentials too.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at offset {offset}")
        self.reason = reason
        self.offset = offset


class Headers:
    """Header fields in order; names compare without case, a name may occur several times."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = list(fields)

    def add(self, name: str, value: str) -> None:
        """Append one field."""
        self._fields.append((name, value))

    def get(self, name: str, default: str = "") -> str:
        """The first field of that name."""
        wanted = name.lower()
        return next((value for key, value in self._fields if key.lower() == wanted), default)

    def get_all(self, name: str) -> list[str]:
        """Every field of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self._fields]})"  # values may be credentials


@dataclass(slots=True)
class Request:
    """A request of either side."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """An answer; `reason` is the peer's text and is never shown to anybody."""

    status: int
    reason: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


class Interleaved(NamedTuple):
    """An RTP or RTCP packet amid the connection (RFC 2326 section 10.12)."""

    channel: int
    payload: bytes


Event = Request | Response | Interleaved


def cseq_of(headers: Headers) -> int | None:
    """The CSeq as a number; None when it is missing or no number."""
    text = headers.get("CSeq").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


class Parser:
    """Bytes of one direction of a connection to events, however they are cut.

    After a `ProtocolError` the parser stays broken: the same error is raised again.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._consumed = 0  # bytes of the connection before the buffer
        self._position = 0
        self._error: ProtocolError | None = None
        self._message: Request | Response | None = None
        self._line_offset = 0
        self._header_bytes = 0
        self._fields: list[tuple[str, str]] = []
        self._body_bytes: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the bytes so far end exactly between two messages."""
        return self._message is None and not self._buffer and self._error is None

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes. The iterator must be run to its end before the next call.

        Raises:
            ProtocolError: while iterating, after the events in front of the error.
        """
        if self._error:
            raise self._error
        buffer = self._buffer
        buffer += data
        try:
            while (event := self._next()) is not None:
                yield event
        except ProtocolError as error:
            self._error = error
            buffer.clear()
            raise
        del buffer[: self._position]
        self._consumed += self._position
        self._position = 0

    def _next(self) -> Event | None:
        buffer, position = self._buffer, self._position
        if self._message is None:
            if position < len(buffer) and buffer[position] == _DOLLAR:  # nearly everything, once a stream plays
                return self._interleaved(position)
            position = self._skip_blank_lines()
            if position >= len(buffer):
                return None
            if buffer[position] == _DOLLAR:
                return self._interleaved(position)
            if buffer[position] not in _LINE_START:
                raise self._failure("neither a message nor an interleaved packet")
        while self._body_bytes is None:
            line = self._line()
            if line is None:
                return None
            self._take_line(line)
        return self._finish_body(self._body_bytes)

    def _interleaved(self, position: int) -> Interleaved | None:
        buffer = self._buffer
        if len(buffer) - position < 4:
            return None
        start = position + 4
        end = start + (buffer[position + 2] << 8 | buffer[position + 3])
        if len(buffer) < end:
            return None
        self._position = end
        return Interleaved(buffer[position + 1], bytes(memoryview(buffer)[start:end]))

    def _skip_blank_lines(self) -> int:
        while self._position < len(self._buffer) and self._buffer[self._position] in b"\r\n":
            self._position += 1
        return self._position

    def _line(self) -> str | None:
        """The next complete line of a message's head, without its end."""
        end = self._buffer.find(b"\n", self._position)
        size = (end + 1 if end >= 0 else len(self._buffer)) - self._position
        if self._header_bytes + size > MAX_HEADER_BYTES:
            raise self._failure(f"header above {MAX_HEADER_BYTES} bytes")
        if end < 0:
            return None
        raw = bytes(self._buffer[self._position : end])
        self._line_offset = self._consumed + self._position
        self._position = end + 1
        self._header_bytes += size
        return raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def _take_line(self, line: str) -> None:
        if self._message is None:
            self._message = self._start_line(line)
        elif not line:
            self._body_bytes = self._content_length()
        elif line[0] in " \t":
            self._fold(line)
        else:
            name, colon, value = line.partition(":")
            name, value = name.rstrip(" \t"), value.strip(" \t")
            if not colon or not _TOKEN.fullmatch(name) or _FORBIDDEN_IN_VALUE.search(value):
                raise ProtocolError("malformed header field", self._line_offset)
            self._fields.append((name, value))

    def _start_line(self, line: str) -> Request | Response:
        if match := _STATUS_LINE.fullmatch(line):
            return Response(int(match[1]), (match[2] or "").strip())
        if (match := _REQUEST_LINE.fullmatch(line)) and not _FORBIDDEN_IN_URI.search(match[2]):
            return Request(match[1], match[2])
        raise ProtocolError("neither a request nor a status line of RTSP", self._line_offset)

    def _fold(self, line: str) -> None:
        # Folded header lines: obsolete, but RFC 2326 has them.
        if not self._fields or _FORBIDDEN_IN_VALUE.search(line):
            raise ProtocolError("malformed header continuation", self._line_offset)
        name, value = self._fields[-1]
        self._fields[-1] = (name, f"{value} {line.strip()}".strip())

    def _content_length(self) -> int:
        lengths = {value for name, value in self._fields if name.lower() == "content-length"}
        if not lengths:
            return 0
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise ProtocolError("unusable Content-Length", self._line_offset)
        if len(text) > 10 or int(text) > MAX_BODY_BYTES:
            raise ProtocolError(f"body above {MAX_BODY_BYTES} bytes", self._line_offset)
        return int(text)

    def _finish_body(self, size: int) -> Request | Response | None:
        end = self._position + size
        message = self._message
        if message is None or len(self._buffer) < end:
            return None
        message.headers = Headers(self._fields)
        message.body = bytes(self._buffer[self._position : end])
        self._position = end
        self._message, self._fields, self._header_bytes, self._body_bytes = None, [], 0, None
        return message

    def _failure(self, reason: str) -> ProtocolError:
        return ProtocolError(reason, self._consumed + self._position)


def serialise(message: Request | Response) -> bytes:
    """The wire form; Content-Length is added where there is a body.

    Raises:
        ValueError: a method, URI, name or value that could not be read back as the same (a line break in it, say). The
            message names the field, never its value.
    """
    if isinstance(message, Request):
        if not _TOKEN.fullmatch(message.method) or not message.uri or _FORBIDDEN_IN_URI.search(message.uri):
            raise ValueError("a request needs a token as method and a URI without blanks or control characters")
        lines = [f"{message.method} {message.uri} {_VERSION}"]
    else:
        reason = message.reason or REASONS.get(message.status, "Unknown")
        if not 100 <= message.status <= 999 or _FORBIDDEN_IN_VALUE.search(reason):
            raise ValueError("a response needs a status of three digits and a reason without control characters")
        lines = [f"{_VERSION} {message.status} {reason}"]
    for name, value in message.headers:
        if name.lower() == "content-length":
            continue
        if not _TOKEN.fullmatch(name) or _FORBIDDEN_IN_VALUE.search(value):
            raise ValueError(f"header field {name!r} has characters that would break the message")
        lines.append(f"{name}: {value}")
    if message.body:
        lines.append(f"Content-Length: {len(message.body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + message.body


def frame(channel: int, payload: bytes) -> bytes:
    """An interleaved packet's wire form."""
    return bytes((_DOLLAR, channel, len(payload) >> 8, len(payload) & 0xFF)) + payload
