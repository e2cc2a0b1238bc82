"""Outlines of areas: the only module that knows shapely (GEOS).

Longitude and latitude are taken as a plane, as GeoJSON defines its edges (RFC 7946, section 3.1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from camctl.areas.geojson import Polygon

# A repair may drop a spike or a doubled line. One that changes more than this share of the area is a guess.
_MOST_CHANGE = 0.001


class OutlineError(ValueError):
    """The polygons enclose no clear area; the message says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A valid outline as well-known binary; `repaired` says what was wrong with it, empty when nothing was."""

    wkb: bytes
    west: float
    south: float
    east: float
    north: float
    repaired: str = ""


def make_outline(polygons: tuple[Polygon, ...]) -> Outline:
    """The area that these polygons enclose.

    Raises:
        OutlineError: they enclose nothing, or cross themselves so that it is not clear what.
    """
    shape: Any = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in polygons])
    reason = "" if shapely.is_valid(shape) else _words(shapely.is_valid_reason(shape))
    if reason:
        given = shape.area
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        if abs(shape.area - given) > _MOST_CHANGE * given:
            raise OutlineError(f"its outline crosses or overlaps itself ({reason}); mend it in a mapping program")
    if shape.is_empty or shape.area <= 0.0 or shape.geom_type not in {"Polygon", "MultiPolygon"}:
        raise OutlineError("its polygons enclose nothing")
    west, south, east, north = map(float, shape.bounds)
    return Outline(shapely.to_wkb(shape), west, south, east, north, reason)


def _words(reason: str) -> str:
    """As a person says it: Self-intersection[106.8 -6.2] comes from GEOS."""
    what, _, where = reason.partition("[")
    return f"{what.strip().lower()} at {where.rstrip(']')}" if where else what.lower()


class OutlineIndex:
    """Outlines by code, found by place. Never changes, so threads may share it."""

    def __init__(self, outlines: Mapping[str, bytes]) -> None:
        """`outlines`: well-known binary by code; shapely's GEOSException where it is none."""
        self._codes = list(outlines)
        self._shapes: Any = shapely.from_wkb(np.array(list(outlines.values()), dtype=object))
        shapely.prepare(self._shapes)
        self._tree: Any = shapely.STRtree(self._shapes)

    def at(self, lat: float, lon: float) -> list[str]:
        """The codes of all areas that hold this place, those on whose border it lies included, in the order given."""
        near = sorted(self._tree.query(shapely.Point(lon, lat)))
        return [self._codes[i] for i in near if shapely.intersects_xy(self._shapes[i], lon, lat)]

    def __len__(self) -> int:
        return len(self._codes)
