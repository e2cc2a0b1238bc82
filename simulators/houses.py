"""Houses of a street: shop rows, offices, flats and one hotel, each made up from a generator of chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulators.canvas import Boxes, Colour, Glow, Label, Shape, box, polygon
from simulators.light import Light, darker

_WALLS: tuple[Colour, ...] = (
    (236, 220, 196), (212, 132, 100), (244, 236, 220), (164, 186, 190), (226, 192, 140),
    (140, 166, 176), (222, 206, 206), (120, 168, 160), (232, 176, 150), (204, 208, 214),
)  # fmt: skip
_AWNINGS: tuple[Colour, ...] = (
    (206, 62, 56),
    (34, 120, 112),
    (236, 170, 50),
    (54, 90, 160),
    (150, 60, 110),
    (70, 140, 70),
)
_SIGNS = (
    "WARUNG", "APOTEK", "KOPI", "BATIK", "ROTI", "BAKSO", "SATE", "TOKO BUKU", "BENGKEL", "FOTOKOPI", "KLINIK", "OPTIK",
    "SOTO", "PASAR", "BUNGA", "LAUNDRY",
)  # fmt: skip
_LIT: tuple[Colour, ...] = ((255, 214, 138), (250, 196, 112), (226, 230, 220))
_PANE: Colour = (92, 122, 146)


def house(rng: np.random.Generator, light: Light, left: float, width: float, base: float) -> Iterator[Shape]:
    """One house of a kind that chance picks, standing at `base` from `left` on."""
    kind = rng.random()
    if width < 2.5:
        yield box(left, base + 1.6, left + width, base, light.of((190, 184, 170)))
    elif kind < 0.45:
        yield from _shops(rng, light, left, width, base)
    elif kind < 0.75:
        yield from _flats(rng, light, left, width, base)
    else:
        yield from _office(rng, light, left, width, base)


def windows(rng: np.random.Generator, light: Light, boxes: NDArray[np.float64], share: float = 0.42) -> Iterator[Shape]:
    """Panes with a reflection by day; by night some are lit."""
    yield Boxes(boxes, light.of(_PANE))
    if not light.night:
        glint = boxes.copy()
        glint[:, 2] = glint[:, 0] + (boxes[:, 2] - boxes[:, 0]) * 0.35
        yield Boxes(glint, (132, 166, 188))
        return
    chance = rng.random(len(boxes))
    for index, colour in enumerate(_LIT):
        lit = boxes[(chance >= share * index / 3) & (chance < share * (index + 1) / 3)]
        if len(lit):
            yield Boxes(lit, colour)


def _grid(
    left: float, right: float, top: float, bottom: float, across: float, up: float, fill: tuple[float, float]
) -> NDArray[np.float64]:
    """Windows spread over a wall: about `across` and `up` degrees apart, filling that share of their field."""
    columns, rows = max(round((right - left) / across), 1), max(round((top - bottom) / up), 1)
    dx, dy = (right - left) / columns, (top - bottom) / rows
    column, row = (part.ravel() for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    x = left + (column + (1 - fill[0]) / 2) * dx
    y = top - (row + (1 - fill[1]) / 2) * dy
    return np.column_stack([x, y, x + dx * fill[0], y - dy * fill[1]])


def _wall(light: Light, left: float, right: float, top: float, base: float, colour: Colour) -> Iterator[Shape]:
    """A front with light from the left: a bright edge, a shaded side, a dark foot."""
    tone = light.of(colour)
    yield box(left, top, right, base, tone)
    yield box(left, top, left + 0.1, base, darker(tone, 1.07))
    yield box(right - (right - left) * 0.1, top, right, base, darker(tone, 0.9))
    yield box(left, base + 0.22, right, base, darker(tone, 0.7))


def _shops(rng: np.random.Generator, light: Light, left: float, width: float, base: float) -> Iterator[Shape]:
    """A row of ruko: shop below, one or two floors above, tiled roof or flat with a water tank."""
    count = max(round(width / 3.0), 1)
    unit = width / count
    for index in range(count):
        x, right = left + index * unit, left + (index + 1) * unit
        top = base + float(rng.choice([4.4, 5.0, 6.4]))
        colour = _WALLS[rng.integers(len(_WALLS))]
        yield from _wall(light, x, right, top, base, colour)
        panes = _grid(x + 0.25, right - 0.25, top - 0.35, base + 2.1, 1.0, 1.3, (0.62, 0.62))
        frames = panes + np.array([-0.06, 0.06, 0.06, -0.06])
        yield Boxes(frames, light.of((246, 242, 234)))
        yield from windows(rng, light, panes)
        yield from _roof(rng, light, x, right, top)
        yield from _shop_front(rng, light, x, right, base)


def _roof(rng: np.random.Generator, light: Light, left: float, right: float, top: float) -> Iterator[Shape]:
    if rng.random() < 0.5:
        tiles = light.of((176, 84, 62))
        yield polygon(
            tiles, (left - 0.15, top), (left + 0.5, top + 0.95), (right - 0.5, top + 0.95), (right + 0.15, top)
        )
        yield box(left - 0.15, top + 0.08, right + 0.15, top - 0.08, darker(tiles, 0.75))
        return
    yield box(left, top + 0.2, right, top, light.of((238, 232, 222)))
    tank = left + (right - left) * float(rng.uniform(0.2, 0.7))
    yield box(tank, top + 1.15, tank + 0.62, top + 0.35, light.of((232, 126, 52)))
    yield box(tank + 0.42, top + 1.15, tank + 0.62, top + 0.35, light.of((202, 104, 40)))
    yield box(tank + 0.05, top + 0.36, tank + 0.12, top + 0.2, light.of((90, 90, 90)))
    yield box(tank + 0.5, top + 0.36, tank + 0.57, top + 0.2, light.of((90, 90, 90)))


def _shop_front(rng: np.random.Generator, light: Light, left: float, right: float, base: float) -> Iterator[Shape]:
    open_now = rng.random() < (0.6 if light.night else 0.85)
    inside: Colour = (255, 226, 164) if light.night and open_now else light.of((74, 82, 92))
    yield box(left + 0.2, base + 1.35, right - 0.2, base + 0.05, inside)
    if open_now:
        goods = _grid(left + 0.35, right - 0.35, base + 0.8, base + 0.12, 0.45, 0.34, (0.72, 0.7))
        yield Boxes(goods[::2], light.of(_AWNINGS[rng.integers(len(_AWNINGS))]))
        yield Boxes(goods[1::2], light.of((228, 206, 160)))
    else:
        yield box(left + 0.2, base + 1.35, right - 0.2, base + 0.05, light.of((150, 154, 158)))
        yield Boxes(
            _grid(left + 0.2, right - 0.2, base + 1.3, base + 0.1, 9.0, 0.16, (1.0, 0.25)), light.of((126, 130, 134))
        )
    awning = _AWNINGS[rng.integers(len(_AWNINGS))]
    yield polygon(
        light.of(awning),
        (left + 0.1, base + 1.75),
        (right - 0.1, base + 1.75),
        (right + 0.1, base + 1.25),
        (left - 0.1, base + 1.25),
    )
    edges = np.arange(left + 0.2, right - 0.3, 0.6)
    stripes = np.column_stack([edges, np.full(len(edges), base + 1.72), edges + 0.3, np.full(len(edges), base + 1.27)])
    yield Boxes(stripes, light.of((248, 244, 236)))
    text = _SIGNS[rng.integers(len(_SIGNS))]
    room = right - left - 0.4
    height = min(0.42, room / len(text) * 1.05)
    yield box(left + 0.2, base + 2.3, right - 0.2, base + 1.76, light.of(darker(awning, 0.6)))
    yield Label(text, (left + right) / 2, base + 2.03, height, (255, 250, 236))
    if light.night and open_now:
        yield Glow((left + right) / 2, base + 0.6, 2.2, (96, 70, 32))


def _flats(rng: np.random.Generator, light: Light, left: float, width: float, base: float) -> Iterator[Shape]:
    """Flats with balconies."""
    right, top = left + width, base + float(rng.uniform(7.5, 11.5))
    colour = _WALLS[rng.integers(len(_WALLS))]
    yield from _wall(light, left, right, top, base, colour)
    panes = _grid(left + 0.3, right - 0.3, top - 0.5, base + 2.0, 1.25, 1.35, (0.56, 0.6))
    yield from windows(rng, light, panes)
    rails = panes.copy()
    rails[:, 1], rails[:, 3] = panes[:, 3] + 0.2, panes[:, 3] - 0.14
    rails[:, 0] -= 0.12
    rails[:, 2] += 0.12
    yield Boxes(rails, light.of((250, 246, 238)))
    washing = rails[rng.random(len(rails)) < 0.2]
    for row in washing:
        cloth = _AWNINGS[rng.integers(len(_AWNINGS))]
        yield box(row[0] + 0.1, row[1] - 0.02, row[0] + 0.34, row[3] - 0.16, light.of(cloth))
    yield box(left - 0.1, top + 0.25, right + 0.1, top - 0.1, light.of(darker(colour, 0.8)))
    yield box(left + width * 0.3, top + 1.1, left + width * 0.5, top + 0.25, light.of(darker(colour, 0.9)))
    yield from _shop_front(rng, light, left + 0.3, left + width * 0.5, base)
    yield from _shop_front(rng, light, left + width * 0.5, right - 0.3, base)


def _office(rng: np.random.Generator, light: Light, left: float, width: float, base: float) -> Iterator[Shape]:
    """A glass front with floors, a lobby and a lit name."""
    right, top = left + width, base + float(rng.uniform(9, 14.5))
    glass = ((104, 150, 176), (96, 132, 150), (126, 160, 170), (84, 120, 156))[rng.integers(4)]
    yield from _wall(light, left, right, top, base, glass)
    panes = _grid(left + 0.15, right - 0.15, top - 1.3, base + 2.2, 0.9, 0.78, (0.86, 0.74))
    yield Boxes(panes, light.of(darker(glass, 0.82)))
    if light.night:
        yield from windows(rng, light, panes, 0.5)
    else:
        bright = panes[rng.random(len(panes)) < 0.3]
        if len(bright):
            yield Boxes(bright, darker(glass, 1.18))
        yield from _sky_in_glass(left, right, top, base)
    yield box(left - 0.08, top + 0.3, right + 0.08, top - 0.15, light.of(darker(glass, 0.6)))
    name = ("BANK", "HOTEL", "GRAHA", "PLAZA", "MENARA")[rng.integers(5)]
    yield Label(name, (left + right) / 2, top - 0.72, min(0.75, width / len(name) * 0.8), (252, 252, 246))
    yield box(
        left + 0.4, base + 1.9, right - 0.4, base + 0.05, light.of((60, 74, 88)) if not light.night else (214, 188, 140)
    )
    yield Boxes(
        _grid(left + 0.4, right - 0.4, base + 1.9, base + 0.05, 1.2, 3.0, (0.1, 1.0)), light.of((220, 220, 214))
    )
    yield box(left + width * 0.3, base + 2.15, right - width * 0.3, base + 1.85, light.of((236, 236, 230)))


def _sky_in_glass(left: float, right: float, top: float, base: float) -> Iterator[Shape]:
    """A slanting reflection across the front."""
    width = right - left
    for start, size in ((0.12, 0.1), (0.28, 0.05)):
        x = left + width * start
        yield polygon(
            (176, 206, 220), (x + width * 0.3, top - 1.3), (x + width * (0.3 + size), top - 1.3),
            (x + width * size, base + 2.2), (x, base + 2.2),
        )  # fmt: skip
