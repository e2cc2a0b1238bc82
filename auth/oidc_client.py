"""Asking the city's directory: discovery, keys, and a code for a token. No other host is ever called.

Each call goes to the address that the guard judged for it (`auth.pinned_http`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from joserfc.jwk import KeySet

from auth.oidc import Attempt, Provider, key_set, parse_object, provider_of
from auth.oidc_settings import DirectoryRefusedError, Guard, OidcError, OidcSettings
from auth.pinned_http import pinned_client

TIMEOUT_S: Final = 10.0
MAX_BYTES: Final = 262_144
_FRESH_S = 3600.0
_SILENT_S = 5.0
_KEYS_AGAIN_S = 30.0  # so often at most are the keys asked for because a token did not fit them


class OidcClient:
    """What is known of one directory, and asking it past `guard`, which it closes. `transport`: httpx's by default."""

    def __init__(
        self,
        settings: OidcSettings,
        guard: Guard,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._steady = steady
        self._provider: tuple[Provider, float] | None = None
        self._asking = asyncio.Lock()
        self._silent_until_s = 0.0
        self._refused = ""  # why the guard let nothing go there when it was last asked
        self._keys: tuple[KeySet, float] | None = None
        self._guard = guard
        self._http = pinned_client(guard, TIMEOUT_S, transport)

    async def provider(self) -> Provider:
        """What the directory says of itself, at most an hour old."""
        async with self._asking:
            if self._provider is None or self._steady() - self._provider[1] > _FRESH_S:
                self._provider = (await self._discovered(), self._steady())
            return self._provider[0]

    async def _discovered(self) -> Provider:
        # Anybody may press the button: one that is down is not asked by each of them.
        if self._steady() < self._silent_until_s:
            if self._refused:
                raise DirectoryRefusedError(self._refused)
            raise OidcError("The directory did not answer a moment ago.")
        self._silent_until_s, self._refused = self._steady() + _SILENT_S, ""
        address = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            found = provider_of(await self._ask("GET", address), self._settings.issuer)
        except DirectoryRefusedError as error:
            self._refused = str(error)
            raise
        self._silent_until_s = 0.0
        return found

    async def keys(self, *, again: bool = False) -> KeySet:
        """The directory's keys, at most an hour old; `again`: a token did not fit, they may have changed."""
        limit_s = _KEYS_AGAIN_S if again else _FRESH_S
        if self._keys is None or self._steady() - self._keys[1] > limit_s:
            found = key_set(await self._ask("GET", (await self.provider()).jwks_uri))
            self._keys = (found, self._steady())
        return self._keys[0]

    async def redeem(self, code: str, attempt: Attempt) -> str:
        """The ID token for a code (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
        settings = self._settings
        answer = await self._ask(
            "POST",
            (await self.provider()).token_endpoint,
            auth=(settings.client_id, settings.client_secret),
            form={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": settings.redirect_uri,
                "code_verifier": attempt.verifier,
            },
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcError("The directory gave no ID token.")
        return token

    async def _ask(
        self,
        method: str,
        address: str,
        auth: tuple[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            # The client's own limit is for each read; this one is for the whole, however slowly it drips.
            async with asyncio.timeout(TIMEOUT_S), self._http.stream(method, address, auth=auth, data=form) as response:
                body = await _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise OidcError(f"The directory does not answer ({type(error).__name__}).") from None
        if response.status_code != 200:
            raise OidcError(f"The directory answered with status {response.status_code}.")
        return parse_object(body)

    async def close(self) -> None:
        """End its connections, and the guard."""
        await self._http.aclose()
        self._guard.close()


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_BYTES:
            raise OidcError(f"The directory's answer is longer than {MAX_BYTES} bytes.")
    return bytes(body)
