"""What moves in the street: cars, buses, motorcycles and people, each a formula of time, so that every camera agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.canvas import Canvas, Colour
from simulators.light import Light, darker

Outline = tuple[tuple[float, float], ...]
_CAR_COLOURS: tuple[Colour, ...] = (
    (214, 56, 50), (244, 244, 240), (38, 42, 50), (170, 176, 182), (44, 92, 168), (236, 190, 60), (52, 116, 90), (240, 240, 236),
)  # fmt: skip
_SHIRTS: tuple[Colour, ...] = (
    (214, 70, 60),
    (44, 104, 170),
    (240, 196, 70),
    (60, 140, 100),
    (230, 230, 226),
    (140, 80, 150),
)
_SKIN: Colour = (176, 124, 90)
_GLASS: Colour = (70, 92, 112)
_TYRE: Colour = (34, 34, 38)

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


class Kind(NamedTuple):
    """The drawing of a kind of vehicle; the wheel positions and their radius are in lengths too."""

    body: Outline
    glass: tuple[Outline, ...]
    wheels: tuple[float, ...]
    wheel: float
    length: float  # in lengths of a car
    stripe: Colour | None = None


CAR = Kind(_CAR, _CAR_GLASS, (0.2, 0.8), 0.078, 1.0)
VAN = Kind(_VAN, _VAN_GLASS, (0.2, 0.8), 0.076, 1.08)
BUS = Kind(_BUS, _BUS_GLASS, (0.16, 0.82), 0.04, 2.7, (240, 240, 240))


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Where it starts (degrees), and what it is."""

    start_deg: float
    kind: Kind | None  # None: a motorcycle
    colour: Colour


@dataclass(frozen=True, slots=True)
class Lane:
    """Traffic in one direction at one distance: elevation of the wheels, length of a car in degrees, degrees/s."""

    elevation: float
    car_deg: float
    deg_per_s: float
    vehicles: tuple[Vehicle, ...]


@dataclass(frozen=True, slots=True)
class Walker:
    """A person: height in degrees, degrees/s to the right."""

    start_deg: float
    elevation: float
    height: float
    deg_per_s: float
    shirt: Colour
    trousers: Colour
    umbrella: Colour | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Everything that moves, from the farthest to the nearest."""

    far_walkers: tuple[Walker, ...]
    lanes: tuple[Lane, ...]
    near_walkers: tuple[Walker, ...]


def traffic(seed: int) -> Traffic:
    """The same crowd for the same seed."""
    rng = np.random.default_rng(seed + 1000)
    lanes = (
        _lane(rng, -8.3, 3.5, 6.0, 7, buses=True),
        _lane(rng, -10.3, 3.9, -6.5, 26),
        _lane(rng, -12.3, 4.3, -5.0, 24),
        _lane(rng, -16.6, 6.4, 7.5, 15),
        _lane(rng, -20.0, 7.6, 6.0, 13),
    )
    return Traffic(_walkers(rng, 34, -5.9, -4.6, 1.35), lanes, _walkers(rng, 16, -24.9, -22.0, 4.2))


def _lane(
    rng: np.random.Generator, elevation: float, car: float, speed: float, count: int, *, buses: bool = False
) -> Lane:
    gap = 360.0 / count
    vehicles = []
    for index in range(count):
        start = index * gap + float(rng.uniform(0, max(gap - car * (3.0 if buses else 1.5), 0.1)))
        pick = rng.random()
        colour = _CAR_COLOURS[rng.integers(len(_CAR_COLOURS))]
        if buses:
            vehicles.append(Vehicle(start, BUS, ((28, 88, 168), (206, 60, 56), (34, 130, 150))[index % 3]))
        elif pick < 0.34:
            vehicles.append(Vehicle(start, None, colour))
        else:
            vehicles.append(Vehicle(start, VAN if pick < 0.55 else CAR, (72, 158, 214) if pick > 0.9 else colour))
    return Lane(elevation, car, speed, tuple(vehicles))


def _walkers(rng: np.random.Generator, count: int, low: float, high: float, height: float) -> tuple[Walker, ...]:
    people = []
    for _ in range(count):
        foot = float(rng.uniform(low, high))
        pace = float(rng.uniform(0.7, 1.3) * rng.choice([-1, 1]) * height * 0.55)
        shirt, shade = (_SHIRTS[rng.integers(len(_SHIRTS))] for _ in range(2))
        trousers = ((52, 58, 74), (88, 76, 66), (40, 44, 50))[rng.integers(3)]
        umbrella = shade if rng.random() < 0.15 else None
        size = height * float(rng.uniform(0.88, 1.1))
        people.append(Walker(float(rng.uniform(-180, 180)), foot, size, pace, shirt, trousers, umbrella))
    return tuple(sorted(people, key=lambda walker: -walker.elevation))


def draw(canvas: Canvas, crowd: Traffic, time_s: float, light: Light) -> None:
    """Draw everything that is visible at `time_s`."""
    for walker in crowd.far_walkers:
        _draw_walker(canvas, walker, time_s, light)
    for lane in crowd.lanes:
        for vehicle in lane.vehicles:
            _draw_vehicle(canvas, lane, vehicle, time_s, light)
    for walker in crowd.near_walkers:
        _draw_walker(canvas, walker, time_s, light)


def _visible(canvas: Canvas, azimuth: float, margin: float, bottom: float, top: float) -> float | None:
    """The azimuth turned next to the view's middle, or None when nothing between the elevations would be seen."""
    view = canvas.view
    turned = (azimuth - view.pan_deg + 180.0) % 360.0 - 180.0 + view.pan_deg
    if abs(turned - view.pan_deg) > view.width_deg / 2 + margin:
        return None
    if bottom > view.top_deg or top < view.top_deg - view.height_deg:
        return None
    return turned


