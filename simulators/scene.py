"""The picture of the world: standing things painted once, what moves drawn into each picture anew."""

from __future__ import annotations

import math
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import cv2
import numpy as np

from simulators import actors, streetscape
from simulators.canvas import Canvas, Shape
from simulators.imaging import Picture
from simulators.light import DAY, NIGHT, Light
from simulators.optics import View
from simulators.sprites import Sprites

WORLDS = 4  # different streets; seeds share them, so that 200 cameras do not hold 200 panoramas
_PX_PER_DEG = 6144 / 360
_LEFT_DEG, _RIGHT_DEG = -226.0, 226.0  # a full turn and what a wide lens sees beyond it
_TOP_DEG, _BOTTOM_DEG = 52.0, -82.0

_painter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="painter")


class World:
    """One street at one time of day; safe to share between threads."""

    def __init__(self, seed: int, light: Light) -> None:
        self.light = light
        self.crowd = actors.traffic(seed)
        self._shapes: list[Shape] = streetscape.build(seed, light)
        self._panorama: Future[Picture] | None = None
        self._lock = threading.Lock()

    def paint(self, view: View) -> Picture:
        """The standing world in a view, sharp at any scale; takes tens of milliseconds."""
        canvas = Canvas(view)
        _paint_sky(canvas, self.light)
        for shape in self._shapes:
            canvas.draw(shape)
        return canvas.image

    @property
    def panorama_view(self) -> View:
        """What the panorama covers."""
        width, height = _RIGHT_DEG - _LEFT_DEG, _TOP_DEG - _BOTTOM_DEG
        return View(
            (_LEFT_DEG + _RIGHT_DEG) / 2,
            (_TOP_DEG + _BOTTOM_DEG) / 2,
            _PX_PER_DEG,
            round(width * _PX_PER_DEG),
            round(height * _PX_PER_DEG),
        )

    def panorama(self, *, paint: bool = True) -> Picture | None:
        """The whole standing world (some 50 MB); painted in the background when first wanted, None until then."""
        if self._panorama is None and not paint:
            return None
        if self._panorama is None:
            with self._lock:
                if self._panorama is None:
                    self._panorama = _painter.submit(self.paint, self.panorama_view)
        return self._panorama.result() if self._panorama.done() else None


_worlds: dict[tuple[int, str], World] = {}
_worlds_lock = threading.Lock()


def world(seed: int, daylight: Literal["day", "night"]) -> World:
    """The world of a seed; seeds that are equal modulo WORLDS share one."""
    key = (seed % WORLDS, daylight)
    with _worlds_lock:
        if key not in _worlds:
            _worlds[key] = World(seed % WORLDS, NIGHT if daylight == "night" else DAY)
        return _worlds[key]


class Eye:
    """One stream's look at a world. Cheap while it moves, sharp when it rests; belongs to one thread."""

    def __init__(self, scenery: World) -> None:
        self._world = scenery
        self._last: View | None = None
        self._still: tuple[View, Picture] | None = None  # a view painted sharply
        self._coming: tuple[View, Future[Picture]] | None = None  # one that is being painted
        self._sprites = Sprites(scenery.light)

    def see(self, view: View, time_s: float) -> Picture:
        """The picture of a view, with the traffic as it is at `time_s`."""
        canvas = Canvas(view, self._background(view))
        actors.draw(canvas, self._world.crowd, time_s, self._world.light, self._sprites)
        return canvas.image

    def _background(self, view: View) -> Picture:
        resting, self._last = view == self._last, view
        self._take_coming()
        # The very first picture is painted for itself: nobody who connects shall wait for the panorama.
        panorama = self._world.panorama(paint=self._still is not None)
        if self._still is not None and self._still[0] == view:
            return self._still[1].copy()
        if resting and self._coming is None:
            self._coming = (view, _painter.submit(self._world.paint, view))
        if self._still is not None and self._still[0].contains(view):
            return crop(self._still[1], self._still[0], view)
        if panorama is None:
            self._still = (view, self._world.paint(view))
            return self._still[1].copy()
        return crop(panorama, self._world.panorama_view, view)

    def _take_coming(self) -> None:
        if self._coming is not None and self._coming[1].done():
            view, painted = self._coming
            self._still, self._coming = (view, painted.result()), None


def crop(source: Picture, shown: View, wanted: View) -> Picture:
    """The part `wanted` of a picture that shows `shown`, scaled to its size; right to half a pixel of either."""
    scale = wanted.px_per_deg / shown.px_per_deg
    left = (wanted.left_deg - shown.left_deg) * shown.px_per_deg
    top = (shown.top_deg - wanted.top_deg) * shown.px_per_deg
    # The least block of whole source pixels, enlarged; what sticks out is cut off. Twice as fast as a warp.
    x0, x1 = _block(left, wanted.width / scale, shown.width)
    y0, y1 = _block(top, wanted.height / scale, shown.height)
    size = (max(round((x1 - x0) * scale), wanted.width), max(round((y1 - y0) * scale), wanted.height))
    block = cv2.resize(source[y0:y1, x0:x1], size, interpolation=cv2.INTER_LINEAR)
    x = min(max(round((left - x0) * scale), 0), size[0] - wanted.width)
    y = min(max(round((top - y0) * scale), 0), size[1] - wanted.height)
    return np.ascontiguousarray(block[y : y + wanted.height, x : x + wanted.width], dtype=np.uint8)


def _block(start: float, length: float, limit: int) -> tuple[int, int]:
    """First and last plus one of the whole pixels around an interval, within what there is (at least one pixel)."""
    first = min(max(math.floor(start), 0), limit - 1)
    return first, max(min(math.ceil(start + length), limit), first + 1)


def _paint_sky(canvas: Canvas, light: Light) -> None:
    view = canvas.view
    elevations = view.top_deg - (np.arange(view.height) + 0.5) / view.px_per_deg
    heights = [height for height, _ in reversed(light.sky)]
    colours = np.array([colour[::-1] for _, colour in reversed(light.sky)], dtype=np.float64)
    rows = np.column_stack([np.interp(elevations, heights, colours[:, channel]) for channel in range(3)])
    canvas.image[:] = rows.round().astype(np.uint8)[:, None, :]
