"""HTTP to the directory that goes where a guard says, call by call; Host and TLS keep the name."""

from __future__ import annotations

from typing import Final

import httpx

from auth.oidc_settings import Guard

# A connection lives for one call: a kept one would go on to an address that was judged for another.
LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=0)


def pinned_client(guard: Guard, timeout_s: float, wire: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client of which every connection is judged by `guard`; what carries it is httpx's own `wire` by default."""
    # Neither redirects nor proxies of the environment: what is called is what was configured.
    return httpx.AsyncClient(
        transport=_Pinned(guard, wire or httpx.AsyncHTTPTransport(trust_env=False, limits=LIMITS)),
        timeout=timeout_s,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept": "application/json"},
    )


class _Pinned(httpx.AsyncBaseTransport):
    def __init__(self, guard: Guard, wire: httpx.AsyncBaseTransport) -> None:
        self._guard = guard
        self._wire = wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        address = await self._guard.judge(str(request.url))
        # The Host header was written from the name; TLS asks for the name and verifies the certificate against it.
        name = request.url.raw_host.decode("ascii")
        return await self._wire.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": name},
            )
        )

    async def aclose(self) -> None:
        await self._wire.aclose()
