"""Headers that keep a browser from doing more than the page needs; on every answer, whoever writes it. Plain ASGI."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]

# Which of OWASP's list are here and which are not, and why: docs/guide/https.md.
ALWAYS: Final[Headers] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            b"media-src 'self' blob:; "
            b"connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
            b"frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),  # as frame-ancestors, for browsers and scanners that know only this one
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # No other site's page may take a picture or an answer as its own image or script, whatever cookie it makes us see.
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self), screen-wake-lock=(self), gamepad=(self)"),
)
# What nobody said may be kept is about people and cameras: not to be found in a shared computer's cache.
NO_STORE: Final = (b"cache-control", b"no-store")
# A year, as browsers' preload lists ask; no subdomains: those are other people's services.
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


def hsts_host(public_url: str | None) -> str | None:
    """The name for which browsers are told to come by HTTPS only, None when they are not to be told.

    Only where `public_url` says that HTTPS at a name is how browsers reach us. An address cannot be pinned (RFC 6797,
    8.1.1), and `localhost` is other programs' too.
    """
    parts = urlsplit(public_url or "")
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_name = "." in host and not host.endswith(".localhost")
        return host if parts.scheme == "https" and is_name else None
    return None


class SecurityHeaders:
    """Adds the headers; HSTS only to answers over HTTPS at `pinned_host`."""

    def __init__(self, app: ASGIApp, pinned_host: str | None = None) -> None:
        self._app = app
        self._pinned_host = pinned_host.encode() if pinned_host else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add to the answer."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                message["headers"] = self._completed(scope, list(message.get("headers", [])))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _completed(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if not any(name.lower() == b"cache-control" for name, _ in headers):
            headers.append(NO_STORE)
        if self._pinned_host is not None and scope["scheme"] in {"https", "wss"} and self._is_pinned(scope):
            headers.append(HSTS)
        return [*headers, *ALWAYS]

    def _is_pinned(self, scope: Scope) -> bool:
        asked = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return bool(asked.lower().partition(b":")[0] == self._pinned_host)
