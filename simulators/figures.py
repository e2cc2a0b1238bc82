"""Drawings of what moves: vehicles, riders and people, each at a given azimuth with its feet at a given elevation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.canvas import Canvas, Colour, Points
from simulators.light import Light, darker

Outline = tuple[tuple[float, float], ...]
STEPS = 12  # pictures of one pace of a walker
_SKIN: Colour = (176, 124, 90)
_GLASS: Colour = (70, 92, 112)
_TYRE: Colour = (34, 34, 38)
_SHADOW: Outline = ((-0.02, -0.01), (0.02, 0.03), (0.98, 0.03), (1.02, -0.01), (0.98, -0.03), (0.02, -0.03))

_FRAME: Outline = (
    (0.1, 0.26), (0.12, 0.4), (0.5, 0.38), (0.62, 0.28), (0.72, 0.5), (0.8, 0.5), (0.86, 0.26), (0.5, 0.16),
)  # fmt: skip
_LEG: Outline = ((0.3, 0.36), (0.36, 0.46), (0.6, 0.42), (0.66, 0.2), (0.58, 0.18), (0.52, 0.34))
_JACKET: Outline = (
    (0.28, 0.4), (0.3, 0.82), (0.46, 0.84), (0.5, 0.66), (0.74, 0.54), (0.72, 0.48), (0.46, 0.54), (0.44, 0.4),
)  # fmt: skip
_UMBRELLA: Outline = tuple(
    (0.36 * float(np.cos(angle)) + 0.08, 1.1 + 0.2 * float(np.sin(angle))) for angle in np.linspace(0, np.pi, 12)
)
# Outlines in lengths of the vehicle: x from 0 (back) to 1 (front), y from 0 (road) upwards.
_CAR: Outline = (
    (0.0, 0.07),
    (0.0, 0.2),
    (0.05, 0.235),
    (0.17, 0.25),
    (0.29, 0.36),
    (0.62, 0.365),
    (0.77, 0.245),
    (0.95, 0.215),
    (1.0, 0.17),
    (1.0, 0.07),
)
_CAR_GLASS: tuple[Outline, ...] = (
    ((0.215, 0.25), (0.305, 0.34), (0.44, 0.345), (0.44, 0.25)),
    ((0.465, 0.25), (0.465, 0.345), (0.605, 0.345), (0.72, 0.25)),
)
_VAN: Outline = (
    (0.0, 0.07),
    (0.0, 0.4),
    (0.04, 0.44),
    (0.7, 0.44),
    (0.86, 0.27),
    (0.98, 0.23),
    (1.0, 0.16),
    (1.0, 0.07),
)
_VAN_GLASS: tuple[Outline, ...] = (
    ((0.06, 0.27), (0.06, 0.4), (0.3, 0.4), (0.3, 0.27)),
    ((0.33, 0.27), (0.33, 0.4), (0.55, 0.4), (0.55, 0.27)),
    ((0.58, 0.27), (0.58, 0.4), (0.69, 0.4), (0.8, 0.27)),
)
_BUS: Outline = ((0.0, 0.04), (0.0, 0.27), (0.02, 0.29), (0.98, 0.29), (1.0, 0.26), (1.0, 0.04))
_BUS_GLASS: tuple[Outline, ...] = tuple(
    ((0.03 + i * 0.12, 0.14), (0.03 + i * 0.12, 0.25), (0.135 + i * 0.12, 0.25), (0.135 + i * 0.12, 0.14))
    for i in range(8)
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of vehicle in lengths of itself: outlines, wheels and their radius; `length` is in lengths of a car."""

    body: Outline
    glass: tuple[Outline, ...]
    wheels: tuple[float, ...]
    wheel: float
    length: float
    stripe: Colour | None = None
    lit_inside: bool = False


