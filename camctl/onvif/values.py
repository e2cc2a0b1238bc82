"""Numbers as cameras can read them: rounded, finite, scaled to the camera's own ranges. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

DECIMALS = 3
# zeep writes 60 s as PT1M, and some firmware understands nothing but PTnS.
MAX_TIMEOUT_S = 59


@dataclass(frozen=True, slots=True)
class Range:
    """The values that one axis of a space runs through."""

    low: float
    high: float

    @property
    def is_usable(self) -> bool:
        """Whether it spans anything: some cameras advertise 0..0 or NaN."""
        return math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high


SIGNED = Range(-1.0, 1.0)
UNSIGNED = Range(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class TimeoutLimits:
    """The shortest and longest whole-second Timeout that the camera honours; 0 to 0 says that it takes none."""

    shortest_s: int = 1
    longest_s: int = MAX_TIMEOUT_S

    @property
    def takes_any(self) -> bool:
        """Whether a Timeout may be sent at all."""
        return self.longest_s > 0


def plain_number(value: float, decimals: int = DECIMALS) -> float:
    """`value` rounded so that it is written without an exponent and never as -0.0.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return round(value, decimals) + 0.0


def scale_speed(share: float, limits: Range, decimals: int = DECIMALS) -> float:
    """A share of full speed, -1 to 1, in the camera's velocity range; zero stays zero, which stops the axis."""
    if not limits.is_usable or share == 0.0:
        return plain_number(share, decimals)
    return plain_number(share * (limits.high if share > 0 else -limits.low), decimals)


def to_camera(value: float, generic: Range, limits: Range) -> float:
    """A position in the generic range as one in the camera's own range; out of range is clipped."""
    if not limits.is_usable:
        limits = generic
    clipped = min(max(value, generic.low), generic.high)
    share = (clipped - generic.low) / (generic.high - generic.low)
    return plain_number(limits.low + share * (limits.high - limits.low))


def from_camera(value: float, generic: Range, limits: Range) -> float:
    """A position in the camera's own range as one in the generic range; out of range is clipped."""
    if not limits.is_usable:
        limits = generic
    share = (value - limits.low) / (limits.high - limits.low)
    return generic.low + min(max(share, 0.0), 1.0) * (generic.high - generic.low)


def whole_seconds(timeout_s: float, limits: TimeoutLimits) -> timedelta | None:
    """The Timeout to send: whole seconds, rounded up, within the camera's limits; None when it takes none."""
    if not limits.takes_any:
        return None
    wanted = math.ceil(timeout_s)
    return timedelta(seconds=min(max(wanted, limits.shortest_s, 1), max(limits.longest_s, 1), MAX_TIMEOUT_S))
