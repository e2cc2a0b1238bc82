"""Opening a WebSocket of the application without a server: what it answers to the handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI


@dataclass
class Handshake:
    """`status` is 101 when the socket was accepted."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


async def open_socket(app: FastAPI, path: str, headers: Mapping[str, str], query: str = "") -> Handshake:
    """Shake hands, and leave."""
    found = Handshake()
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not answered.is_set() and not found.status:
            return {"type": "websocket.connect"}
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.accept":
            found.status = 101
        elif message["type"] == "websocket.http.response.start":
            found.status = message["status"]
            found.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "websocket.http.response.body":
            found.body += message["body"]
        elif message["type"] == "websocket.close" and not found.status:
            found.status = 403
        answered.set()

    raw = [(b"host", b"camctl"), *((name.lower().encode(), value.encode()) for name, value in headers.items())]
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": raw, "state": {},
        "client": ("127.0.0.1", 4711), "server": ("camctl", 80), "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    return found
