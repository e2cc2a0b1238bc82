"""People who ask the service something, over one connection each.

    python -m bench.signer API TOKEN

Each line on standard input is answered by one on standard output.

{"do": "sign_in", "names": [...], "password": P}: all of them connect, and when all are there each asks to sign in at
the same moment; the answer, {"asked": [[asked, answered, status], ...]}, is in the order in which they asked, in
monotonic seconds.
{"do": "ask", "requests": {name: [method, path]}, "every_s": E, "seconds": S}: somebody with the token asks each of
these every E seconds; the answer has such a list for each name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from bench.program import answer, lines_of_stdin
from bench.tap import read_message

_CONNECT_S, _ANSWER_S = 30.0, 600.0
_AT_ONCE = 50

Asked = tuple[float, float, int]


class Line:
    """A connection that is kept: one request after the other."""

    def __init__(self, api: str, token: str | None = None) -> None:
        parts = urlsplit(api)
        self._host, self._port, self._prefix = str(parts.hostname), int(parts.port or 80), parts.path
        self._fields = f"Host: {parts.netloc}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")

    async def open(self) -> None:
        """Connect."""
        async with asyncio.timeout(_CONNECT_S):
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Send a request; `result` is next."""
        content = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if content else ""
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\n{self._fields}{kind}Content-Length: {len(content)}\r\n\r\n"
        self._asked_s = time.monotonic()
        self._writer.write(head.encode() + content)

    async def result(self) -> Asked:
        """When it was asked and answered, and with which status; 0 when the connection ended or nothing came."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                reply = await read_message(self._reader)
        except TimeoutError:
            reply = None
        return self._asked_s, time.monotonic(), int(reply.split(b" ", 2)[1]) if reply else 0

    def close(self) -> None:
        """Leave."""
        self._writer.close()


async def _sign_in(api: str, question: dict[str, Any]) -> list[Asked]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def opened() -> Line:
        line = Line(api)
        async with gate:
            await line.open()
        return line

    lines = await asyncio.gather(*(opened() for _ in question["names"]))
    for line, name in zip(lines, question["names"], strict=True):
        line.ask("POST", "/auth/login", {"username": name, "password": question["password"]})
    asked = await asyncio.gather(*(line.result() for line in lines))
    for line in lines:
        line.close()
    return asked


async def _ask(api: str, token: str, question: dict[str, Any]) -> dict[str, list[Asked]]:
    async def again(line: Line, first_s: float, method: str, path: str) -> list[Asked]:
        asked = []
        for number in range(int(question["seconds"] / question["every_s"])):
            await asyncio.sleep(max(0.0, first_s + number * question["every_s"] - time.monotonic()))
            line.ask(method, path)
            asked.append(await line.result())
        return asked

    lines = {name: Line(api, token) for name in question["requests"]}
    for line in lines.values():
        await line.open()
    now_s, step_s = time.monotonic(), question["every_s"] / len(lines)
    async with asyncio.TaskGroup() as group:
        asking = {
            name: group.create_task(again(lines[name], now_s + number * step_s, *request))
            for number, (name, request) in enumerate(question["requests"].items())
        }
    for line in lines.values():
        line.close()
    return {name: task.result() for name, task in asking.items()}


async def main() -> None:
    """Ask until the parent is gone."""
    api, token = sys.argv[1:3]
    questions = lines_of_stdin()
    while (question := await questions.get()) is not None:
        match question["do"]:
            case "sign_in":
                answer(asked=await _sign_in(api, question))
            case "ask":
                answer(asked=await _ask(api, token, question))


if __name__ == "__main__":
    asyncio.run(main())
