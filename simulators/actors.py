"""What moves in the street, each a formula of time, so that all cameras of a street agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.canvas import Canvas, Colour
from simulators.figures import BUS, CAR, STEPS, VAN, Figure, Rider, Vehicle, Walker
from simulators.light import Light
from simulators.sprites import Sprites

_CAR_COLOURS: tuple[Colour, ...] = (
    (214, 56, 50), (244, 244, 240), (38, 42, 50), (170, 176, 182),
    (44, 92, 168), (236, 190, 60), (52, 116, 90), (240, 240, 236),
)  # fmt: skip
_SHIRTS: tuple[Colour, ...] = (
    (214, 70, 60),
    (44, 104, 170),
    (240, 196, 70),
    (60, 140, 100),
    (230, 230, 226),
    (140, 80, 150),
)
_BUS_COLOURS: tuple[Colour, ...] = ((28, 88, 168), (206, 60, 56), (34, 130, 150))
_TAXI: Colour = (72, 158, 214)
_PACES_PER_S = 1.0


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure on its way around: where it was at time 0, where its feet are, how fast it goes to the right."""

    figure: Figure
    start_deg: float
    elevation: float
    deg_per_s: float

    def azimuth(self, time_s: float, near_deg: float) -> float:
        """Where it is, given within half a turn of `near_deg`."""
        return (self.start_deg + self.deg_per_s * time_s - near_deg + 180.0) % 360.0 - 180.0 + near_deg

    def step(self, time_s: float) -> int:
        """Where in its pace it is; 0 for what has wheels."""
        if not isinstance(self.figure, Walker):
            return 0
        return int((time_s * _PACES_PER_S + self.start_deg) * STEPS) % STEPS


def traffic(seed: int) -> tuple[Actor, ...]:
    """Everything that moves, from the farthest to the nearest; the same for the same seed."""
    rng = np.random.default_rng(seed + 1000)
    return (
        *_walkers(rng, 34, (-5.9, -4.6), 1.35),
        *_buses(rng, -8.3, 3.5, 6.0, 7),
        *_lane(rng, -10.3, 3.9, -6.5, 26),
        *_lane(rng, -12.3, 4.3, -5.0, 24),
        *_lane(rng, -16.6, 6.4, 7.5, 15),
        *_lane(rng, -20.0, 7.6, 6.0, 13),
        *_walkers(rng, 16, (-24.9, -22.0), 4.2),
    )


def draw(canvas: Canvas, crowd: tuple[Actor, ...], time_s: float, light: Light, sprites: Sprites) -> None:
    """Draw everything that is visible at `time_s`."""
    view = canvas.view
    stamping = sprites.begin(view.px_per_deg)
    for key, actor in enumerate(crowd):
        side, below, above = actor.figure.reach
        at = actor.azimuth(time_s, view.pan_deg)
        if abs(at - view.pan_deg) > view.width_deg / 2 + side:
            continue
        if actor.elevation - below > view.top_deg or actor.elevation + above < view.top_deg - view.height_deg:
            continue
        if stamping:
            sprites.stamp(canvas, key, actor.figure, at, actor.elevation, actor.step(time_s))
        else:
            actor.figure.draw(canvas, at, actor.elevation, light, actor.step(time_s))


def _buses(rng: np.random.Generator, elevation: float, car: float, speed: float, count: int) -> list[Actor]:
    gap = 360.0 / count
    starts = [index * gap + float(rng.uniform(0, gap - 3 * car)) for index in range(count)]
    return [
        Actor(Vehicle(BUS, BUS.length * car, 1.0, _BUS_COLOURS[index % 3]), start, elevation, speed)
        for index, start in enumerate(starts)
    ]


def _lane(rng: np.random.Generator, elevation: float, car: float, speed: float, count: int) -> list[Actor]:
    """Traffic in one direction: `car` is a car's length in degrees there, `speed` is in degrees/s to the right."""
    gap, heading = 360.0 / count, 1.0 if speed > 0 else -1.0
    actors = []
    for index in range(count):
        start = index * gap + float(rng.uniform(0, max(gap - car * 1.5, 0.1)))
        pick = rng.random()
        colour = _CAR_COLOURS[rng.integers(len(_CAR_COLOURS))]
        figure: Figure
        if pick < 0.34:
            figure = Rider(car * 0.5, heading, colour)
        else:
            kind = VAN if pick < 0.55 else CAR
            figure = Vehicle(kind, kind.length * car, heading, _TAXI if pick > 0.9 else colour)
        actors.append(Actor(figure, start, elevation, speed))
    return actors


def _walkers(rng: np.random.Generator, count: int, feet: tuple[float, float], height: float) -> list[Actor]:
    people = []
    for _ in range(count):
        heading = float(rng.choice([-1, 1]))
        pace = float(rng.uniform(0.7, 1.3)) * heading * height * 0.55
        shirt, shade = (_SHIRTS[rng.integers(len(_SHIRTS))] for _ in range(2))
        trousers = ((52, 58, 74), (88, 76, 66), (40, 44, 50))[rng.integers(3)]
        size = height * float(rng.uniform(0.88, 1.1))
        figure = Walker(size, heading, shirt, trousers, shade if rng.random() < 0.15 else None)
        people.append(Actor(figure, float(rng.uniform(-180, 180)), float(rng.uniform(*feet)), pace))
    return sorted(people, key=lambda actor: -actor.elevation)
