"""Session and API tokens: 256 random bits for the caller, only their SHA-256 for us."""

from __future__ import annotations

import hashlib
import secrets

_TOKEN_BYTES = 32
_TOKEN_CHARS = 43  # base64url of 32 bytes without padding


def new_token() -> str:
    """A fresh token; shown to its owner once and never stored."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest(token: str) -> str | None:
    """The hex SHA-256 under which a token is stored; None when it cannot be one of ours.

    A plain hash is enough: a token has 256 bits of its own, so there is nothing to guess.
    """
    if len(token) != _TOKEN_CHARS or not token.isascii():
        return None
    return hashlib.sha256(token.encode("ascii")).hexdigest()