CAR = Kind(_CAR, _CAR_GLASS, (0.2, 0.8), 0.078, 1.0)
VAN = Kind(_VAN, _VAN_GLASS, (0.2, 0.8), 0.076, 1.08)
BUS = Kind(_BUS, _BUS_GLASS, (0.16, 0.82), 0.04, 2.7, (240, 240, 240), lit_inside=True)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A car, van or bus, `length` degrees long; heading is 1 to the right, -1 to the left."""

    kind: Kind
    length: float
    heading: float
    colour: Colour

    @property
    def reach(self) -> tuple[float, float, float]:
        """How far it is drawn to either side, below its feet and above them, in degrees; glows included."""
        return self.length, self.length * 0.2, self.length * 0.6

    def draw(self, canvas: Canvas, at: float, foot: float, light: Light, step: int) -> None:  # noqa: ARG002
        """Put it onto a canvas; `step` makes no difference."""

        def fill(outline: Outline, tone: Colour) -> None:
            canvas.polygon(_placed(outline, at, foot, self.length, self.heading), tone)

        kind, paint = self.kind, light.of(self.colour)
        fill(_SHADOW, light.of((58, 60, 66)))
        fill(kind.body, paint)
        low = kind.wheel * 0.9
        fill(((0.0, low), (0.0, low * 1.9), (1.0, low * 1.9), (1.0, low)), darker(paint, 0.84))
        if kind.stripe is not None:
            fill(((0.0, 0.09), (0.0, 0.115), (1.0, 0.115), (1.0, 0.09)), light.of(kind.stripe))
        inside: Colour = (232, 214, 168) if light.night and kind.lit_inside else light.of(_GLASS)
        for pane in kind.glass:
            fill(pane, inside)
        radius = kind.wheel * self.length
        for wheel in kind.wheels:
            x = at + self.heading * (wheel - 0.5) * self.length
            canvas.disc(x, foot + radius, radius, light.of(_TYRE))
            canvas.disc(x, foot + radius, radius * 0.5, light.of((176, 180, 184)))
        self._lights(canvas, at, foot, light)

    def _lights(self, canvas: Canvas, at: float, foot: float, light: Light) -> None:
        lamp = 0.165 if self.kind.length < 2 else 0.075
        front, back = at + self.heading * 0.485 * self.length, at - self.heading * 0.485 * self.length
        height, size = foot + lamp * self.length, 0.06 * self.length / (2.7 * self.kind.length)
        canvas.disc(front, height, size, (255, 246, 206) if light.night else (246, 240, 216))
        canvas.disc(back, height, size, (226, 40, 34))
        if light.night:
            car = self.length / self.kind.length
            canvas.glow(front + self.heading * 0.16 * car, height - 0.03 * car, car * 0.34, (200, 180, 120))
            canvas.glow(back, height, car * 0.15, (150, 14, 10))


@dataclass(frozen=True, slots=True)
class Rider:
    """A motorcycle with its rider in a green jacket, `length` degrees long."""

    length: float
    heading: float
    colour: Colour

    @property
    def reach(self) -> tuple[float, float, float]:
        """See Vehicle."""
        return self.length * 1.1, self.length * 0.1, self.length * 1.2

    def draw(self, canvas: Canvas, at: float, foot: float, light: Light, step: int) -> None:  # noqa: ARG002
        """See Vehicle."""

        def disc(x: float, y: float, radius: float, tone: Colour) -> None:
            centre = at + self.heading * (x - 0.5) * self.length
            canvas.disc(centre, foot + y * self.length, radius * self.length, light.of(tone))

        canvas.polygon(_placed(_SHADOW, at, foot, self.length, self.heading), light.of((58, 60, 66)))
        for wheel in (0.18, 0.82):
            disc(wheel, 0.14, 0.14, _TYRE)
            disc(wheel, 0.14, 0.06, (150, 150, 150))
        for outline, tone in ((_FRAME, self.colour), (_LEG, (46, 50, 60)), (_JACKET, (60, 160, 90))):
            canvas.polygon(_placed(outline, at, foot, self.length, self.heading), light.of(tone))
        disc(0.42, 0.96, 0.125, (236, 236, 232))
        disc(0.47, 0.94, 0.07, (40, 44, 52))
        if light.night:
            x = at + self.heading * 0.5 * self.length
            canvas.glow(x, foot + 0.45 * self.length, self.length * 0.5, (190, 170, 110))


@dataclass(frozen=True, slots=True)
class Walker:
    """A person, `height` degrees tall."""

    height: float
    heading: float
    shirt: Colour
    trousers: Colour
    umbrella: Colour | None

    @property
    def reach(self) -> tuple[float, float, float]:
        """See Vehicle."""
        return self.height * 0.5, self.height * 0.05, self.height * 1.4

    def draw(self, canvas: Canvas, at: float, foot: float, light: Light, step: int) -> None:
        """See Vehicle; `step` 0..STEPS-1 is where in the pace the legs are."""
        height = self.height
        swing = float(np.sin(step * 2 * np.pi / STEPS)) * 0.13

        def limb(tone: Colour, top: tuple[float, float], bottom: tuple[float, float], wide: float) -> None:
            (x0, y0), (x1, y1) = top, bottom
            corners = ((x0 - wide, y0), (x0 + wide, y0), (x1 + wide, y1), (x1 - wide, y1))
            canvas.polygon(_placed(corners, at, foot, height, 1.0, 0.0), light.of(tone))

        limb((60, 60, 64), (0.0, 0.015), (0.0, -0.015), 0.16)
        limb(darker(self.trousers, 0.8), (0.0, 0.5), (-swing, 0.0), 0.05)
        limb(self.trousers, (0.0, 0.5), (swing, 0.0), 0.05)
        limb(self.shirt, (0.0, 0.84), (0.0, 0.45), 0.105)
        limb(darker(self.shirt, 0.8), (0.0, 0.8), (-swing * 0.9, 0.5), 0.035)
        canvas.disc(at, foot + 0.93 * height, height * 0.078, light.of(_SKIN))
        canvas.disc(at - self.heading * 0.018 * height, foot + 0.955 * height, height * 0.07, light.of((44, 34, 30)))
        if self.umbrella is not None:
            limb((90, 90, 90), (0.08, 1.2), (0.08, 0.7), 0.008)
            canvas.polygon(_placed(_UMBRELLA, at, foot, height, 1.0, 0.0), light.of(self.umbrella))


Figure = Vehicle | Rider | Walker


def _placed(outline: Outline, at: float, foot: float, size: float, heading: float, middle: float = 0.5) -> Points:
    points = np.array(outline)
    return np.column_stack([at + heading * (points[:, 0] - middle) * size, foot + points[:, 1] * size])
