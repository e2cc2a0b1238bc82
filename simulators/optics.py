"""Lens and view: how zoom becomes a field of view, and which part of the world a pose shows. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple


def zoom_factor(travel: float, zoom_range: tuple[float, float]) -> float:
    """Lens travel 0..1 as magnification; geometric, so that zooming looks equally fast everywhere."""
    low, high = zoom_range
    return low * math.pow(high / low, travel)


def lens_travel(factor: float, zoom_range: tuple[float, float]) -> float:
    """Magnification as lens travel 0..1; outside the range it is clipped."""
    low, high = zoom_range
    if high <= low:
        return 0.0
    return min(max(math.log(factor / low) / math.log(high / low), 0.0), 1.0)


def field_of_view(factor: float, wide_deg: float) -> float:
    """Horizontal field of view in degrees at a magnification: the focal length grows, the sensor does not."""
    return math.degrees(2 * math.atan(math.tan(math.radians(wide_deg) / 2) / factor))


class View(NamedTuple):
    """The part of the world in the picture: centre in degrees and pixels per degree, the same in both directions."""

    pan_deg: float
    tilt_deg: float
    px_per_deg: float
    width: int
    height: int

    @property
    def left_deg(self) -> float:
        """Azimuth of the left edge."""
        return self.pan_deg - self.width / 2 / self.px_per_deg

    @property
    def top_deg(self) -> float:
        """Elevation of the upper edge."""
        return self.tilt_deg + self.height / 2 / self.px_per_deg

    @property
    def width_deg(self) -> float:
        """Horizontal extent."""
        return self.width / self.px_per_deg

    @property
    def height_deg(self) -> float:
        """Vertical extent."""
        return self.height / self.px_per_deg

    def contains(self, other: View) -> bool:
        """Whether the whole of `other` lies in this view."""
        return (
            self.left_deg <= other.left_deg
            and self.left_deg + self.width_deg >= other.left_deg + other.width_deg
            and self.top_deg >= other.top_deg
            and self.top_deg - self.height_deg <= other.top_deg - other.height_deg
        )


def look(pan_deg: float, tilt_deg: float, fov_deg: float, width: int, height: int) -> View:
    """The view of a camera that looks at pan and tilt with a horizontal field of view, `width` x `height` pixels."""
    return View(pan_deg, tilt_deg, width / fov_deg, width, height)
