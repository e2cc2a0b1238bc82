"""Secrets that must be read again, sealed before they reach the database: AES-256-GCM under a key in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = b"\x01"


class SealError(Exception):
    """The key file cannot be used, or what is to be opened was not sealed with it for this place."""


class Sealer(Protocol):
    """Seals secrets for a place, such as a person's id: what is moved to another place does not open there."""

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """The sealed form."""

    def unseal(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed; SealError when it is not this key's, not this place's, or altered."""


class KeySealer:
    """AES-256-GCM with a key derived (HKDF, SHA-256) for one purpose, and a random 96-bit nonce each time."""

    def __init__(self, key: bytes, purpose: bytes) -> None:
        if len(key) < _KEY_BYTES:
            raise SealError(f"A key has at least {_KEY_BYTES} bytes.")
        self._aes = AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(key))

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """As `Sealer.seal`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._aes.encrypt(nonce, plain, place)

    def unseal(self, sealed: bytes, place: bytes) -> bytes:
        """As `Sealer.unseal`."""
        if sealed[:1] != _FORM or len(sealed) <= 1 + _NONCE_BYTES:
            raise SealError("This was not sealed by this program.")
        try:
            return self._aes.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], place)
        except InvalidTag:
            raise SealError("This was sealed with another key, for another place, or was altered.") from None


def key_of_file(path: Path) -> bytes:
    """The key in this file, which is made at the first use, for us only (mode 0600).

    Raises:
        SealError: it cannot be read or made, is too short, or others may read it.
    """
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise SealError(f"Others may read the key file {path}; run `chmod 600 {path}`.")
        key = path.read_bytes()
    except OSError as error:
        raise SealError(f"The key file {path} cannot be used: {error.strerror}.") from error
    if len(key) < _KEY_BYTES:
        raise SealError(f"The key file {path} is too short; restore it from a backup.")
    return key


def _make(path: Path) -> None:
    # Written aside and linked: a second process that starts now never sees half a key, and never replaces the first's.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    finally:
        aside.unlink()
