"""A small city, and GeoJSON of a test's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from camctl.areas import AreaTree
from camctl.areas.importing import read_boundaries
from camctl.areas.outlines import OutlineIndex
from camctl.areas.tree import parse_csv

# Two kelurahan side by side, 0.1 degrees each, in one kecamatan; a third one elsewhere.
CITY = parse_csv(
    "code,name,level,parent,lat,lon\n"
    "7,Kota,kota,,-6.95,107.1\n"
    "7.01,Barat,kecamatan,7,-6.95,107.1\n"
    "7.01.1,Kiri,kelurahan,7.01,-6.95,107.05\n"
    "7.01.2,Kanan,kelurahan,7.01,-6.95,107.15\n"
    "7.02,Timur,kecamatan,7,-6.95,107.35\n"
    "7.02.1,Jauh,kelurahan,7.02,-6.95,107.35\n",
    "city.csv",
)
LEFT, RIGHT = "7.01.1", "7.01.2"


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """A closed ring."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


LEFT_RING, RIGHT_RING = square(107.0, -7.0, 107.1, -6.9), square(107.1, -7.0, 107.2, -6.9)


def feature(code: object, *rings: Any, kind: str = "Polygon", **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kode": code, **properties},
        "geometry": {"type": kind, "coordinates": list(rings)},
    }


def collection(*features: object, **members: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members}).encode()


def index_of(*features: object, tree: AreaTree = CITY) -> OutlineIndex:
    found = read_boundaries(collection(*features), tree)
    return OutlineIndex({code: outline.wkb for code, outline in found.outlines.items()})


def two(first: Sequence[Any] = LEFT_RING, second: Sequence[Any] = RIGHT_RING) -> bytes:
    return collection(feature(LEFT, first), feature(RIGHT, second))
