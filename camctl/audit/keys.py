"""The key that signs checkpoints: made once, readable by the service's account only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from camctl.audit.checkpoint import key_id
from camctl.errors import CamctlError

PRIVATE, PUBLIC = "signing-key.pem", "public-key.pem"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The key of this folder, made when there is none.

    Raises:
        CamctlError: it cannot be read or written, or is no such key.
    """
    path = folder / PRIVATE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise CamctlError(f"audit.folder: {path} is no Ed25519 key")
        _write_public(folder / PUBLIC, key.public_key())
    except (OSError, ValueError, TypeError) as error:
        raise CamctlError(f"audit.folder: the key {path} cannot be used: {error}") from None
    return key


def public_keys(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """The keys in these files, by their short names.

    Raises:
        CamctlError: one cannot be read or is no such key.
    """
    found = {}
    for path in paths:
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CamctlError(f"the public key {path} cannot be read: {error}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise CamctlError(f"the public key {path} is no Ed25519 key")
        found[key_id(key)] = key
    return found


def _make(path: Path) -> None:
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(path.name + ".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def _write_public(path: Path, key: Ed25519PublicKey) -> None:
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not path.exists() or path.read_bytes() != text:
        path.write_bytes(text)