def _draw_vehicle(canvas: Canvas, lane: Lane, vehicle: Vehicle, time_s: float, light: Light) -> None:
    length = lane.car_deg * (vehicle.kind.length if vehicle.kind else 0.5)
    height = lane.car_deg * 0.9
    at = _visible(
        canvas, vehicle.start_deg + lane.deg_per_s * time_s, length, lane.elevation - 1, lane.elevation + height
    )
    if at is None:
        return
    heading = 1.0 if lane.deg_per_s > 0 else -1.0

    def shape(outline: Outline) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        points = np.array(outline)
        return np.column_stack([at + heading * (points[:, 0] - 0.5) * length, lane.elevation + points[:, 1] * length])

    canvas.polygon(
        shape(((-0.02, -0.01), (0.02, 0.03), (0.98, 0.03), (1.02, -0.01), (0.98, -0.03), (0.02, -0.03))),
        light.of((58, 60, 66)),
    )
    if vehicle.kind is None:
        _draw_rider(canvas, at, lane.elevation, length, heading, vehicle.colour, light)
        return
    kind = vehicle.kind
    paint = light.of(vehicle.colour)
    canvas.polygon(shape(kind.body), paint)
    low = kind.wheel * 0.9
    canvas.polygon(shape(((0.0, low), (0.0, low * 1.9), (1.0, low * 1.9), (1.0, low))), darker(paint, 0.84))
    if kind.stripe is not None:
        canvas.polygon(shape(((0.0, 0.09), (0.0, 0.115), (1.0, 0.115), (1.0, 0.09))), light.of(kind.stripe))
    inside: Colour = (232, 214, 168) if light.night and kind is BUS else light.of(_GLASS)
    for pane in kind.glass:
        canvas.polygon(shape(pane), inside)
    for wheel in kind.wheels:
        x = at + heading * (wheel - 0.5) * length
        canvas.disc(x, lane.elevation + kind.wheel * length, kind.wheel * length, light.of(_TYRE))
        canvas.disc(x, lane.elevation + kind.wheel * length, kind.wheel * length * 0.5, light.of((176, 180, 184)))
    _draw_lights(canvas, at, lane.elevation, length, heading, light)


