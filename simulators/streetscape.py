"""The standing world of a street, made up from a seed: sky, skyline, houses, trees, pavements, road.

Degrees throughout. Seen side-on from a pole: the horizon is at elevation 0, houses stand at BASE, the road runs below
them from left to right all around. Colours are red, green, blue as by day; the light makes them those of the hour.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulators.canvas import Boxes, Discs, Glow, Label, Polygon, Shape, box, polygon
from simulators.houses import house
from simulators.light import Light, darker

BASE = -4.0  # where houses stand
FAR_PAVEMENT = (-4.0, -6.2)
BUSWAY = (-6.2, -8.6)
FAR_LANES = (-8.6, -12.6)
MEDIAN = (-12.6, -13.6)
NEAR_LANES = (-13.6, -20.6)
NEAR_PAVEMENT = (-20.6, -25.2)
MONUMENT_AT = 62.0
CROSSING_AT = 8.0
STOP_AT = -48.0
_PARK = (50.0, 74.0)  # no houses here


def build(seed: int, light: Light) -> list[Shape]:
    """Everything that stands still, from the farthest to the nearest."""
    rng = np.random.default_rng(seed)
    shapes: list[Shape] = []
    for part in (_heaven, _skyline, _park, _houses, _ground, _road, _pavement_things):
        shapes.extend(part(rng, light))
    return shapes


def _heaven(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    if light.night:
        for size, count in ((0.045, 500), (0.08, 90)):
            stars = np.column_stack([rng.uniform(-180, 180, count), rng.uniform(9, 55, count)])
            yield Discs(tuple((float(az), float(el), size) for az, el in stars), (196, 204, 226))
        yield Glow(24.0, 21.0, 9.0, (96, 100, 110))
        yield Discs(((24.0, 21.0, 1.5),), (240, 236, 216))
        yield Discs(((23.5, 21.4, 0.3), (24.5, 20.6, 0.42), (24.3, 21.7, 0.2)), (218, 212, 190))
        return
    yield Glow(-28.0, 21.0, 22.0, (120, 96, 40))
    yield Discs(((-28.0, 21.0, 1.7),), (255, 248, 214))
    for centre in np.arange(-180, 180, 17.0):
        yield from _cloud(
            rng, float(centre + rng.uniform(-6, 6)), float(rng.uniform(11, 30)), float(rng.uniform(0.7, 1.6))
        )


def _cloud(rng: np.random.Generator, azimuth: float, elevation: float, size: float) -> Iterator[Shape]:
    puffs = [(azimuth + offset * size, size * float(rng.uniform(0.7, 1.3))) for offset in (-2.6, -1.3, 0.0, 1.4, 2.5)]
    yield Discs(tuple((az, elevation + r * 0.55 - 0.12 * size, r) for az, r in puffs), (214, 226, 236))
    yield Discs(tuple((az + 0.1 * size, elevation + r * 0.75, r * 0.92) for az, r in puffs), (250, 251, 252))


def _skyline(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    """Two rows of towers in the haze, the nearer with lights."""
    for distance, lowest, highest, step in ((0.72, 3.0, 15.0, 4.2), (0.48, 1.5, 11.0, 5.5)):
        azimuth = -180.0
        while azimuth < 180:
            width = float(rng.uniform(0.5, 1.1) * step * 0.6)
            top = float(lowest + (highest - lowest) * rng.beta(1.6, 2.6))
            tone = light.haze((110, 134, 158), distance)
            yield box(azimuth, top, azimuth + width, BASE, tone)
            yield box(azimuth + width * 0.68, top, azimuth + width, BASE, darker(tone, 0.955))
            yield from _crown(rng, azimuth, width, top, tone)
            yield from _tower_lights(rng, light, azimuth, width, top)
            azimuth += width + float(rng.exponential(step * 0.28))


def _crown(
    rng: np.random.Generator, left: float, width: float, top: float, tone: tuple[int, int, int]
) -> Iterator[Shape]:
    kind = rng.integers(0, 4)
    middle = left + width / 2
    if kind == 0:
        yield box(middle - 0.05, top + 1.8, middle + 0.05, top, tone)
    elif kind == 1:
        yield polygon(tone, (left, top), (middle, top + width * 0.4), (left + width, top))
    elif kind == 2:
        yield box(left + width * 0.2, top + 0.6, left + width * 0.8, top, tone)


def _tower_lights(rng: np.random.Generator, light: Light, left: float, width: float, top: float) -> Iterator[Shape]:
    columns, rows = max(int(width / 0.34), 1), max(int((top - 0.5) / 0.5), 1)
    keep = rng.random((rows, columns)) < (0.22 if light.night else 0.55)
    row, column = np.nonzero(keep)
    if len(row) == 0:
        return
    x = left + 0.12 + column * (width - 0.2) / columns
    y = top - 0.35 - row * 0.5
    boxes = np.column_stack([x, y, x + 0.16, y - 0.2])
    yield Boxes(boxes, (214, 176, 110) if light.night else light.haze((84, 112, 140), 0.62))


def _park(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    """The monument with its flame, on a lawn."""
    left, right = _PARK
    yield box(left, -1.6, right, BASE, light.of((120, 168, 92)))
    for azimuth in np.arange(left, right, 1.7):
        yield from tree(rng, light, float(azimuth), -2.2, 1.5)
    marble, shade = light.of((238, 234, 226)), light.of((206, 202, 196))
    at = MONUMENT_AT
    yield polygon(shade, (at - 3.4, -3.4), (at - 2.5, -1.4), (at + 2.5, -1.4), (at + 3.4, -3.4))
    yield polygon(marble, (at - 2.3, -0.6), (at - 3.0, 0.5), (at + 3.0, 0.5), (at + 2.3, -0.6))
    yield box(at - 1.0, -0.6, at + 1.0, -1.6, marble)
    yield polygon(marble, (at - 0.85, 0.5), (at - 0.36, 14.5), (at + 0.36, 14.5), (at + 0.85, 0.5))
    yield polygon(shade, (at + 0.28, 0.5), (at + 0.12, 14.5), (at + 0.36, 14.5), (at + 0.85, 0.5))
    yield polygon(marble, (at - 0.5, 14.5), (at - 0.95, 15.3), (at + 0.95, 15.3), (at + 0.5, 14.5))
    if light.night:
        yield Glow(at, 16.0, 4.0, (190, 130, 30))
    flame = (255, 196, 60)
    yield polygon(flame, (at - 0.62, 15.3), (at - 0.5, 16.2), (at - 0.05, 17.3), (at + 0.5, 16.3), (at + 0.62, 15.3))
    yield polygon((255, 230, 140), (at - 0.3, 15.4), (at - 0.1, 16.4), (at + 0.28, 15.4))
    yield box(left, -3.3, right, BASE, light.of((226, 214, 190)))


def _houses(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    azimuth = -180.0
    while azimuth < 179.0:
        width = float(rng.uniform(4.5, 10.5))
        if azimuth + width > 180.0:
            width = 180.0 - azimuth
        if azimuth < _PARK[1] and azimuth + width > _PARK[0]:
            if azimuth >= _PARK[0] - 2.0:
                azimuth = _PARK[1]
                continue
            width = _PARK[0] - azimuth
        yield from house(rng, light, azimuth, width, BASE)
        azimuth += width
        if rng.random() < 0.3 and azimuth < 175:
            yield box(azimuth, -2.6, azimuth + 1.6, BASE, light.of((196, 190, 176)))
            yield from tree(rng, light, azimuth + 0.8, BASE, 3.0)
            azimuth += 1.6


def _ground(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    yield _band(FAR_PAVEMENT, light.of((206, 196, 178)))
    yield _band((-6.0, -6.2), light.of((150, 146, 140)))
    yield _band(NEAR_PAVEMENT, light.of((198, 188, 172)))
    yield _band((-20.6, -20.9), light.of((240, 214, 96)))
    yield _band((-20.9, -21.1), light.of((160, 154, 146)))
    joints = np.arange(-180, 180, 2.2)
    yield Boxes(_stripes(joints, 0.05, -21.1, -25.2), light.of((176, 166, 152)))
    yield Boxes(_stripes(np.arange(-180, 180, 0.7), 0.34, -22.9, -23.4), light.of((226, 184, 72)))  # for white canes
    yield _band((-25.2, -31.0), light.of((112, 160, 86)))
    yield _band((-25.2, -25.5), light.of((168, 160, 150)))
    for azimuth in np.arange(-179, 180, 4.6):
        yield from _bush(rng, light, float(azimuth + rng.uniform(-1, 1)))
    yield _band((-31.0, -90.0), light.of((186, 172, 156)))
    tiles = np.arange(-180, 180, 9.0)
    for index, elevation in enumerate(np.arange(-31.0, -89.0, -6.0)):
        yield Boxes(_stripes(tiles + 4.5 * (index % 2), 4.5, elevation, elevation - 6.0), light.of((174, 158, 142)))


def _road(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    asphalt = light.of((84, 88, 96))
    yield _band(BUSWAY, light.of((150, 92, 82)))
    yield _band((FAR_LANES[0], FAR_LANES[1]), asphalt)
    yield _band(NEAR_LANES, asphalt)
    patches = rng.uniform((-180, -20.0), (180, -9.0), (60, 2))
    worn = np.column_stack([patches, patches[:, 0] + rng.uniform(2, 7, 60), patches[:, 1] - rng.uniform(0.2, 0.7, 60)])
    yield Boxes(worn, light.of((78, 82, 90)))
    white = light.of((232, 232, 226))
    yield Boxes(_stripes(np.arange(-180, 180, 0.9), 0.45, -8.5, -8.7), white)  # kerb stones of the busway
    yield Boxes(_stripes(np.arange(-180, 180, 4.0), 1.8, -10.6, -10.75), white)
    yield Boxes(_stripes(np.arange(-180, 180, 6.0), 2.8, -17.0, -17.25), white)
    yield _band((-20.2, -20.4), white)
    for index in range(9):
        for top, bottom, lean in ((FAR_LANES[0] - 0.3, FAR_LANES[1], 0.3), (NEAR_LANES[0], NEAR_LANES[1] + 0.6, 0.6)):
            x = CROSSING_AT + index * 1.1
            slope = lean * (top - bottom) / 4
            yield polygon(white, (x, top), (x + 0.6, top), (x + 0.6 - slope, bottom), (x - slope, bottom))
    yield _band(MEDIAN, light.of((150, 146, 140)))
    yield _band((MEDIAN[0], MEDIAN[1] + 0.35), light.of((104, 150, 82)))
    flowers = tuple((float(az), -12.75, 0.24) for az in np.arange(-180, 180, 0.85))
    yield Discs(flowers, light.of((92, 140, 74)))
    yield Discs(tuple((az + 0.3, -12.7, 0.09) for az, _, _ in flowers[::2]), light.of((226, 92, 120)))


def _pavement_things(rng: np.random.Generator, light: Light) -> Iterator[Shape]:
    for azimuth in np.arange(-176, 180, 11.0):
        if abs(azimuth - STOP_AT) > 6:
            yield from tree(rng, light, float(azimuth + rng.uniform(-1.5, 1.5)), -5.3, float(rng.uniform(2.6, 3.6)))
    yield from _bus_stop(light)
    for azimuth in np.arange(-170, 180, 20.0):
        yield from _lamp(light, float(azimuth))


def _bus_stop(light: Light) -> Iterator[Shape]:
    left, right = STOP_AT - 4.5, STOP_AT + 4.5
    yield box(left, -3.0, right, -6.0, light.of((176, 204, 214)))
    yield Boxes(_stripes(np.arange(left, right - 0.1, 1.5), 0.16, -2.6, -6.0), light.of((96, 104, 112)))
    yield box(left - 0.5, -2.2, right + 0.5, -3.1, light.of((30, 84, 150)))
    yield box(left - 0.5, -2.15, right + 0.5, -2.3, light.of((250, 250, 250)))
    yield Label("HALTE SIMPANG", STOP_AT, -2.68, 0.5, (250, 250, 250))
    yield box(left, -5.6, right, -6.1, light.of((140, 140, 140)))
    if light.night:
        yield Glow(STOP_AT, -4.0, 7.0, (90, 96, 104))


def tree(rng: np.random.Generator, light: Light, azimuth: float, foot: float, height: float) -> Iterator[Shape]:
    """A trunk and a crown of three tones."""
    trunk = height * 0.055
    yield Polygon(
        np.array(
            [
                (azimuth - trunk, foot),
                (azimuth - trunk * 0.6, foot + height * 0.6),
                (azimuth + trunk * 0.6, foot + height * 0.6),
                (azimuth + trunk, foot),
            ]
        ),
        light.of((112, 84, 62)),
    )
    base = np.array([70, 128, 66]) + rng.integers(-14, 22, 3)
    tones = [tuple(int(part * factor) for part in base) for factor in (0.78, 1.0, 1.2)]
    spread = height * 0.27
    leaves = [(float(rng.normal(0, 0.55)), float(rng.normal(0, 0.42)), float(rng.uniform(0.5, 0.85))) for _ in range(8)]
    for tone, (dx, dy), shrink in zip(tones, ((0.1, -0.1), (0, 0), (-0.14, 0.16)), (1.0, 0.88, 0.5), strict=True):
        crown = tuple(
            (azimuth + (x + dx) * spread, foot + height * 0.74 + (y + dy) * spread, r * spread * shrink)
            for x, y, r in leaves
        )
        yield Discs(crown, light.of((tone[0], tone[1], tone[2])))


def _lamp(light: Light, azimuth: float) -> Iterator[Shape]:
    steel = light.of((92, 98, 106))
    yield box(azimuth - 0.07, 1.6, azimuth + 0.07, -5.9, steel)
    yield box(azimuth - 0.07, 1.68, azimuth + 1.3, 1.52, steel)
    yield box(
        azimuth + 0.8, 1.56, azimuth + 1.5, 1.36, light.of((200, 200, 196)) if not light.night else (255, 236, 190)
    )
    if light.night:
        yield Glow(azimuth + 1.15, 1.4, 2.4, (230, 180, 110))
        yield Glow(azimuth + 1.15, -5.0, 9.0, (96, 74, 44))


def _bush(rng: np.random.Generator, light: Light, azimuth: float) -> Iterator[Shape]:
    size = float(rng.uniform(0.7, 1.3))
    for tone, drop in (((74, 122, 62), 0.0), ((98, 152, 76), 0.22)):
        puffs = tuple((azimuth + x * size, -27.2 + drop * size, size * (0.9 - drop)) for x in (-0.9, 0.0, 0.8))
        yield Discs(puffs, light.of(tone))


def _band(rows: tuple[float, float], colour: tuple[int, int, int]) -> Boxes:
    return box(-180.0, rows[0], 180.0, rows[1], colour)


def _stripes(
    lefts: np.ndarray[tuple[int], np.dtype[np.float64]], width: float, top: float, bottom: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    count = len(lefts)
    return np.column_stack([lefts, np.full(count, top), lefts + width, np.full(count, bottom)])
