"""Personal access tokens over HTTP: made by oneself, shown once, narrow, ended by oneself or who looks after one."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from auth.roles import Capability
from auth.scopes import token_holder
from camctl.api.session_schemas import NewTokenOut
from camctl.api.token_routes import MOST_PER_PERSON
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.in_person_kit import browser, refused

WALL = {"name": "wall", "scopes": ["live"], "days": 30}


async def made(client: Any, **more: Any) -> dict[str, Any]:
    answer = await client.post("/me/tokens", json={**WALL, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def holding(house: House, secret: str) -> httpx.AsyncClient:
    client = house.client()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


async def test_a_token_is_shown_once_and_signs_in_with_its_scopes(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with browser(house, "camat") as camat:
        body = await made(camat)
        secret = body["secret"]
        assert (body["token"]["name"], body["token"]["scopes"]) == ("wall", ["live", "see"])
        listed = await camat.get("/me/tokens")
        assert body["token"]["id"] in {item["id"] for item in listed.json()["items"]}
        assert secret not in listed.text
    async with holding(house, secret) as wall:
        assert (await wall.get("/me")).json()["username"] == "camat"
    sign_in = await house.auth.authenticate(secret)
    assert sign_in is not None
    scopes = frozenset({Capability.LIVE, Capability.SEE})
    assert sign_in.person == token_holder(await house.auth.person("camat"), scopes)
    assert secret not in caplog.text
    assert secret not in repr(NewTokenOut.model_validate(body))


async def test_a_token_makes_no_tokens_and_ends_none(house: House) -> None:
    async with browser(house, "admin") as admin:
        body = await made(admin, scopes=["manage_people", "see"])
    async with holding(house, body["secret"]) as wall:
        refused(await wall.post("/me/tokens", json=WALL), 403, "step-up-needed", "A program's token")
        refused(await wall.delete("/people/camat/tokens/x"), 403, "step-up-needed", "A program's token")
        for method, path in (("GET", "/me/tokens"), ("GET", "/people/camat/tokens"),
                             ("DELETE", f"/me/tokens/{body['token']['id']}"), ("DELETE", "/me/notices/x")):  # fmt: skip
            answer = await wall.request(method, path)
            assert refused(answer, 403, "forbidden")["why"] == "token", path


@pytest.mark.parametrize(
    ("more", "field"),
    [({"scopes": ["fly"]}, "scopes"), ({"scopes": ["manage_people"]}, "scopes"), ({"name": " "}, "name"),
     ({"name": "a\x00"}, "name")],
)  # fmt: skip
async def test_what_may_not_be_asked_for_is_named(house: House, more: dict[str, Any], field: str) -> None:
    async with browser(house, "camat") as camat:
        body = refused(await camat.post("/me/tokens", json=WALL | more), 422, "bad-input")
        assert body["faults"][0]["where"] == field
        assert (await camat.get("/me/tokens")).json()["items"] == []


@pytest.mark.parametrize("more", [{"days": 0}, {"days": 367}, {"scopes": []}, {"name": ""}, {"role": "admin"}])
async def test_a_wrong_body_is_refused(house: House, more: dict[str, Any]) -> None:
    async with browser(house, "camat") as camat:
        refused(await camat.post("/me/tokens", json=WALL | more), 422, "bad-input")
        assert (await camat.post("/me/tokens", json=WALL | {"days": 366})).status_code == 201


async def test_a_person_ends_their_own_and_nobody_elses(house: House) -> None:
    async with browser(house, "camat") as camat, browser(house, "walikota") as other:
        body = await made(camat)
        path = f"/me/tokens/{body['token']['id']}"
        refused(await other.delete(path), 404, "not-found")
        assert (await camat.delete(path)).status_code == 204
        refused(await camat.delete(path), 404, "not-found")
    async with holding(house, body["secret"]) as wall:
        refused(await wall.get("/me"), 401, "not-signed-in")


async def test_a_browsers_sign_in_is_no_token_to_end(house: House) -> None:
    async with browser(house, "camat") as camat:
        session, _ = (await camat.get("/me/sessions")).json()["items"]
        refused(await camat.delete(f"/me/tokens/{session['id']}"), 404, "not-found")
        assert (await camat.get("/me")).status_code == 200


async def test_who_looks_after_somebody_sees_and_ends_their_tokens(house: House) -> None:
    await house.auth.create_person("kota", PASSWORD, role="admin", areas=["31.74"], display_name="Kota")
    async with browser(house, "camat") as camat:
        body = await made(camat)
    path = f"/people/camat/tokens/{body['token']['id']}"
    async with browser(house, "kota") as stranger:
        unknown = await stranger.get("/people/nobody/tokens")
        foreign = await stranger.get("/people/camat/tokens")
        assert (foreign.status_code, foreign.json()) == (404, unknown.json())
        refused(await stranger.delete(path), 404, "not-found")
    async with browser(house, "walikota") as plain:
        refused(await plain.get("/people/camat/tokens"), 403, "forbidden")
    async with browser(house, "admin") as admin:
        listed = (await admin.get("/people/Camat/tokens")).json()["items"]
        assert body["token"]["id"] in {item["id"] for item in listed}
        assert (await admin.delete(path)).status_code == 204
    async with holding(house, body["secret"]) as wall:
        refused(await wall.get("/me"), 401, "not-signed-in")


async def test_there_are_so_many_and_no_more(house: House) -> None:
    async with browser(house, "camat") as camat:
        for _ in range(MOST_PER_PERSON):
            await made(camat)
        refused(await camat.post("/me/tokens", json=WALL), 409, "not-done", "end one first")


async def test_another_sites_page_makes_none(house: House) -> None:
    async with browser(house, "camat") as camat:
        answer = await camat.post("/me/tokens", json=WALL, headers={"Origin": "https://evil.example"})
        refused(answer, 403, "cross-site")


async def test_a_token_may_do_less_than_its_person(house: House) -> None:
    async with browser(house, "camat") as camat:
        see = await made(camat, scopes=["see"])
        live = await made(camat, scopes=["live"])
    async with holding(house, see["secret"]) as wall:
        [first, *_] = (await wall.get("/cameras")).json()["items"]
        assert not any(first["may"].values())
        assert (await wall.get("/me")).json()["capabilities"] == ["see"]
    async with holding(house, live["secret"]) as wall:
        refused(await wall.post(f"/cameras/{first['id']}/ptz/move", json={"pan": 0.5}), 403, "forbidden")
        assert (await wall.get(f"/cameras/{first['id']}")).json()["may"]["live"] is True
