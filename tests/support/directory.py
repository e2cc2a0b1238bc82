"""A directory of the test's own, inside this process: it answers httpx and signs what the test tells it to."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

ISSUER = "https://login.example.go.id"
ADDRESS = "203.0.113.80"
KEYS = tuple(RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("first", "second"))


@dataclass
class Guarding:
    """A guard that lets everything go to `address`, or refuses with what it is given."""

    address: str = ADDRESS
    refusal: Exception | None = None
    judged: list[str] = field(default_factory=list)
    is_closed: bool = False

    async def judge(self, url: str) -> str:
        self.judged.append(url)
        if self.refusal is not None:
            raise self.refusal
        return self.address

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Directory:
    """`claims` are what its tokens say beside the usual; `answers` replaces what it says at a path."""

    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEYS[0])
    published: list[RSAKey] = field(default_factory=lambda: [KEYS[0]])
    document: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    nonce: str = ""
    id_token: str | None = None
    guard: Guarding = field(default_factory=Guarding)

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": "camctl", "sub": "u-1", "iat": now, "exp": now + 300, "nonce": self.nonce}
        said = {name: value for name, value in (usual | self.claims | claims).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, said, self.key)

    def respond(self, request: httpx.Request) -> httpx.Response:
        name = "login.example.go.id"
        assert (request.headers["host"], request.extensions["sni_hostname"]) == (name, name), "not the issuer"
        assert request.url.host == self.guard.address, f"{request.url} is not where the guard said"
        path = request.url.path
        self.asked.append((path, dict(parse_qsl(request.content.decode()))))
        if path in self.answers:
            return self.answers[path](request)
        match path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self._discovery())
            case "/keys":
                return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.published]})
            case "/token":
                return httpx.Response(200, json={"id_token": self.token() if self.id_token is None else self.id_token})
        return httpx.Response(404)

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            **self.document,
        }

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.respond)


def unsigned(claims: dict[str, Any]) -> str:
    """A token with alg "none"."""
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)
    )
    return ".".join(parts) + "."
