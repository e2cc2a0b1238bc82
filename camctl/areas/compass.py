"""Distance and direction between places, on a sphere. Pure."""

from __future__ import annotations

import math

_EARTH_RADIUS_M = 6_371_008.8  # the mean radius of WGS 84's ellipsoid
DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def distance_m(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Metres along the great circle (haversine); within 0.6 % of the ellipsoid's. Degrees in."""
    a, b = math.radians(lat), math.radians(to_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(to_lon - lon) / 2) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half)))


def direction(lat: float, lon: float, to_lat: float, to_lon: float) -> str:
    """In which of eight directions the second place lies, seen from the first, at the start of the great circle."""
    a, b, turn = math.radians(lat), math.radians(to_lat), math.radians(to_lon - lon)
    east = math.sin(turn) * math.cos(b)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn)
    return DIRECTIONS[round(math.degrees(math.atan2(east, north)) / 45) % 8]
