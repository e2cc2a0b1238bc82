"""Figures painted once per scale and then stamped: what makes a street full of traffic cheap to draw."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from simulators.canvas import Canvas
from simulators.figures import Figure
from simulators.imaging import Picture
from simulators.light import Light
from simulators.optics import View

_MAX_PIXELS = 150_000  # larger ones are few in a picture, and painted each time
_MAX_BYTES = 24_000_000


@dataclass(frozen=True, slots=True)
class _Sprite:
    """What a figure adds to a picture, what it lets through of what is behind it (255: all), and where it goes."""

    colour: Picture
    through: Picture
    left_px: int  # of its first column, from the figure's azimuth
    top_px: int  # of its first row, from the figure's feet, downwards


class Sprites:
    """The sprites of one scale; belongs to one thread."""

    def __init__(self, light: Light) -> None:
        self._light = light
        self._px_per_deg = 0.0
        self._known: dict[tuple[int, int], _Sprite] = {}
        self._bytes = 0

    def begin(self, px_per_deg: float) -> bool:
        """Start a picture of this scale; False while the scale changes, when stamping would not pay."""
        if px_per_deg == self._px_per_deg:
            return True
        self._px_per_deg = px_per_deg
        self._known.clear()
        self._bytes = 0
        return False

    def stamp(self, canvas: Canvas, key: int, figure: Figure, at: float, foot: float, step: int) -> None:
        """Draw a figure; `key` and `step` name its sprite."""
        side, below, above = (length * self._px_per_deg for length in figure.reach)
        if 2 * side * (below + above) > _MAX_PIXELS:
            figure.draw(canvas, at, foot, self._light, step)
            return
        sprite = self._known.get((key, step))
        if sprite is None:
            sprite = self._paint(figure, step)
            self._keep((key, step), sprite)
        view = canvas.view
        x = round((at - view.left_deg) * self._px_per_deg) + sprite.left_px
        y = round((view.top_deg - foot) * self._px_per_deg) + sprite.top_px
        _blit(canvas.image, sprite, x, y)

    def _keep(self, key: tuple[int, int], sprite: _Sprite) -> None:
        self._bytes += 2 * sprite.colour.size
        if self._bytes > _MAX_BYTES:
            self._known.clear()
            self._bytes = 2 * sprite.colour.size
        self._known[key] = sprite

    def _paint(self, figure: Figure, step: int) -> _Sprite:
        """On black it shows what it adds, on white also what it lets through: edges and glows both come out right."""
        side, below, above = figure.reach
        scale = self._px_per_deg
        half, up, down = int(side * scale) + 2, int(above * scale) + 2, int(below * scale) + 2
        view = View(0.0, (up - down) / 2 / scale, scale, 2 * half, up + down)
        on_black, on_white = Canvas(view), Canvas(view, np.full((up + down, 2 * half, 3), 255, np.uint8))
        for canvas in (on_black, on_white):
            figure.draw(canvas, 0.0, 0.0, self._light, step)
        through = np.asarray(cv2.subtract(on_white.image, on_black.image), dtype=np.uint8)
        drawn = through.min(axis=2) < 255
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        if len(rows) == 0:
            rows = columns = np.array([0])
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        colour = np.ascontiguousarray(on_black.image[part])
        return _Sprite(colour, np.ascontiguousarray(through[part]), int(columns[0]) - half, int(rows[0]) - up)


def _blit(image: Picture, sprite: _Sprite, x: int, y: int) -> None:
    height, width = sprite.colour.shape[:2]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, image.shape[1]), min(y + height, image.shape[0])
    if left >= right or top >= bottom:
        return
    target = image[top:bottom, left:right]
    mine = np.s_[top - y : bottom - y, left - x : right - x]
    cv2.multiply(target, sprite.through[mine], dst=target, scale=1 / 255)
    cv2.add(target, sprite.colour[mine], dst=target)
