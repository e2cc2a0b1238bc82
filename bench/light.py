"""Hundreds of cameras that cost almost nothing: one process that answers as one simulated camera did.

    python -m bench.light ONVIF_URL COUNT

ONVIF_URL is a simulated camera's, the original. Camera i is 127.1.(i // 200).(1 + i % 200), all on the port that the
first line on standard output names as {"port"}. A question that was not asked before is passed on to the original and
its answer kept, for all cameras, with the authority in it replaced; from then on it is answered at once. So every
answer is a real one, but positions and clocks stand still, and nobody is asked for a password.

Each line {"take": true} on standard input is answered by {"commands": [[camera, "move" | "stop", when], ...]}: all PTZ
commands since the last one, `when` being the monotonic time at which the request's last byte had come.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import cast
from urllib.parse import urlsplit

from bench.program import answer, lines_of_stdin
from bench.tap import read_message

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)", re.IGNORECASE | re.MULTILINE)
_HOST = re.compile(rb"^host:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_CLOSES = re.compile(rb"^connection:[ \t]*close", re.IGNORECASE | re.MULTILINE)
_BODY = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*(<(?:[\w.-]+:)?(\w+).*)", re.DOTALL)
_MESSAGE_ID = re.compile(rb"(<(?:[\w.-]+:)?RelatesTo[^>]*>)[^<]*")
_COMMANDS = {b"ContinuousMove": "move", b"Stop": "stop"}
_SAME_FOR_ALL = {b"ContinuousMove", b"Stop", b"GetStatus"}
_HERE = b"{{authority}}"
_PER_NET = 200


def address(index: int) -> str:
    """Where camera number `index` is."""
    return f"127.1.{index // _PER_NET}.{1 + index % _PER_NET}"


def index_of(host: str) -> int:
    """The camera's number from its address."""
    net, last = host.split(".")[2:4]
    return int(net) * _PER_NET + int(last) - 1


def operation_of(request: bytes) -> tuple[bytes, bytes]:
    """A SOAP request's operation, and what tells its answer from others': path, operation, where needed parameters."""
    found = _BODY.search(request)
    if found is None:
        return b"", request.partition(b"\r\n")[0]
    path, name = request.split(b" ", 2)[1], found[2]
    return name, path + b" " + (name if name in _SAME_FOR_ALL else found[1])


def as_template(reply: bytes, authority: bytes) -> bytes | None:
    """An answer with a gap where its sender's authority stood; None when it is no answer to keep."""
    if not reply.startswith(b"HTTP/1.1 200"):
        return None
    return _MESSAGE_ID.sub(rb"\1", reply).replace(authority, _HERE)


def from_template(template: bytes, authority: bytes) -> bytes:
    """The answer as the camera at `authority` gives it."""
    head, _, body = template.replace(_HERE, authority).partition(b"\r\n\r\n")
    return _LENGTH.sub(b"content-length: %d" % len(body), head) + b"\r\n\r\n" + body


class Original:
    """The simulated camera that knows the answers; asked once for each question."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.path = str(parts.hostname), int(parts.port or 80), parts.path
        self._authority = f"{self.host}:{self.port}".encode()
        self._templates: dict[bytes, bytes] = {}

    def known(self, key: bytes) -> bytes | None:
        """The template for a question that was asked before."""
        return self._templates.get(key)

    async def ask(self, key: bytes, request: bytes) -> bytes:
        """Pass a question on; the answer as it came, and kept if it is a good one."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        try:
            writer.write(request)
            reply = await read_message(reader)
        finally:
            writer.close()
        if reply is None:
            raise ConnectionError("the original closed the connection")
        template = as_template(reply, self._authority)
        if template is not None:
            self._templates[key] = template
        return reply.replace(self._authority, _HERE)


class LightCamera(asyncio.Protocol):
    """One connection to one of the cameras; requests are answered in their order."""

    def __init__(self, original: Original, commands: list[tuple[int, str, float]]) -> None:
        self._original = original
        self._commands = commands
        self._received = b""
        self._asking: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self._camera = index_of(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._received += data
        arrived_s = time.monotonic()
        while self._asking is None and (request := self._next()) is not None:
            self._serve(request, arrived_s)

    def _next(self) -> bytes | None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size:
            return None
        whole = len(head) + len(end) + size
        request, self._received = self._received[:whole], self._received[whole:]
        return request

    def _serve(self, request: bytes, arrived_s: float) -> None:
        operation, key = operation_of(request)
        if operation in _COMMANDS:
            self._commands.append((self._camera, _COMMANDS[operation], arrived_s))
        template = self._original.known(key)
        if template is not None:
            self._reply(from_template(template, _authority_of(request)), request)
        else:
            self._asking = asyncio.create_task(self._ask(key, request))

    async def _ask(self, key: bytes, request: bytes) -> None:
        try:
            template = await self._original.ask(key, request)
        except OSError:
            self._transport.close()
            return
        self._asking = None
        self._reply(from_template(template, _authority_of(request)), request)
        self.data_received(b"")

    def _reply(self, reply: bytes, request: bytes) -> None:
        self._transport.write(reply)
        if _CLOSES.search(request.partition(b"\r\n\r\n")[0]):
            self._transport.close()


def _authority_of(request: bytes) -> bytes:
    found = _HOST.search(request)
    return found[1].strip() if found else b""


async def main() -> None:
    """Answer until the parent is gone."""
    original, count = Original(sys.argv[1]), int(sys.argv[2])
    commands: list[tuple[int, str, float]] = []
    loop = asyncio.get_running_loop()
    # One socket for all: the whole of 127/8 is this machine, and a connection knows the address it was made to.
    server = await loop.create_server(lambda: LightCamera(original, commands), "0.0.0.0", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    answer(port=port, path=original.path, cameras=[address(index) for index in range(count)])
    questions = lines_of_stdin()
    while await questions.get() is not None:
        taken, commands[:] = list(commands), []
        answer(commands=taken)


if __name__ == "__main__":
    asyncio.run(main())
