"""What real cameras get wrong, as a table. A camera gets the first row that matches what it says of itself. Pure.

A row is needed only for what cannot be found out by asking: a camera that refuses something is tried the next way by
`ways.py` without any row, but one that accepts and then does nothing has to be known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class StopWay(StrEnum):
    """How a camera is told to stop (ONVIF PTZ, section 5.3.5)."""

    AXES = "axes"  # Stop with PanTilt and Zoom true
    PLAIN = "plain"  # Stop without either, which means all
    PER_AXIS = "per-axis"  # one Stop with PanTilt alone, one with Zoom alone
    ZERO_VELOCITY = "zero-velocity"  # a ContinuousMove that stands still
    RELATIVE_ZERO = "relative-zero"  # a RelativeMove to where it is


# The ways that say it with the operation Stop: a camera that does not know it needs another.
BY_STOP = frozenset({StopWay.AXES, StopWay.PLAIN, StopWay.PER_AXIS})
# A camera may accept a Stop without axes and turn on, so those that name them come first.
ALL_STOP_WAYS = (StopWay.AXES, StopWay.PER_AXIS, StopWay.PLAIN, StopWay.ZERO_VELOCITY, StopWay.RELATIVE_ZERO)


_ANY = ".*"
_NONE = r"(?!)"  # a row that no camera gets by itself: it is given by name


@dataclass(frozen=True, slots=True)
class Quirk:
    """One row: whom it is for (regular expressions, whole text, case ignored) and what to do there."""

    name: str
    manufacturer: str = _NONE
    model: str = _ANY
    firmware: str = _ANY
    stop_ways: tuple[StopWay, ...] = ALL_STOP_WAYS
    honours_timeout: bool = True  # False: it does not stop by itself, only when told; said in the log at connect
    has_relative: bool = True  # False: whatever it advertises, RelativeMove is accepted and nothing moves
    has_zoom: bool = True  # False: whatever it advertises, it refuses Zoom elements
    source: str = ""  # where it was reported

    def matches(self, manufacturer: str, model: str, firmware: str) -> bool:
        """Whether this row is for a camera that describes itself so in GetDeviceInformation."""
        said = ((self.manufacturer, manufacturer), (self.model, model), (self.firmware, firmware))
        return all(re.fullmatch(pattern, text, re.IGNORECASE) is not None for pattern, text in said)


def _first(way: StopWay, *, never: StopWay | None = None) -> tuple[StopWay, ...]:
    """All ways of stopping with this one before the others, and without the one that only seems to work."""
    return (way, *(each for each in ALL_STOP_WAYS if each not in (way, never)))


DEFAULT = Quirk("default", manufacturer=_ANY)

# The first match counts, so the narrow rows come before the wide ones.
ROWS: tuple[Quirk, ...] = (
    Quirk(
        "jm800s5-ignores-timeout",
        manufacturer="ONVIF_ICAMERA",
        model="JM800S5.*",
        honours_timeout=False,
        source="https://github.com/koush/scrypted/pull/2124 (84 s of motion after one PT1S)",
    ),
    Quirk(
        "cohu-stop-unimplemented",
        manufacturer=".*cohu.*",
        stop_ways=_first(StopWay.ZERO_VELOCITY),
        source="https://github.com/mnit-rtmc/iris/pull/177",
    ),
    Quirk("ignores-timeout", honours_timeout=False),
    Quirk("ignores-timeout-relative-dead", honours_timeout=False, has_relative=False),
    # Accepts a Stop without axes and turns on: PLAIN must not be taken for a success.
    Quirk("stop-needs-axes", stop_ways=_first(StopWay.AXES, never=StopWay.PLAIN)),
    # Faults when both axes are named.
    Quirk("stop-refuses-both", stop_ways=_first(StopWay.PLAIN)),
    # Accepts a Stop of all axes and turns on.
    Quirk("stop-per-axis", stop_ways=_first(StopWay.PER_AXIS)),
    Quirk(
        "stop-unimplemented",
        stop_ways=_first(StopWay.ZERO_VELOCITY),
        source="https://github.com/home-assistant/core/pull/145811",
    ),
    # Accepts Stop and a standstill velocity, and turns on until it gets another target.
    Quirk("stop-relative-zero", stop_ways=_first(StopWay.RELATIVE_ZERO)),
    Quirk("no-zoom-element", has_zoom=False, source="https://github.com/agsh/onvif/issues/9"),
    DEFAULT,
)


def match(manufacturer: str, model: str, firmware: str) -> Quirk:
    """The row for a camera; the default row when no other is for it."""
    return next(row for row in ROWS if row.matches(manufacturer, model, firmware))


def named(name: str) -> Quirk:
    """The row with this name.

    Raises:
        ValueError: there is none; the message lists them.
    """
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f"unknown quirk {name!r}; there are: {', '.join(row.name for row in ROWS)}")
