"""Lasting power over a whole city is not given alone, nor piece by piece, nor by a role that grows later: over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.roles import Capability, Role, ViewingRank
from tests.support.people import regrant
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import FEED, FIRST, SECOND, House
from tests.unit.camctl.api.conftest import PASSWORD

POST = {"capabilities": ["see"], "priority": 10, "viewing": 1}
MOST_KOTA = ["31.71", "31.72", "31.73"]  # 131 of Jakarta's 267 kelurahan; the other half is 31.74, 31.75 and 31.01


async def ask(house: House, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
    async with house.client(who) as client:
        return await client.request(method, path, json=body)


async def give(house: House, to: str, areas: list[str], by: str = "admin", **more: Any) -> Mapping[str, Any]:
    """What the grant is after it was given."""
    wish = {"role": "official", "areas": areas, "reason": "Plt.", **more}
    given = await ask(house, by, "POST", f"/people/{to}/grants", wish)
    assert given.status_code == 201, given.text
    answer: Mapping[str, Any] = given.json()
    return answer


async def approve(house: House, who: str, to: str, grant: Mapping[str, Any]) -> httpx.Response:
    return await ask(house, who, "POST", f"/people/{to}/grants/{grant['id']}/approve")


async def put_role(house: House, name: str = "pos", **changes: Any) -> httpx.Response:
    return await ask(house, "admin", "PUT", f"/roles/{name}", {**POST, **changes})


async def second_admin(house: House, *areas: str, **more: Any) -> None:
    await house.auth.create_person("admin2", PASSWORD, role="admin", areas=list(areas) or ["31"])
    house.tokens["admin2"], _ = await house.auth.sign_in("admin2", PASSWORD, "192.0.2.1")
    if more:
        await Grants(house.auth).give("admin2", GrantWish(role="admin", areas=("31",), reason="a test", **more), None)


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def sees(house: House, who: str, camera: str) -> bool:
    return (await ask(house, who, "GET", f"/cameras/{camera}")).status_code == 200


# Piece by piece -----------------------------------------------------------------------------------------------------


async def test_a_city_given_piece_by_piece_waits_with_the_piece_that_makes_it_half(house: House) -> None:
    await second_admin(house)
    await regrant(house.auth, "walikota", "official", "31.71")
    assert (await give(house, "walikota", ["31.75"]))["state"] == "active", "109 of 267"
    waiting = await give(house, "walikota", ["31.74"])
    assert (waiting["state"], waiting["waits_why"]) == ("waiting", "larger-part")
    assert "half of a city" in waiting["waits_because"]
    assert not await sees(house, "walikota", SECOND)
    (listed,) = [
        one for one in (await ask(house, "admin2", "GET", "/people/walikota/grants")).json()["items"]
        if one["state"] == "waiting"
    ]  # fmt: skip
    assert listed["waits_why"] == "larger-part"
    problem(await approve(house, "admin", "walikota", waiting), 403, "forbidden")
    approved = (await approve(house, "admin2", "walikota", waiting)).json()
    assert (approved["state"], approved["waits_why"], approved["waits_because"]) == ("active", None, None)
    assert await sees(house, "walikota", SECOND)
    assert (await give(house, "walikota", ["31.71"], role="operator"))["state"] == "waiting", "holds most of it by now"
    assert (await give(house, "walikota", ["31.72"], ends_at=in_days(90)))["state"] == "active"


async def test_many_pieces_in_one_grant_are_as_much_as_one_by_one(house: House) -> None:
    assert (await give(house, "walikota", MOST_KOTA))["state"] == "active", "131 of 267 in all"
    assert (await give(house, "walikota", ["31.01", "31.74.01"]))["state"] == "waiting"
    others = [area.code for area in house.services.areas if area.code.startswith("31.74.") and area.parent != "31.74"]
    assert (await give(house, "camat", [*MOST_KOTA, *others[:3]]))["state"] == "waiting"
    assert (await give(house, "camat", ["31.71"]))["state"] == "waiting", "what waits counts too"


async def test_pieces_that_end_soon_or_have_ended_do_not_count(house: House) -> None:
    await regrant(house.auth, "walikota", "official")
    assert (await give(house, "walikota", MOST_KOTA, ends_at=in_days(91)))["state"] == "active"
    assert (await give(house, "walikota", ["31.74"]))["state"] == "active"
    assert (await give(house, "walikota", ["31.75"], ends_at=in_days(90)))["state"] == "active"
    assert (await give(house, "walikota", ["31.75"], deny=True, capabilities=["control"]))["state"] == "active"
    assert (await give(house, "walikota", ["31.75"], ends_at=in_days(93)))["state"] == "active", "130 of 267"
    assert (await give(house, "walikota", ["31.01"]))["state"] == "waiting"


async def test_single_cameras_add_up_with_areas(house: House) -> None:
    """One camera of three and 44 kelurahan of 267: 0.498 of the city; with the six of 31.01 it is half."""
    await regrant(house.auth, "walikota", "official", "31.71")
    assert (await give(house, "walikota", [], cameras=[SECOND]))["state"] == "active"
    assert (await give(house, "walikota", ["31.01"]))["waits_why"] == "larger-part"
    await regrant(house.auth, "camat", "official")
    assert (await give(house, "camat", [], cameras=[FIRST]))["state"] == "active"
    assert (await give(house, "camat", [], cameras=[FIRST]))["state"] == "active", "the same one again"
    assert (await give(house, "camat", [], cameras=[FEED]))["waits_why"] == "larger-part"


async def test_of_two_pieces_at_the_same_moment_one_waits(house: House) -> None:
    await regrant(house.auth, "walikota", "official")
    both = await asyncio.gather(*(give(house, "walikota", [area]) for area in ("31.74", "31.75", "31.71")))
    assert sorted(given["state"] for given in both) == ["active", "active", "waiting"]
    (waiting,) = [given for given in both if given["state"] == "waiting"]
    assert waiting["waits_why"] == "larger-part"


async def test_what_the_machine_gave_counts_as_held(house: House) -> None:
    await regrant(house.auth, "walikota", "official", "31")
    assert (await give(house, "walikota", ["31.74.01"], role="operator"))["waits_why"] == "larger-part"


async def test_a_link_with_most_of_a_city_waits_and_says_so(house: House) -> None:
    wish = {"role": "official", "areas": MOST_KOTA, "display_name": "Pak Budi"}
    made = await ask(house, "admin", "POST", "/invitations", wish)
    assert (made.json()["waits"], made.json()["waits_why"]) == (False, None)
    made = await ask(house, "admin", "POST", "/invitations", {**wish, "areas": [*MOST_KOTA, "31.01"]})
    assert (made.json()["waits"], made.json()["waits_why"]) == (True, "larger-part")
    async with house.client() as guest:
        new = {"secret": made.json()["link"].rpartition("/")[2], "username": "budi", "password": "kuda lumping 9"}
        assert (await guest.post("/invitations/accept", json=new)).status_code == 200
        (waiting,) = (await guest.get("/me/grants")).json()["items"]
    assert (waiting["state"], waiting["waits_why"]) == ("waiting", "larger-part")


@pytest.mark.parametrize("shell", [("31.74",), ("31.71", "31.74")])
async def test_the_second_person_holds_the_whole_city_for_good(house: House, shell: tuple[str, ...]) -> None:
    """Not by an account that the giver made alone: a piece for good, all of it for two months."""
    await second_admin(house, *shell, ends_at=datetime.now(UTC) + timedelta(days=60))
    await regrant(house.auth, "walikota", "official", "31.71", "31.75")
    waiting = await give(house, "walikota", ["31.74"])
    refused = problem(await approve(house, "admin2", "walikota", waiting), 403, "forbidden")
    assert "whole city" in refused["detail"]
    assert not await sees(house, "walikota", SECOND)


# A role that grows later --------------------------------------------------------------------------------------------


async def citywide(house: House, *, approved: bool = True, **more: Any) -> Mapping[str, Any]:
    """The camat has the role over the whole city."""
    assert (await put_role(house)).status_code == 200
    given = await give(house, "camat", ["31"], role="pos", **more)
    assert (given["state"], given["waits_why"]) == ("waiting", "whole-city")
    if approved:
        assert (await approve(house, "admin2", "camat", given)).status_code == 200
    return given


@pytest.mark.parametrize(
    "changes",
    [{"capabilities": ["see", "control"]}, {"capabilities": ["control"]}, {"priority": 11}, {"priority": None},
     {"viewing": 2}],
)  # fmt: skip
@pytest.mark.parametrize("approved", [True, False])
async def test_a_role_that_somebody_has_over_the_whole_city_does_not_grow(
    house: House, changes: dict[str, Any], *, approved: bool
) -> None:
    await second_admin(house)
    given = await citywide(house, approved=approved)
    refused = problem(await put_role(house, **changes), 403, "forbidden")
    assert refused["why"] == "may-not-grant"
    for word in ("camat", "Make a new role", "camctl user role"):
        assert word in refused["detail"]
    roles = {role["name"]: role for role in (await ask(house, "admin", "GET", "/roles")).json()["items"]}
    assert {key: roles["pos"][key] for key in POST} == POST
    told = (await ask(house, "camat", "GET", f"/cameras/{SECOND}/permissions")).status_code
    assert told == (200 if approved else 404)
    await ask(house, "admin", "DELETE", f"/people/camat/grants/{given['id']}")
    assert (await put_role(house, **changes)).status_code == 200, "nobody has it any more"


async def test_a_role_that_is_held_by_pieces_of_a_city_does_not_grow_either(house: House) -> None:
    await put_role(house)
    await regrant(house.auth, "walikota", "pos", "31.71")
    await Grants(house.auth).give("walikota", GrantWish(role="official", areas=("31",), reason="a test"), None)
    problem(await put_role(house, capabilities=["see", "live"]), 403, "forbidden")


async def test_an_owners_people_get_no_more_alone_by_their_role(house: House) -> None:
    await second_admin(house)
    await put_role(house, "mitra", only_own=True)
    await house.auth.create_person("pemilik", PASSWORD, role="mitra", areas=["31.71.07"], organisation="PT Contoh")
    problem(await put_role(house, "mitra", only_own=True, capabilities=["see", "live"]), 403, "forbidden")
    await put_role(house, "warga")
    await house.auth.create_person("tetangga", PASSWORD, role="warga", areas=["31.71.07"], organisation="PT Contoh")
    problem(await put_role(house, "warga", only_own=True), 403, "forbidden")
    assert (await put_role(house, "warga", capabilities=["see", "live"])).status_code == 200


async def test_no_role_over_the_whole_city_loses_its_bounds(house: House) -> None:
    await put_role(house, "mitra", only_own=True)
    await house.auth.create_person("pemilik", PASSWORD, role="mitra", areas=["31"], organisation="PT Lain")
    problem(await put_role(house, "mitra", only_own=False), 403, "forbidden")


async def test_a_role_shrinks_and_grows_for_who_has_little_or_not_for_long(house: House) -> None:
    await second_admin(house)
    await citywide(house)
    assert (await put_role(house)).status_code == 200, "the same"
    assert (await put_role(house, priority=5, viewing=0)).status_code == 200
    assert (await put_role(house, "regu")).status_code == 200
    await regrant(house.auth, "camat", "regu", "31.71", "31.74")
    assert (await give(house, "camat", ["31"], role="regu", ends_at=in_days(30)))["state"] == "active"
    wish = GrantWish(role="regu", areas=("31",), capabilities=frozenset({Capability.SEE}), priority=40, reason="a test")
    await Grants(house.auth).give("walikota", wish, None)
    more = {"capabilities": ["see", "live", "control"], "priority": 20}
    assert (await put_role(house, "regu", **more)).status_code == 200, "a grant of `see` alone stays what it was"
    problem(await put_role(house, "regu", **more, viewing=2), 403, "forbidden")


@pytest.mark.parametrize("is_role_first", [True, False])
async def test_a_role_that_grows_at_the_same_moment_grew_before_the_grant_or_not_at_all(
    house: House, *, is_role_first: bool
) -> None:
    await put_role(house)
    wish = {"role": "pos", "areas": ["31"], "reason": "Plt."}
    asked = [ask(house, "admin", "PUT", "/roles/pos", {**POST, "capabilities": ["see", "live"]}),
             ask(house, "admin", "POST", "/people/camat/grants", wish)]  # fmt: skip
    answers = await asyncio.gather(*(asked if is_role_first else reversed(asked)))
    grown, given = answers if is_role_first else reversed(answers)
    assert given.status_code == 201
    assert (given.json()["state"], "live" in given.json()["capabilities"]) == ("waiting", grown.status_code == 200)


async def test_who_approves_holds_what_the_role_brings_by_then(house: House) -> None:
    await second_admin(house)
    given = await citywide(house, approved=False)
    no_metrics = {"role": None, "deny": True, "capabilities": ["metrics"]}
    await give(house, "admin2", ["31"], **no_metrics)
    grown = Role(frozenset({Capability.SEE, Capability.METRICS}), 10, viewing=ViewingRank.PARTNER)
    await Grants(house.auth).set_role("pos", grown, None)
    refused = problem(await approve(house, "admin2", "camat", given), 403, "forbidden")
    assert "metrics" in refused["detail"]
