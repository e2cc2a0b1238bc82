"""What holds for every request: a bounded body, a measurement, and CORS where it is allowed. Plain ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from camctl.api.problems import TOO_LARGE, ProblemError, problem_response
from camctl.metrics import Metrics

_DRAIN_BYTES = 32 * 2**20
_DRAIN_S = 5.0


class BodyTooLargeError(Exception):
    """The body went past the limit while it was being read."""


class BodyLimit:
    """Refuses bodies above `max_bytes` with 413, whatever the client says of their length."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared_length(scope) > self._max_bytes:
            await self._refuse(scope, receive, send, 0)
            return
        seen = 0
        is_answered = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise BodyTooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal is_answered
            if seen > self._max_bytes and not is_answered:
                return  # FastAPI makes a 400 of every failure to read the body; ours is the better answer
            is_answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except BodyTooLargeError:
            if is_answered:
                raise
        if seen > self._max_bytes and not is_answered:
            await self._refuse(scope, receive, send, seen)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, seen: int) -> None:
        # The rest is read and dropped, within bounds: most clients read the answer only after they sent everything.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                if not await _drained(receive, seen):
                    return
        error = ProblemError(TOO_LARGE, f"A body has at most {self._max_bytes} bytes here.")
        await problem_response(error)(scope, receive, send)


async def _drained(receive: Receive, seen: int) -> bool:
    """Read what is left of a body; False when the client went away meanwhile."""
    while seen < _DRAIN_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        seen += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return True


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


class Measured:
    """Observes how long requests take, by route, never by path: paths hold names."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._histogram = metrics.requests_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"].isalpha() and len(scope["method"]) < 10 else "other"
            self._histogram.labels(method, route, str(status)).observe(time.perf_counter() - started)


class WhepFromElsewhere:
    """Lets pages of these origins play video by WHEP (CORS); they bring a token, never this site's cookie."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["POST", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
            expose_headers=["Location", "ETag", "Link", "Accept-Post", "Accept-Patch", "Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights of the WHEP paths, add to their answers, and pass the rest on."""
        is_whep = scope["type"] == "http" and "whep" in scope["path"].split("/")
        await (self._cors if is_whep else self._app)(scope, receive, send)
