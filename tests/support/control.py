"""A control socket as a phone holds it, from a test's thread."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

RATE_S = 0.1


class Phone:
    """Sends what a phone sends; remembers what it was told."""

    def __init__(self, api: str, camera_id: str, token: str) -> None:
        self._url = f"{api.replace('http://', 'ws://', 1)}/cameras/{camera_id}/control"
        self._token = token
        self._seq = itertools.count(1)
        self._now: dict[str, Any] | None = None  # the newest state
        self.socket: ClientConnection

    def __enter__(self) -> Self:
        self._closing = ExitStack()
        headers = {"Authorization": f"Bearer {self._token}"}
        self.socket = self._closing.enter_context(connect(self._url, additional_headers=headers, open_timeout=5))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.close()

    def send(self, kind: str, **fields: Any) -> int:
        seq = next(self._seq)
        self.socket.send(json.dumps({"type": kind, "seq": seq, **fields}))
        return seq

    def hear(self, within_s: float = 5.0) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=within_s))
        if message["type"] == "state":
            self._now = message
        return message

    def catch_up(self) -> None:
        """Read what has come meanwhile; a client that does not read is put out after some seconds."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.hear(0.0)

    def wait_for(self, condition: Any, within_s: float = 5.0) -> dict[str, Any]:
        """The first message for which `condition` is true."""
        deadline = time.monotonic() + within_s
        while True:
            message = self.hear(max(0.0, deadline - time.monotonic()))
            if condition(message):
                return message

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send and return the answer to exactly that message."""
        seq = self.send(kind, **fields)
        return self.wait_for(lambda message: message["type"] in {"ack", "error"} and message["seq"] == seq)

    def state(self, condition: Any, within_s: float = 5.0) -> dict[str, Any]:
        """The newest state if `condition` is true for it, else the first one to come for which it is."""
        if self._now is not None and condition(self._now):
            return self._now
        return self.wait_for(lambda message: message["type"] == "state" and condition(message), within_s)

    def drag(self, seconds: float, **velocity: Any) -> None:
        """Hold the finger down: the same move ten times a second."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send("move", **velocity)
            time.sleep(RATE_S)
            self.catch_up()
