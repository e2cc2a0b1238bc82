"""Sealing a secret: AES-256-GCM, bound to what it is for. Pure but for the nonce, which is an argument in tests.

The associated data (NIST SP 800-38D) holds the version, the purpose and whose secret it is, so a sealed text opens
nowhere else: not for another camera, and a camera's password never as a person's TOTP secret. Nonces are random, 96
bits: good for 2^32 seals with one key.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from camctl.sealing.keys import Key, KeyRing

MAX_SECRET_BYTES = 4096
NONCE_BYTES = 12
_TAG_BYTES = 16
_FORM = r"v1:[0-9a-f]{8}:[A-Za-z0-9+/]{36,5600}={0,2}"
SEALED_FORM = re.compile(_FORM)
_PURPOSE = re.compile(r"[a-z][a-z-]{0,39}")


class SealError(ValueError):
    """A sealed text cannot be opened; the message says why and shows nothing of it."""


class NotSealedError(SealError):
    """It has not the form of a sealed text."""


class UnknownKeyError(SealError):
    """Its key is not in the key file."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"it was sealed with the key {key_id}, which is not in the key file")
        self.key_id = key_id


class WrongSealError(SealError):
    """The key is there, and the text is not what that key sealed for this."""


def key_id_of(text: str) -> str:
    """Which key a sealed text names.

    Raises:
        NotSealedError: it is none.
    """
    if not SEALED_FORM.fullmatch(text):
        raise NotSealedError("it has not the form v1:KEY:BASE64; seal the secret again")
    return text.split(":")[1]


class Sealer:
    """Seals and opens secrets of one purpose, such as "camera-password"; `owner` says whose each is."""

    def __init__(self, ring: KeyRing, purpose: str, *, random: Callable[[int], bytes] = os.urandom) -> None:
        if not _PURPOSE.fullmatch(purpose):
            raise ValueError("a purpose is lower-case letters and dashes")
        self._ring = ring
        self._purpose = purpose
        self._random = random

    def seal(self, secret: str, owner: str) -> str:
        """The sealed text of `owner`'s secret, with the newest key.

        Raises:
            ValueError: the secret is empty or longer than 4096 bytes.
        """
        data = secret.encode()
        if not 0 < len(data) <= MAX_SECRET_BYTES:
            raise ValueError(f"a secret to be sealed has 1 to {MAX_SECRET_BYTES} bytes")
        key, nonce = self._ring.newest, self._random(NONCE_BYTES)
        box = nonce + AESGCM(key.secret).encrypt(nonce, data, self._bound_to(key, owner))
        return f"v1:{key.id}:{base64.b64encode(box).decode()}"

    def open(self, text: str, owner: str) -> str:
        """The secret.

        Raises:
            NotSealedError: the text has not the form.
            UnknownKeyError: its key is not in the ring.
            WrongSealError: it was altered, or sealed for another owner or purpose.
        """
        key = self._ring.get(key_id_of(text))
        if key is None:
            raise UnknownKeyError(key_id_of(text))
        box = _decoded(text)
        try:
            data = AESGCM(key.secret).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], self._bound_to(key, owner))
        except InvalidTag:
            raise WrongSealError(f"it was altered, or sealed for something else than {owner}") from None
        return data.decode()

    def is_old(self, text: str) -> bool:
        """Whether it was sealed with another key than the newest; raises NotSealedError."""
        return key_id_of(text) != self._ring.newest.id

    def _bound_to(self, key: Key, owner: str) -> bytes:
        # Neither a purpose nor an id holds a zero byte; the owner comes last, whatever it holds.
        return b"\0".join((b"camctl sealed v1", key.id.encode(), self._purpose.encode(), owner.encode()))


def _decoded(text: str) -> bytes:
    encoded = text.split(":")[2]
    try:
        box = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise NotSealedError("its last part is not Base64; seal the secret again") from None
    if len(box) <= NONCE_BYTES + _TAG_BYTES or base64.b64encode(box).decode() != encoded:
        raise NotSealedError("its last part was cut or altered; seal the secret again")
    return box
