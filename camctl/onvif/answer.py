"""An HTTP/1.x answer, read as its bytes come; as lenient as http.client, since cameras are what they are. Sans-I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message

from camctl.onvif.http import HttpReply

MAX_HEAD_BYTES = 65_536
_MAX_HEADERS = 100
_MAX_CHUNK_LINE = 1024
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d)[ \t]+(\d{3})(?:[ \t].*)?", re.DOTALL)
_BEGIN = b"HTTP/"
_WITHOUT_BODY = frozenset({204, 304})


class NotHttpError(Exception):
    """What came is no HTTP answer, or none that ends within its limits."""


class TooLargeError(Exception):
    """The body is larger than allowed."""


class AnswerReader:
    """Reads one answer. `reply` is there when `feed` or `end` returned True; `rest` is what came after it."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._waiting = bytearray()
        self._body = bytearray()
        self._left = 0
        self._status = 0
        self._headers = Message()
        self._read: Callable[[], bool] = self._read_head
        self.has_begun = False
        self.keeps_open = False
        self.reply: HttpReply | None = None

    @property
    def rest(self) -> bytes:
        """Bytes that nobody asked for."""
        return bytes(self._waiting)

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the answer is whole.

        Raises:
            NotHttpError: it is none.
            TooLargeError: its body is too large.
        """
        self.has_begun = True
        self._waiting += data
        while self.reply is None:
            if not self._read():
                return False
        return True

    def end(self) -> bool:
        """The connection ended; whether that makes the answer whole."""
        if self.reply is None and self._read == self._read_to_the_end:
            self._finish()
        return self.reply is not None

    def _finish(self) -> bool:
        self.reply = HttpReply(self._status, self._headers, bytes(self._body))
        return True

    def _read_head(self) -> bool:
        waiting = self._waiting
        if not waiting.startswith(_BEGIN[: len(waiting)]):
            raise NotHttpError
        found = _HEAD_END.search(waiting)
        if found is None or found.start() > MAX_HEAD_BYTES:
            if len(waiting) > MAX_HEAD_BYTES:
                raise NotHttpError
            return False
        head = bytes(waiting[: found.start()])
        del waiting[: found.end()]
        self._take_head(head)
        return True

    def _take_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\n")
        match = _STATUS_LINE.fullmatch(first.rstrip(b"\r"))
        if match is None or len(lines) > _MAX_HEADERS:
            raise NotHttpError
        self._status = int(match[3])
        if 100 <= self._status < 200:
            return  # an interim answer: the real one follows
        self._headers = _headers(lines)
        is_kept = match[1] == b"1" and match[2] != b"0"
        said = str(self._headers.get("Connection", "")).lower()
        self.keeps_open = "close" not in said if is_kept else "keep-alive" in said
        self._choose_body()

    def _choose_body(self) -> None:
        if "chunked" in str(self._headers.get("Transfer-Encoding", "")).lower():
            self._read = self._read_chunk_size
            return
        length = str(self._headers.get("Content-Length", "")).strip()
        if self._status in _WITHOUT_BODY:
            length = "0"
        if not length.isdecimal() or not length.isascii():
            self.keeps_open = False
            self._read = self._read_to_the_end
            return
        self._left = int(length)
        if self._left > self._max_body_bytes:
            raise TooLargeError
        self._read = self._read_counted

    def _read_counted(self) -> bool:
        self._take(self._left)
        return self._left == 0 and self._finish()

    def _read_to_the_end(self) -> bool:
        self._left = len(self._waiting)
        self._take(self._left)
        return False

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        text = line.partition(b";")[0].strip()
        try:
            self._left = int(text, 16)
        except ValueError:
            raise NotHttpError from None
        if self._left < 0:
            raise NotHttpError
        self._read = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take(self._left)
        if self._left == 0:
            self._read = self._read_chunk_end
        return self._left == 0

    def _read_chunk_end(self) -> bool:
        if self._line() is None:
            return False
        self._read = self._read_chunk_size
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        return True if line else self._finish()

    def _line(self) -> bytes | None:
        line, found, _ = self._waiting.partition(b"\n")
        if len(line) > _MAX_CHUNK_LINE:
            raise NotHttpError
        if not found:
            return None
        del self._waiting[: len(line) + 1]
        return bytes(line.rstrip(b"\r"))

    def _take(self, size: int) -> None:
        part = self._waiting[:size]
        del self._waiting[: len(part)]
        self._body += part
        self._left -= len(part)
        if len(self._body) > self._max_body_bytes:
            raise TooLargeError


def _headers(lines: list[bytes]) -> Message:
    """The header fields; a folded line belongs to the one before, a line without a colon to nothing."""
    fields: list[tuple[str, str]] = []
    for raw in lines:
        line = raw.rstrip(b"\r").decode("latin-1")
        if line[:1] in (" ", "\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip(), value.strip()))
    headers = Message()
    for name, value in fields:
        headers[name] = value
    return headers
