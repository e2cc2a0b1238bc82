"""What real cameras get wrong, as a table. A camera gets the first row that matches what it says of itself. Pure.

A row is needed only for what cannot be found out by asking: a camera that refuses something is tried the next way by
`ways.py` without any row, but one that accepts and then does nothing has to be known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum


class StopWay(StrEnum):
    """How a camera is told to stop (ONVIF PTZ, section 5.3.5)."""

    AXES = "axes"  # Stop with PanTilt and Zoom true
    PLAIN = "plain"  # Stop without either, which means all
    ZERO_VELOCITY = "zero-velocity"  # a ContinuousMove that stands still


@dataclass(frozen=True, slots=True)
class Quirk:
    """One row: whom it is for (regular expressions, whole text, case ignored) and what to do there."""

    name: str
    manufacturer: str = ".*"
    model: str = ".*"
    firmware: str = ".*"
    stop_ways: tuple[StopWay, ...] = (StopWay.AXES, StopWay.PLAIN, StopWay.ZERO_VELOCITY)
    honours_timeout: bool = True  # False: never trust the camera to stop by itself
    has_zoom: bool = True  # False: whatever it advertises, it refuses Zoom elements
    source: str = field(default="", compare=False)

    def matches(self, manufacturer: str, model: str, firmware: str) -> bool:
        """Whether this row is for a camera that describes itself so in GetDeviceInformation."""
        said = ((self.manufacturer, manufacturer), (self.model, model), (self.firmware, firmware))
        return all(re.fullmatch(pattern, text, re.IGNORECASE) is not None for pattern, text in said)


DEFAULT = Quirk("default")
