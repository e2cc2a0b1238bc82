"""A software authenticator: makes passkeys and answers with them, in real CBOR and COSE, and can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _SYNCABLE, _SYNCED, _MADE = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Key:
    """A passkey in the device."""

    private: ec.EllipticCurvePrivateKey
    rp_id: str
    user_handle: bytes
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))


@dataclass
class Authenticator:
    """One phone. `origin` is the page's; `counts` False for a synced passkey, whose counter stays 0."""

    origin: str
    counts: bool = True
    verifies: bool = True
    count: int = 0
    keys: list[Key] = field(default_factory=list)

    def make(self, options: dict[str, Any], *, rp_id: str | None = None, fmt: str = "none") -> dict[str, Any]:
        """The answer to `navigator.credentials.create`."""
        key = Key(ec.generate_private_key(ec.SECP256R1()), options["rp"]["id"], unb64(options["user"]["id"]))
        self.keys.append(key)
        numbers = key.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(key.id)) + key.id + cbor2.dumps(cose)
        data = self._data(rp_id or key.rp_id, _MADE) + credential
        attestation = cbor2.dumps({"fmt": fmt, "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", options["challenge"])
        response = {"clientDataJSON": b64(client), "attestationObject": b64(attestation)}
        return {"id": b64(key.id), "rawId": b64(key.id), "type": "public-key", "response": response}

    def prove(self, options: dict[str, Any], key: Key | None = None, *, rp_id: str | None = None) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`, by the newest key if none is named."""
        key = key or self.keys[-1]
        data = self._data(rp_id or key.rp_id, 0)
        client = self._client_data("webauthn.get", options["challenge"])
        signature = key.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature),
                    "userHandle": b64(key.user_handle)}  # fmt: skip
        return {"id": b64(key.id), "rawId": b64(key.id), "type": "public-key", "response": response}

    def _data(self, rp_id: str, more: int) -> bytes:
        self.count += self.counts
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more | (0 if self.counts else _SYNCABLE | _SYNCED)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()
