"""Areas over HTTP: the tree for anybody signed in, and answers that say whether they are certain."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from camctl.areas import load_jakarta
from camctl.areas.importing import read_boundaries
from camctl.store.boundaries import BoundaryStore
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.areas.area_kit import collection, feature, square

GAMBIR = "31.71.01.1001"


def import_gambir(house: House) -> None:
    area = load_jakarta().require(GAMBIR)
    ring = square(area.lon - 0.005, area.lat - 0.005, area.lon + 0.005, area.lat + 0.005)
    found = read_boundaries(collection(feature(GAMBIR, ring)), load_jakarta())
    outlines = {code: outline.wkb for code, outline in found.outlines.items()}
    BoundaryStore(house.people._store.sessions).replace(outlines, source="x", sha256="0" * 64, at=datetime.now(UTC))


@pytest.mark.parametrize("who", ["partner", "camat", "admin"])
async def test_the_tree_is_for_anybody_signed_in(house: House, who: str) -> None:
    async with house.client(who) as client:
        items = (await client.get("/areas")).json()["items"]
    assert len(items) == 318
    assert items[0] == {
        "code": "31", "name": "DKI Jakarta", "level": "provinsi", "parent": None, "lat": -6.1754, "lon": 106.8272
    }  # fmt: skip
    assert {item["parent"] for item in items[1:]} <= {item["code"] for item in items}


async def test_nobody_else_gets_it(house: House) -> None:
    async with house.client() as client:
        for path in ("/areas", "/areas/at?lat=-6.17&lon=106.83"):
            problem(await client.get(path), 401, "not-signed-in")


async def test_a_place_is_proposed_until_an_import_makes_it_certain(house: House) -> None:
    area = load_jakarta().require(GAMBIR)
    place = {"lat": area.lat, "lon": area.lon + 0.001}
    async with house.client("camat") as client:
        before = (await client.get("/areas/at", params=place)).json()
        import_gambir(house)
        after = (await client.get("/areas/at", params=place)).json()
        away = (await client.get("/areas/at", params=place | {"lat": area.lat + 0.0051})).json()
    assert (before["kind"], before["why"], len(before["proposals"])) == ("proposed", "no-boundaries", 3)
    assert before["proposals"][0]["area"]["code"] == GAMBIR
    assert (before["proposals"][0]["distance_m"], before["proposals"][0]["direction"]) == (111, "W")
    assert after == {"kind": "inside", "area": {
        "code": GAMBIR, "name": "Gambir", "level": "kelurahan",
        "path": ["DKI Jakarta", "Kota Administrasi Jakarta Pusat", "Gambir", "Gambir"]}}  # fmt: skip
    assert (away["kind"], away["why"]) == ("proposed", "outside")


@pytest.mark.parametrize(
    "query", ["", "lat=1", "lat=91&lon=0", "lat=0&lon=181", "lat=nan&lon=0", "lat=0&lon=inf", "lat=x&lon=0"]
)
async def test_what_is_no_place_is_refused(house: House, query: str) -> None:
    async with house.client("camat") as client:
        assert problem(await client.get(f"/areas/at?{query}"), 422, "bad-input")["faults"]


async def test_without_the_database_nothing_is_guessed(house: House) -> None:
    async with house.client("camat") as client:
        await client.get("/areas")
        house.people.is_broken = True
        problem(await client.get("/areas/at?lat=-6.17&lon=106.83"), 503, "unavailable")
