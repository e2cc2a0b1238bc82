"""A file of boundaries: what is taken, and every way in which it can be wrong, with the number of its feature."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.areas import geojson, load_jakarta
from camctl.areas.geojson import BoundaryError
from camctl.areas.importing import read_boundaries
from camctl.areas.tree import parse_csv
from tests.unit.camctl.areas.area_kit import CITY, LEFT, LEFT_RING, RIGHT, RIGHT_RING, collection, feature, square, two


def refusal(data: bytes, code_property: str | None = None) -> str:
    with pytest.raises(BoundaryError) as caught:
        read_boundaries(data, CITY, code_property)
    return str(caught.value)


def test_what_is_taken() -> None:
    found = read_boundaries(two(), CITY)
    assert list(found.outlines) == [LEFT, RIGHT]
    assert (found.code_property, found.repaired) == ("kode", ())
    assert [area.code for area in found.missing] == ["7.02.1"]
    left = found.outlines[LEFT]
    assert (left.west, left.south, left.east, left.north) == (107.0, -7.0, 107.1, -6.9)


@pytest.mark.parametrize("code", ["7.01.1", "7011", 7011, " 7.01.1 "])
def test_codes_with_or_without_dots(code: object) -> None:
    assert list(read_boundaries(collection(feature(code, LEFT_RING)), CITY).outlines) == [LEFT]


def test_a_code_that_means_two_areas_without_dots_needs_them() -> None:
    tree = parse_csv("code,name,level,parent,lat,lon\n1,A,a,,0,0\n1.23,B,b,1,0,0\n12,C,a,,0,0\n12.3,D,b,12,0,0\n", "c")
    ring = square(0, 0, 1, 1)
    assert list(read_boundaries(collection(feature("12.3", ring)), tree, "kode").outlines) == ["12.3"]
    with pytest.raises(BoundaryError, match="feature 1: there is no area '123'"):
        read_boundaries(collection(feature("123", ring)), tree, "kode")


def test_the_property_is_found_beside_names_and_the_codes_above() -> None:
    above = {"OBJECTID": 1, "kec": "7.01", "nama": "x"}
    data = collection(feature(LEFT, LEFT_RING, **above), feature(RIGHT, RIGHT_RING, **above))
    assert read_boundaries(data, CITY).code_property == "kode"


def test_a_property_that_holds_most_codes_is_found_and_the_rest_is_named() -> None:
    data = collection(feature(LEFT, LEFT_RING), feature(RIGHT, RIGHT_RING), feature("9.99", LEFT_RING))
    assert refusal(data) == "feature 3: there is no area '9.99' in the table of areas"


def test_when_it_cannot_be_told_somebody_has_to_say_it() -> None:
    data = collection(feature(LEFT, LEFT_RING, id=LEFT, name="x"))
    assert "several properties hold areas' codes (kode, id)" in refusal(data)
    assert read_boundaries(data, CITY, "id").code_property == "id"
    said = refusal(collection(feature("x", LEFT_RING, name="y")))
    assert said.endswith("no property holds them; give --code-property NAME; there are: kode, name")
    assert refusal(data, "nope").startswith("feature 1: it has no property 'nope'")


def test_the_same_area_twice() -> None:
    said = refusal(collection(feature(LEFT, LEFT_RING), feature(RIGHT, RIGHT_RING), feature("7011", LEFT_RING)))
    assert said == "feature 3: 7.01.1 is feature 1 already"


def ring(*positions: object) -> bytes:
    return collection(feature(LEFT, LEFT_RING), feature(RIGHT, list(positions)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is not JSON at line 1, column 1"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "NaN is no JSON number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "not a GeoJSON FeatureCollection"),
        (b'{"type": "Feature"}', "not a GeoJSON FeatureCollection"),
        (collection(), "the file has no features"),
        (collection(feature(LEFT, LEFT_RING), crs={"properties": {"name": "urn:ogc:def:crs:EPSG::32748"}}), "WGS 84"),
        (collection(feature(LEFT, LEFT_RING), crs="EPSG:4326"), "convert it to EPSG:4326"),
        (collection(7), "feature 1: it is not a Feature"),
        (collection({"type": "Feature", "properties": None}), "feature 1: it has no properties"),
        (collection({"type": "Feature", "properties": {}, "geometry": None}), "feature 1: its geometry is none"),
        (collection(feature(LEFT, 1, kind="LineString")), "feature 1: its geometry is LineString"),
        (collection(feature(LEFT)), "feature 1: polygon 1 has no ring"),
        (collection(feature(LEFT, kind="MultiPolygon")), "feature 1: its MultiPolygon is empty"),
        (collection(feature(LEFT, [LEFT_RING], [[[0, 0]]], kind="MultiPolygon")),
         "feature 1: polygon 2, ring 1 has fewer than 4 positions"),
        (collection(feature(LEFT, LEFT_RING, LEFT_RING[:-1])), "feature 1: polygon 1, ring 2 is not closed"),
        (ring([0, 0], [1, 0], [1, "1"], [0, 0]), "feature 2: polygon 1, ring 1, position 3 is not [lon"),
        (ring([0, 0], [1, 0], [1, True], [0, 0]), "position 3 is not [longitude, latitude]"),
        (ring([0, 0], [1, 0], [1], [0, 0]), "position 3 is not"),
        (ring([0, 0], [1, 0], [1, 1, 1, 1], [0, 0]), "position 3 is not"),
        (ring([0, 0], [1, 0], [1, 10**400], [0, 0]), "position 3 is not"),
        (ring([0, 0], [181, 0], [1, 1], [0, 0]), "position 2: 181, 0 are not degrees of longitude and latitude"),
        (ring([-6.9, 107.1], [-6.9, 107.2], [-7, 107.2], [-6.9, 107.1]), "longitude comes first"),
        (ring([179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]), "polygon 1, ring 1 crosses the antimeridian"),
        (ring(*square(10, 50, 11, 51)), "feature 2 (7.01.2): it lies"),
        (ring([107, -7], [107.1, -7], [107.2, -7], [107, -7]), "feature 2 (7.01.2): its"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_degrees_swapped_within_range_are_found_by_the_distance() -> None:
    tree = parse_csv("code,name,level,parent,lat,lon\n1,Accra,a,,5.6,-0.2\n", "c")
    with pytest.raises(BoundaryError, match=r"feature 1 \(1\): it lies 896 km from the centre of Accra"):
        read_boundaries(collection(feature("1", square(5.5, -0.3, 5.7, -0.1))), tree)


def test_an_outline_that_crosses_itself_is_refused_with_the_place() -> None:
    bow_tie = [[107.1, -7.0], [107.2, -6.9], [107.2, -7.0], [107.1, -6.9], [107.1, -7.0]]
    said = refusal(two(second=bow_tie))
    assert said.startswith("feature 2 (7.01.2): its outline crosses or overlaps itself (self-intersection at 107.15")


def test_parts_that_overlap_are_refused() -> None:
    parts = ([square(107.1, -7.0, 107.2, -6.9)], [square(107.12, -7.0, 107.2, -6.9)])
    assert "crosses or overlaps itself" in refusal(collection(feature(RIGHT, *parts, kind="MultiPolygon")))


def test_a_spike_is_repaired_and_told() -> None:
    spike = [[107.1, -7.0], [107.2, -7.0], [107.2, -6.9], [107.15, -6.9], [107.15, -6.8], [107.15, -6.9],
             [107.1, -6.9], [107.1, -7.0]]  # fmt: skip
    found = read_boundaries(two(second=spike), CITY)
    assert len(found.repaired) == 1
    assert found.repaired[0].startswith("feature 2 (7.01.2): self-intersection at 107.15")
    assert found.outlines[RIGHT].north == -6.9


def test_every_fault_is_told_at_once_and_a_flood_is_cut() -> None:
    data = collection(*(feature(f"9.{i}", LEFT_RING[:2]) for i in range(50)))
    lines = refusal(data).splitlines()
    assert lines[0] == "feature 1: polygon 1, ring 1 has fewer than 4 positions"
    assert (len(lines), lines[-1]) == (geojson.MOST_FAULTS + 1, "and 30 more")


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geojson, "MAX_POSITIONS", 9)
    assert "feature 2: the file has more than 9 positions" in refusal(two())
    monkeypatch.setattr(geojson, "MAX_FEATURES", 1)
    assert refusal(two()) == "the file has more than 1 features"
    monkeypatch.setattr(geojson, "MAX_BYTES", 2**20)
    assert refusal(b" " * (2**20 + 1)).startswith("the file is larger than 1 MiB")


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(
        ["type", "features", "geometry", "coordinates", "properties", "kode", "crs"]), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(JSONISH, max_size=3), JSONISH, JSONISH)
def test_any_json_is_boundaries_or_a_refusal_in_words(features: list[object], coordinates: object, crs: object) -> None:
    shaped = feature(LEFT, LEFT_RING)
    shaped["geometry"]["coordinates"] = coordinates
    for data in (collection(*features), collection(shaped, *features), collection(shaped, crs=crs)):
        with contextlib.suppress(BoundaryError):
            assert read_boundaries(data, CITY).outlines


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(BoundaryError):
        read_boundaries(data, CITY)


def test_a_byte_order_mark_and_an_altitude_do_no_harm() -> None:
    high = [[*position, 12.5] for position in LEFT_RING]
    data = b"\xef\xbb\xbf" + json.dumps(json.loads(collection(feature(LEFT, high)))).encode()
    assert LEFT in read_boundaries(data, CITY).outlines
    older = collection(feature(LEFT, LEFT_RING), crs={"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}})
    assert LEFT in read_boundaries(older, CITY).outlines


def test_jakartas_deepest_areas_are_asked_for() -> None:
    tree = load_jakarta()
    area = tree.require("31.71.01.1001")
    outline = square(area.lon - 0.01, area.lat - 0.01, area.lon + 0.01, area.lat + 0.01)
    missing = read_boundaries(collection(feature("3171011001", outline)), tree).missing
    assert len(missing) == 266
    assert {each.level for each in missing} == {"kelurahan"}
