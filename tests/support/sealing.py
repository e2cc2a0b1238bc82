"""A sealer for tests, with a key that everybody knows."""

from __future__ import annotations

from datetime import UTC, datetime

from camctl.sealing import Key, KeyRing, Sealer


def sealer(key: bytes = bytes(32)) -> Sealer:
    return Sealer(KeyRing([Key(datetime(2026, 1, 1, tzinfo=UTC), key)]), "totp-secret")
