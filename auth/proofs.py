"""How a person proved who they are, and for how long that is fresh. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

FRESH = timedelta(minutes=10)
"""A proof is fresh for this long (step-up)."""


class Method(StrEnum):
    """What a sign-in began with."""

    PASSWORD = "password"  # noqa: S105  a word, not a secret
    TOTP = "password+totp"
    RECOVERY_CODE = "password+recovery-code"
    PASSKEY = "passkey"
    DIRECTORY = "directory"  # the city's own, which asked them for whatever it asks


def is_fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a proof is from the last ten minutes. One from the future is not: the clock was turned."""
    return proved_at is not None and timedelta(0) <= now - proved_at <= FRESH
