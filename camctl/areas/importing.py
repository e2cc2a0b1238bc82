"""From a GeoJSON file to the outlines of areas: every fault is found before anything is stored. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from camctl.areas.codes import Codes, assign, find_property
from camctl.areas.compass import distance_m
from camctl.areas.geojson import BoundaryError, Feature, read_features
from camctl.areas.outlines import Outline, OutlineError, make_outline
from camctl.areas.tree import Area, AreaTree

# A boundary so far from its area's centre is another city's, or has latitude first.
FAR_M = 200_000.0


@dataclass(frozen=True, slots=True)
class Import:
    """What a file holds. `repaired`: sentences about outlines that were mended; `missing`: areas it says nothing of."""

    code_property: str
    outlines: dict[str, Outline]
    repaired: tuple[str, ...]
    missing: tuple[Area, ...]


def read_boundaries(data: bytes, tree: AreaTree, code_property: str | None = None) -> Import:
    """The boundaries in a GeoJSON file; `code_property` None: the one property that holds codes of this tree.

    Raises:
        BoundaryError: with every fault of the file.
    """
    features = read_features(data)
    codes = Codes(tree)
    name = find_property(features, codes) if code_property is None else code_property
    outlines: dict[str, Outline] = {}
    faults, repaired = [], []
    for code, feature in assign(features, codes, name).items():
        try:
            outline = _outline(feature, tree.require(code))
        except OutlineError as error:
            faults.append(f"feature {feature.number} ({code}): {error}")
            continue
        outlines[code] = outline
        if outline.repaired:
            repaired.append(f"feature {feature.number} ({code}): {outline.repaired}")
    if faults:
        raise BoundaryError(faults)
    missing = tuple(area for area in deepest(tree) if area.code not in outlines)
    return Import(name, outlines, tuple(repaired), missing)


def deepest(tree: AreaTree) -> tuple[Area, ...]:
    """The areas that hold no others."""
    return tuple(area for area in tree if not tree.children(area.code))


def _outline(feature: Feature, area: Area) -> Outline:
    outline = make_outline(feature.polygons)
    near_lat = min(max(area.lat, outline.south), outline.north)
    near_lon = min(max(area.lon, outline.west), outline.east)
    far_m = distance_m(area.lat, area.lon, near_lat, near_lon)
    if far_m > FAR_M:
        raise OutlineError(
            f"it lies {far_m / 1000:.0f} km from the centre of {area.name} in the table of areas; "
            "GeoJSON has longitude first"
        )
    return outline
