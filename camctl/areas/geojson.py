"""GeoJSON (RFC 7946) read strictly: a FeatureCollection of Polygons and MultiPolygons in WGS 84. Pure.

What a geographic library would quietly mend (an open ring, latitude first, another coordinate system) is named with
the number of its feature, counted from 1, since a wrong boundary gives the wrong people the right to a camera.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

MAX_BYTES = 64 * 2**20
MAX_FEATURES = 20_000
MAX_POSITIONS = 2_000_000
MOST_FAULTS = 20
_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")

Position = tuple[float, float]  # longitude and latitude, as GeoJSON has them
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]  # the outer ring, then its holes


class BoundaryError(ValueError):
    """The file cannot be used; the message holds every fault, one a line, with the number of its feature."""

    def __init__(self, faults: list[str]) -> None:
        shown = faults[:MOST_FAULTS]
        if len(faults) > MOST_FAULTS:
            shown.append(f"and {len(faults) - MOST_FAULTS} more")
        super().__init__("\n".join(shown))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its number in the file from 1, its properties that are text or whole numbers, its polygons."""

    number: int
    properties: dict[str, str]
    polygons: tuple[Polygon, ...]


class _FaultError(ValueError):
    """What is wrong with one feature."""


def read_features(data: bytes) -> list[Feature]:
    """The features of a GeoJSON file.

    Raises:
        BoundaryError: it is no such file, too large, or features are wrong; the message holds all of them.
    """
    if len(data) > MAX_BYTES:
        raise BoundaryError([f"the file is larger than {MAX_BYTES // 2**20} MiB; simplify the outlines"])
    raw = _collection(_json(data))
    features, faults, positions = [], [], 0
    for number, each in enumerate(raw, start=1):
        try:
            feature = Feature(number, _properties(each), _polygons(each))
        except _FaultError as fault:
            faults.append(f"feature {number}: {fault}")
            continue
        positions += sum(len(ring) for polygon in feature.polygons for ring in polygon)
        if positions > MAX_POSITIONS:
            raise BoundaryError([f"feature {number}: the file has more than {MAX_POSITIONS} positions; simplify it"])
        features.append(feature)
    if faults:
        raise BoundaryError(faults)
    return features


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _json(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise BoundaryError([f"the file is not UTF-8 at byte {error.start}"]) from None
    except json.JSONDecodeError as error:
        raise BoundaryError([f"the file is not JSON at line {error.lineno}, column {error.colno}"]) from None
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BoundaryError([f"the file is not JSON: {what}"]) from None


def _collection(root: object) -> list[object]:
    if not isinstance(root, dict) or root.get("type") != "FeatureCollection":
        raise BoundaryError(["the file is not a GeoJSON FeatureCollection"])
    if root.get("crs") is not None and not _is_wgs84(root["crs"]):
        raise BoundaryError(["the file names another coordinate system than WGS 84; convert it to EPSG:4326"])
    features = root.get("features")
    if not isinstance(features, list) or not features:
        raise BoundaryError(["the file has no features"])
    if len(features) > MAX_FEATURES:
        raise BoundaryError([f"the file has more than {MAX_FEATURES} features"])
    return features


def _is_wgs84(crs: object) -> bool:
    """The older GeoJSON of 2008 named its system; RFC 7946 knows one."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return isinstance(name, str) and name.upper().endswith(_WGS84)


def _properties(feature: object) -> dict[str, str]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _FaultError("it is not a Feature")
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        raise _FaultError("it has no properties, so nothing says which area it is")
    found = {}
    for name, value in properties.items():
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            found[name] = str(value).strip()
    return found


def _polygons(feature: object) -> tuple[Polygon, ...]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in {"Polygon", "MultiPolygon"}:
        raise _FaultError(f"its geometry is {kind or 'none'}; a boundary is a Polygon or a MultiPolygon")
    coordinates = geometry.get("coordinates")
    if kind == "Polygon":
        return (_polygon(coordinates, "polygon 1"),)
    if not isinstance(coordinates, list) or not coordinates:
        raise _FaultError("its MultiPolygon is empty")
    return tuple(_polygon(each, f"polygon {number}") for number, each in enumerate(coordinates, start=1))


def _polygon(rings: object, where: str) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise _FaultError(f"{where} has no ring")
    return tuple(_ring(each, f"{where}, ring {number}") for number, each in enumerate(rings, start=1))


def _ring(positions: object, where: str) -> Ring:
    if not isinstance(positions, list) or len(positions) < 4:
        raise _FaultError(f"{where} has fewer than 4 positions")
    ring = tuple(_position(each, f"{where}, position {number}") for number, each in enumerate(positions, start=1))
    if ring[0] != ring[-1]:
        raise _FaultError(f"{where} is not closed: its last position is not its first")
    if any(abs(here[0] - there[0]) > 180.0 for here, there in pairwise(ring)):
        raise _FaultError(f"{where} crosses the antimeridian (180 degrees); cut it there into two polygons")
    return ring


def _position(position: object, where: str) -> Position:
    # A third number is an altitude, which a boundary has none of.
    if not isinstance(position, list) or not 2 <= len(position) <= 3 or not all(map(_is_number, position)):
        raise _FaultError(f"{where} is not [longitude, latitude]")
    lon, lat = float(position[0]), float(position[1])
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
        hint = "; longitude comes first" if abs(lon) <= 90.0 and abs(lat) <= 180.0 else ""
        raise _FaultError(f"{where}: {lon:g}, {lat:g} are not degrees of longitude and latitude{hint}")
    return lon, lat


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False