def _draw_lights(canvas: Canvas, at: float, foot: float, length: float, heading: float, light: Light) -> None:
    front, back = at + heading * 0.49 * length, at - heading * 0.49 * length
    size = length * 0.022
    canvas.disc(front, foot + 0.165 * length, size, (255, 246, 206) if light.night else (246, 240, 216))
    canvas.disc(back, foot + 0.165 * length, size, (226, 40, 34))
    if light.night:
        canvas.glow(front + heading * 0.16 * length, foot + 0.13 * length, length * 0.3, (200, 180, 120))
        canvas.glow(back, foot + 0.165 * length, length * 0.14, (150, 14, 10))


def _draw_rider(
    canvas: Canvas, at: float, foot: float, length: float, heading: float, colour: Colour, light: Light
) -> None:
    def point(x: float, y: float) -> tuple[float, float]:
        return at + heading * (x - 0.5) * length, foot + y * length

    def part(tone: Colour, *outline: tuple[float, float]) -> None:
        canvas.polygon(np.array([point(x, y) for x, y in outline]), light.of(tone))

    for x in (0.18, 0.82):
        canvas.disc(*point(x, 0.14), length * 0.14, light.of(_TYRE))
        canvas.disc(*point(x, 0.14), length * 0.06, light.of((150, 150, 150)))
    part(
        colour, (0.1, 0.26), (0.12, 0.4), (0.5, 0.38), (0.62, 0.28), (0.72, 0.5), (0.8, 0.5), (0.86, 0.26), (0.5, 0.16)
    )
    part((46, 50, 60), (0.3, 0.36), (0.36, 0.46), (0.6, 0.42), (0.66, 0.2), (0.58, 0.18), (0.52, 0.34))
    part(
        (60, 160, 90),
        (0.28, 0.4),
        (0.3, 0.82),
        (0.46, 0.84),
        (0.5, 0.66),
        (0.74, 0.54),
        (0.72, 0.48),
        (0.46, 0.54),
        (0.44, 0.4),
    )
    canvas.disc(*point(0.42, 0.96), length * 0.125, light.of((236, 236, 232)))
    canvas.disc(*point(0.47, 0.94), length * 0.07, light.of((40, 44, 52)))
    if light.night:
        canvas.glow(*point(1.0, 0.45), length * 0.5, (190, 170, 110))


def _draw_walker(canvas: Canvas, walker: Walker, time_s: float, light: Light) -> None:
    height = walker.height
    at = _visible(
        canvas, walker.start_deg + walker.deg_per_s * time_s, height, walker.elevation, walker.elevation + height * 1.4
    )
    if at is None:
        return
    heading = 1.0 if walker.deg_per_s > 0 else -1.0
    swing = float(np.sin(time_s * 6.0 + walker.start_deg)) * 0.13

    def quad(tone: Colour, top: tuple[float, float], bottom: tuple[float, float], wide: float) -> None:
        (x0, y0), (x1, y1) = top, bottom
        corners = ((x0 - wide, y0), (x0 + wide, y0), (x1 + wide, y1), (x1 - wide, y1))
        canvas.polygon(np.array([(at + x * height, walker.elevation + y * height) for x, y in corners]), light.of(tone))

    quad((60, 60, 64), (0.0, 0.015), (0.0, -0.015), 0.16)
    quad(walker.trousers, (0.0, 0.5), (swing, 0.0), 0.05)
    quad(darker(walker.trousers, 0.85), (0.0, 0.5), (-swing, 0.0), 0.05)
    quad(walker.shirt, (0.0, 0.84), (0.0, 0.45), 0.11)
    quad(darker(walker.shirt, 0.82), (0.0, 0.8), (-swing * 0.9, 0.5), 0.035)
    canvas.disc(at, walker.elevation + 0.93 * height, height * 0.078, light.of(_SKIN))
    canvas.disc(at - heading * 0.015 * height, walker.elevation + 0.955 * height, height * 0.07, light.of((44, 34, 30)))
    if walker.umbrella is not None:
        quad((90, 90, 90), (0.08, 1.2), (0.08, 0.7), 0.008)
        dome = [(0.36 * np.cos(angle) + 0.08, 1.1 + 0.2 * np.sin(angle)) for angle in np.linspace(0, np.pi, 12)]
        canvas.polygon(
            np.array([(at + x * height, walker.elevation + y * height) for x, y in dome]), light.of(walker.umbrella)
        )
