"""How long sign-ins, and what is known of them, last; and the clock by which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long things last. `fresh_s` bounds how late another process's change is noticed by `authenticate`."""

    absolute_s: float = 7 * 24 * 3600.0
    idle_s: int | None = 12 * 3600
    touch_s: float = 60.0  # last_seen is written at most this often
    fresh_s: float = 0.5
    poll_s: float = 0.5
    purge_s: float = 3600.0
    max_cached: int = 10_000
    max_token_s: float = 366 * 24 * 3600.0


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
