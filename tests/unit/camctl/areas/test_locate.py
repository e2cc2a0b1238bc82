"""In which area a place lies: certain, or proposed, and never the one for the other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.areas import Area, AreaTree, load_jakarta
from camctl.areas.compass import DIRECTIONS, direction, distance_m
from camctl.areas.locate import Inside, PlaceError, Proposed, WhyNot, locate
from camctl.areas.outlines import OutlineIndex
from tests.unit.camctl.areas.area_kit import CITY, LEFT, LEFT_RING, RIGHT, RIGHT_RING, feature, index_of, square

TWO = index_of(feature(LEFT, LEFT_RING), feature(RIGHT, RIGHT_RING))


def inside(index: OutlineIndex, lat: float, lon: float, tree: AreaTree = CITY) -> str:
    found = locate(tree, index, lat, lon)
    assert isinstance(found, Inside), found
    return found.area.code


def proposed(index: OutlineIndex | None, lat: float, lon: float) -> tuple[WhyNot, list[str]]:
    found = locate(CITY, index, lat, lon)
    assert isinstance(found, Proposed), found
    distances = [proposal.distance_m for proposal in found.proposals]
    assert distances == sorted(distances)
    return found.why, [proposal.area.code for proposal in found.proposals]


def test_inside_one() -> None:
    assert inside(TWO, -6.95, 107.01) == LEFT
    assert inside(TWO, -6.95, 107.19) == RIGHT


def test_on_the_outer_border_is_inside() -> None:
    assert inside(TWO, -7.0, 107.05) == LEFT
    assert inside(TWO, -6.9, 107.2) == RIGHT


def test_on_a_border_of_two_both_are_proposed() -> None:
    assert proposed(TWO, -6.95, 107.1) == (WhyNot.BORDER, [LEFT, RIGHT])


def test_where_two_overlap_both_are_proposed() -> None:
    index = index_of(feature(LEFT, square(107.0, -7.0, 107.12, -6.9)), feature(RIGHT, RIGHT_RING))
    assert proposed(index, -6.95, 107.11) == (WhyNot.BORDER, [RIGHT, LEFT])
    assert inside(index, -6.95, 107.13) == RIGHT


def test_outside_all_the_nearest_centres_are_proposed() -> None:
    assert proposed(TWO, -6.95, 107.21) == (WhyNot.OUTSIDE, [RIGHT, "7.02.1", LEFT])


@pytest.mark.parametrize("index", [None, OutlineIndex({})])
def test_without_boundaries_as_well(index: OutlineIndex | None) -> None:
    assert proposed(index, -6.95, 107.04) == (WhyNot.NO_BOUNDARIES, [LEFT, RIGHT, "7.02.1"])


def test_a_hole_is_outside_and_may_be_another_area() -> None:
    hole = square(107.04, -6.96, 107.06, -6.94)
    holed = index_of(feature(LEFT, LEFT_RING, hole))
    assert proposed(holed, -6.95, 107.05)[0] is WhyNot.OUTSIDE
    assert inside(holed, -6.95, 107.03) == LEFT
    filled = index_of(feature(LEFT, LEFT_RING, hole), feature(RIGHT, hole))
    assert inside(filled, -6.95, 107.05) == RIGHT
    assert proposed(filled, -6.95, 107.04)[0] is WhyNot.BORDER


def test_islands_belong_together_and_the_sea_between_them_to_nobody() -> None:
    islands = index_of(
        feature(LEFT, [square(107.0, -7.0, 107.02, -6.98)], [square(107.08, -7.0, 107.1, -6.98)], kind="MultiPolygon")
    )
    assert inside(islands, -6.99, 107.01) == inside(islands, -6.99, 107.09) == LEFT
    assert proposed(islands, -6.99, 107.05)[0] is WhyNot.OUTSIDE


def test_the_deepest_boundary_counts_and_those_above_fill_the_gaps() -> None:
    index = index_of(
        feature("7.01", square(107.0, -7.0, 107.2, -6.8)), feature(LEFT, LEFT_RING), feature(RIGHT, RIGHT_RING)
    )
    assert inside(index, -6.95, 107.01) == LEFT
    assert inside(index, -6.85, 107.01) == "7.01"
    assert proposed(index, -6.95, 107.1)[0] is WhyNot.BORDER


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [(91, 0, "latitude"), (math.nan, 0, "latitude"), (0, 181, "longitude"), (0, math.inf, "longitude"),
     (107.1, -6.9, "107.1 is not a latitude from -90 to 90")],
)  # fmt: skip
def test_what_is_no_place(lat: float, lon: float, words: str) -> None:
    with pytest.raises(PlaceError, match=words):
        locate(CITY, TWO, lat, lon)


@given(
    columns=st.integers(1, 6), rows=st.integers(1, 6), data=st.data(),
    west=st.floats(-170, 100), south=st.floats(-80, 60), size=st.floats(0.001, 1.0),
)  # fmt: skip
def test_a_place_in_a_grid_of_cells_is_in_exactly_one(
    columns: int, rows: int, data: st.DataObject, west: float, south: float, size: float
) -> None:
    xs, ys = [west + i * size for i in range(columns + 1)], [south + i * size for i in range(rows + 1)]
    cells = [(x, y) for y in range(rows) for x in range(columns)]
    middle = {(x, y): ((ys[y] + ys[y + 1]) / 2, (xs[x] + xs[x + 1]) / 2) for x, y in cells}
    areas = [Area("1", "Grid", "city", None, south, west)]
    areas += [Area(f"1.{x}x{y}", f"{x} {y}", "cell", "1", *middle[x, y]) for x, y in cells]
    tree = AreaTree(areas)
    index = index_of(*(feature(f"1.{x}x{y}", square(xs[x], ys[y], xs[x + 1], ys[y + 1])) for x, y in cells), tree=tree)
    x, y = data.draw(st.sampled_from(cells))
    inner = st.floats(0.01, 0.99)
    lat, lon = ys[y] + data.draw(inner) * size, xs[x] + data.draw(inner) * size
    assert index.at(lat, lon) == [f"1.{x}x{y}"]
    assert inside(index, lat, lon, tree) == f"1.{x}x{y}"
    assert index.at(ys[-1] + 0.01 * size, xs[0]) == []


def test_every_centre_of_jakarta_is_proposed_first_at_itself() -> None:
    tree = load_jakarta()
    for area in tree:
        if area.level == "kelurahan":
            found = locate(tree, None, area.lat, area.lon)
            assert isinstance(found, Proposed)
            assert (len(found.proposals), found.proposals[0].distance_m) == (3, 0.0)


@pytest.mark.parametrize(
    ("to", "metres"),
    # Vincenty on WGS 84 by hand for one degree: 110,574 m north and 111,320 m east at the equator.
    [((1.0, 0.0), 110_574), ((0.0, 1.0), 111_320), ((0.0, 180.0), 20_003_931), ((0.0, -1.0), 111_320)],
)
def test_distances_are_within_0_6_percent(to: tuple[float, float], metres: int) -> None:
    assert distance_m(0.0, 0.0, *to) == pytest.approx(metres, rel=0.006)


@pytest.mark.parametrize(("at", "name"), [(i * 45, name) for i, name in enumerate(DIRECTIONS)])
def test_eight_directions(at: int, name: str) -> None:
    north, east = math.cos(math.radians(at)), math.sin(math.radians(at))
    for off in (-20, 0, 20):
        turned = math.radians(at + off)
        assert direction(-6.0, 106.0, -6.0 + math.cos(turned) / 1000, 106.0 + math.sin(turned) / 994) == name
    assert direction(0.0, 179.9995, north / 1000, -180 + 0.0 + (east / 1000 - 0.0005)) in DIRECTIONS


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_distance_is_the_same_both_ways_and_never_more_than_half_around(a: float, b: float, c: float, d: float) -> None:
    there = distance_m(a, b, c, d)
    assert there == pytest.approx(distance_m(c, d, a, b), abs=1e-3)
    assert 0 <= there <= 20_015_200
    assert direction(a, b, c, d) in DIRECTIONS
