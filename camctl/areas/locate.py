"""In which area a place lies, or which ones a person may choose from; the two are never mixed up. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from auth.grants import covers
from camctl.areas.compass import direction, distance_m
from camctl.areas.importing import deepest
from camctl.areas.outlines import OutlineIndex
from camctl.areas.tree import Area, AreaTree

MOST_PROPOSALS = 3


class PlaceError(ValueError):
    """What was given is no place on Earth."""


class WhyNot(StrEnum):
    """Why nobody can say for certain in which area a place lies."""

    NO_BOUNDARIES = "no-boundaries"  # none were imported
    OUTSIDE = "outside"  # of all that were
    BORDER = "border"  # of several, or they overlap there


@dataclass(frozen=True, slots=True)
class Inside:
    """The place lies in this area, by its boundary: the deepest one that has one there."""

    area: Area


@dataclass(frozen=True, slots=True)
class Proposal:
    """An area that it may be: its centre lies so many metres in this direction, seen from the place."""

    area: Area
    distance_m: float
    direction: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """A person has to choose: the areas that meet there, or else those with the nearest centres, nearest first."""

    why: WhyNot
    proposals: tuple[Proposal, ...]


def locate(tree: AreaTree, index: OutlineIndex | None, lat: float, lon: float) -> Inside | Proposed:
    """Where a place in degrees (WGS 84) lies.

    Raises:
        PlaceError: a number is no latitude or longitude.
    """
    if not (math.isfinite(lat) and abs(lat) <= 90.0):
        raise PlaceError(f"{lat:g} is not a latitude from -90 to 90")
    if not (math.isfinite(lon) and abs(lon) <= 180.0):
        raise PlaceError(f"{lon:g} is not a longitude from -180 to 180")
    if index is None or not len(index):
        return Proposed(WhyNot.NO_BOUNDARIES, _nearest(deepest(tree), lat, lon))
    # An area above has the place too, if it has a boundary; only those in which no other one has it compete.
    hits = index.at(lat, lon)
    found = [area for hit in hits if (area := tree.get(hit)) and not any(_is_inside(other, hit) for other in hits)]
    if len(found) == 1:
        return Inside(found[0])
    if found:
        return Proposed(WhyNot.BORDER, _nearest(found, lat, lon))
    return Proposed(WhyNot.OUTSIDE, _nearest(deepest(tree), lat, lon))


def _is_inside(code: str, ancestor: str) -> bool:
    return code != ancestor and covers(ancestor, code)


def _nearest(areas: list[Area] | tuple[Area, ...], lat: float, lon: float) -> tuple[Proposal, ...]:
    by_distance = sorted((distance_m(lat, lon, area.lat, area.lon), area.code, area) for area in areas)
    return tuple(
        Proposal(area, metres, direction(lat, lon, area.lat, area.lon))
        for metres, _, area in by_distance[:MOST_PROPOSALS]
    )
