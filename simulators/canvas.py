"""Drawing in degrees: shapes of the world, and a canvas that puts them into a picture of any scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.imaging import Picture
from simulators.optics import View

Colour = tuple[int, int, int]  # red, green, blue
Points = NDArray[np.float64]  # N x 2: azimuth and elevation in degrees
_GLOW_STEPS = 48  # samples along the radius of a large light
_SHIFT = 4  # fractional bits of OpenCV's coordinates
_FAR_PX = 30_000.0  # OpenCV's coordinates must fit 16 bits and the fraction


class Shape(Protocol):
    """Something to draw between two azimuths (degrees, may pass 180)."""

    @property
    def left(self) -> float:
        """Azimuth where it begins."""

    @property
    def right(self) -> float:
        """Azimuth where it ends."""

    def draw(self, canvas: Canvas) -> None:
        """Put it onto a canvas."""


class Canvas:
    """A BGR picture that shows a view of the world."""

    def __init__(self, view: View, image: Picture | None = None) -> None:
        self.view = view
        self.image: Picture = np.zeros((view.height, view.width, 3), np.uint8) if image is None else image
        self._turn = 0.0

    def draw(self, shape: Shape) -> None:
        """Draw a shape wherever it is visible, a full turn further left or right included."""
        left, right = self.view.left_deg, self.view.left_deg + self.view.width_deg
        for turn in (-360.0, 0.0, 360.0):
            if shape.right + turn >= left and shape.left + turn <= right:
                self._turn = turn
                shape.draw(self)
        self._turn = 0.0

    def px(self, length_deg: float) -> float:
        """A length in pixels."""
        return length_deg * self.view.px_per_deg

    def place(self, points: Points) -> Points:
        """World points as pixel coordinates, with the centre of the first pixel at 0, 0."""
        scale = self.view.px_per_deg
        x = (points[:, 0] + (self._turn - self.view.left_deg)) * scale - 0.5
        y = (self.view.top_deg - points[:, 1]) * scale - 0.5
        return np.clip(np.column_stack([x, y]), -_FAR_PX, _FAR_PX)

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill one polygon."""
        cv2.fillPoly(self.image, [self._fixed(points)], colour[::-1], cv2.LINE_AA, _SHIFT)

    def rectangles(self, boxes: NDArray[np.float64], colour: Colour) -> None:
        """Fill upright rectangles, N x 4: left, top, right, bottom in degrees; those out of sight are left out."""
        scale, view = self.view.px_per_deg, self.view
        x = (boxes[:, [0, 2]] + (self._turn - view.left_deg)) * scale - 0.5
        y = (view.top_deg - boxes[:, [1, 3]]) * scale - 0.5
        seen = (x[:, 1] > 0) & (x[:, 0] < view.width) & (y[:, 1] > 0) & (y[:, 0] < view.height)
        if not seen.any():
            return
        x, y = np.clip(x[seen], -_FAR_PX, _FAR_PX), np.clip(y[seen], -_FAR_PX, _FAR_PX)
        corners = np.stack([x[:, [0, 1, 1, 0]], y[:, [0, 0, 1, 1]]], axis=2)
        fixed = np.ascontiguousarray(np.round(corners * (1 << _SHIFT)), dtype=np.int32)
        cv2.fillPoly(self.image, list(fixed), colour[::-1], cv2.LINE_AA, _SHIFT)

    def disc(self, azimuth: float, elevation: float, radius_deg: float, colour: Colour) -> None:
        """Fill a circle."""
        (x, y), radius = self.place(np.array([[azimuth, elevation]]))[0], self.px(radius_deg)
        if -radius <= x <= self.view.width + radius and -radius <= y <= self.view.height + radius:
            unit = 1 << _SHIFT
            centre = (round(x * unit), round(y * unit))
            cv2.circle(self.image, centre, max(round(radius * unit), 1), colour[::-1], cv2.FILLED, cv2.LINE_AA, _SHIFT)

    def glow(self, azimuth: float, elevation: float, radius_deg: float, colour: Colour, strength: float = 1.0) -> None:
        """Add light that fades with the distance from its centre."""
        (x, y), radius = self.place(np.array([[azimuth, elevation]]))[0], self.px(radius_deg)
        left, top = max(int(x - radius), 0), max(int(y - radius), 0)
        right, bottom = min(int(x + radius) + 1, self.view.width), min(int(y + radius) + 1, self.view.height)
        if radius < 1 or left >= right or top >= bottom:
            return
        # Light is smooth: large ones are computed coarsely and enlarged.
        step = max(radius / _GLOW_STEPS, 1.0)
        columns, rows = max(int((right - left) / step), 1), max(int((bottom - top) / step), 1)
        dx = (np.linspace(left, right, columns, dtype=np.float32) - x) / radius
        dy = (np.linspace(top, bottom, rows, dtype=np.float32) - y) / radius
        fall = np.clip(1.0 - np.sqrt(dx[None, :] ** 2 + dy[:, None] ** 2), 0.0, 1.0) ** 2 * strength
        light = (fall[:, :, None] * np.array(colour[::-1], dtype=np.float32)).astype(np.uint8)
        part = self.image[top:bottom, left:right]
        cv2.add(part, cv2.resize(light, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR), dst=part)

    def label(self, text: str, azimuth: float, elevation: float, height_deg: float, colour: Colour) -> None:
        """Write text centred on a point; left out where nobody could read it."""
        height = self.px(height_deg)
        if height < 4:
            return
        scale = height / 22
        weight = max(round(height / 9), 1)
        (width, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
        x, y = self.place(np.array([[azimuth, elevation]]))[0]
        if -width < x < self.view.width + width and -tall < y < self.view.height + tall:
            origin = (round(x - width / 2), round(y + tall / 2))
            cv2.putText(self.image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour[::-1], weight, cv2.LINE_AA)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        return np.ascontiguousarray(np.round(self.place(points) * (1 << _SHIFT)), dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon."""

    points: Points
    colour: Colour

    @property
    def left(self) -> float:
        """See Shape."""
        return float(self.points[:, 0].min())

    @property
    def right(self) -> float:
        """See Shape."""
        return float(self.points[:, 0].max())

    def draw(self, canvas: Canvas) -> None:
        """See Shape."""
        canvas.polygon(self.points, self.colour)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Upright rectangles of one colour, N x 4: left, top, right, bottom in degrees."""

    boxes: NDArray[np.float64]
    colour: Colour

    @property
    def left(self) -> float:
        """See Shape."""
        return float(self.boxes[:, 0].min())

    @property
    def right(self) -> float:
        """See Shape."""
        return float(self.boxes[:, 2].max())

    def draw(self, canvas: Canvas) -> None:
        """See Shape."""
        canvas.rectangles(self.boxes, self.colour)


@dataclass(frozen=True, slots=True)
class Discs:
    """Filled circles of one colour, each (azimuth, elevation, radius)."""

    discs: tuple[tuple[float, float, float], ...]
    colour: Colour

    @property
    def left(self) -> float:
        """See Shape."""
        return min(azimuth - radius for azimuth, _, radius in self.discs)

    @property
    def right(self) -> float:
        """See Shape."""
        return max(azimuth + radius for azimuth, _, radius in self.discs)

    def draw(self, canvas: Canvas) -> None:
        """See Shape."""
        for azimuth, elevation, radius in self.discs:
            canvas.disc(azimuth, elevation, radius, self.colour)


@dataclass(frozen=True, slots=True)
class Glow:
    """Light around a point."""

    azimuth: float
    elevation: float
    radius: float
    colour: Colour
    strength: float = 1.0

    @property
    def left(self) -> float:
        """See Shape."""
        return self.azimuth - self.radius

    @property
    def right(self) -> float:
        """See Shape."""
        return self.azimuth + self.radius

    def draw(self, canvas: Canvas) -> None:
        """See Shape."""
        canvas.glow(self.azimuth, self.elevation, self.radius, self.colour, self.strength)


@dataclass(frozen=True, slots=True)
class Label:
    """Text centred on a point, `height` degrees tall."""

    text: str
    azimuth: float
    elevation: float
    height: float
    colour: Colour

    @property
    def left(self) -> float:
        """See Shape."""
        return self.azimuth - self.height * len(self.text)

    @property
    def right(self) -> float:
        """See Shape."""
        return self.azimuth + self.height * len(self.text)

    def draw(self, canvas: Canvas) -> None:
        """See Shape."""
        canvas.label(self.text, self.azimuth, self.elevation, self.height, self.colour)


def box(left: float, top: float, right: float, bottom: float, colour: Colour) -> Boxes:
    """One upright rectangle."""
    return Boxes(np.array([[left, top, right, bottom]]), colour)


def polygon(colour: Colour, *points: tuple[float, float]) -> Polygon:
    """A polygon from azimuth, elevation pairs."""
    return Polygon(np.array(points, dtype=np.float64), colour)
