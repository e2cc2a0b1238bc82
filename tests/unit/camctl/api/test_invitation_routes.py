"""Links over HTTP: who makes them, that their secret is nowhere but in the answer, and what using one does."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from camctl.audit.entry import Action
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.in_person_kit import ANDROID, browser, program, refused

BUDI = {"role": "operator", "areas": ["31.71"], "display_name": "Pak Budi"}
NEW = "gamelan 42 x"
EVIL = {"Origin": "https://evil.example"}


async def invited(house: House, who: str = "admin", **more: Any) -> dict[str, Any]:
    async with browser(house, who) as client:
        answer = await client.post("/invitations", json={**BUDI, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


def secret_of(made: dict[str, Any]) -> str:
    address, _, secret = made["link"].partition("/#/invitation/")
    assert address == "http://camctl"
    assert len(secret) == 43
    return str(secret)


async def test_an_invited_person_comes_in(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await invited(house)
    secret = secret_of(made)
    assert not made["waits"]
    assert made["qr_svg"].startswith("<svg")
    assert made["invitation"]["by"] == "Admin"
    async with house.client() as guest:
        seen = await guest.post("/invitations/look", json={"secret": secret})
        assert seen.json() | {"expires_at": ""} == {
            "kind": "invitation", "username": None, "display_name": "Pak Budi", "by": "Admin", "expires_at": "",
        }  # fmt: skip
        answer = await guest.post("/invitations/accept", json={"secret": secret, "username": "budi", "password": NEW})
        assert answer.status_code == 200, answer.text
        assert answer.json()["person"]["username"] == "budi"
        flags = answer.headers["set-cookie"].lower()
        assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/"))
        me = await guest.get("/me")
        assert (me.json()["role"], me.json()["areas"], me.json()["notices"]) == ("operator", ["31.71"], [])
        again = await guest.post("/invitations/accept", json={"secret": secret, "username": "b2", "password": NEW})
        refused(again, 404, "not-found", "does not hold")
        unknown = await guest.post("/invitations/accept", json={"secret": "x" * 43, "username": "b", "password": NEW})
        assert unknown.json() == again.json()
    assert secret not in caplog.text
    assert NEW not in caplog.text


async def test_a_link_is_made_at_the_address_that_is_configured(house: House) -> None:
    async with browser(house, "admin") as client:
        there = await client.post("http://10.1.2.3:8080/api/v1/invitations", json=BUDI,
                                  headers={"Cookie": f"camctl_session={client.cookies['camctl_session']}"})  # fmt: skip
    assert there.json()["link"].startswith("http://10.1.2.3:8080/#/invitation/")


@pytest.mark.parametrize(
    ("more", "field"),
    [({"password": "short"}, "password"), ({"username": "admin"}, "username"), ({"username": "a b"}, "username"),
     ({"username": None}, "username")],
)  # fmt: skip
async def test_a_mistake_is_named_and_the_link_still_holds(house: House, more: dict[str, Any], field: str) -> None:
    secret = secret_of(await invited(house))
    good = {"secret": secret, "username": "budi", "password": NEW}
    async with house.client() as guest:
        body = refused(await guest.post("/invitations/accept", json=good | more), 422, "bad-input")
        assert body["faults"][0]["where"] == field
        assert (await guest.post("/invitations/accept", json=good)).status_code == 200


@pytest.mark.parametrize(
    ("more", "status"),
    [({"areas": ["99.99"]}, 422), ({"areas": []}, 422), ({"role": "king"}, 422), ({"life_s": 1.0}, 422),
     ({"display_name": ""}, 422), ({"role": "partner"}, 422), ({"username": "camat"}, 422), ({"password": "x"}, 422)],
)  # fmt: skip
async def test_a_wish_that_cannot_be(house: House, more: dict[str, Any], status: int) -> None:
    async with browser(house, "admin") as client:
        assert (await client.post("/invitations", json={**BUDI, **more})).status_code == status
        assert (await client.get("/invitations")).json() == {"items": []}


async def test_only_who_looks_after_people_makes_links_and_only_themselves(house: House) -> None:
    for who in ("walikota", "operator", "partner"):
        async with browser(house, who) as client:
            refused(await client.post("/invitations", json=BUDI), 403, "forbidden")
            refused(await client.get("/invitations"), 403, "forbidden")
            refused(await client.post("/people/camat/recovery", json={}), 403, "forbidden")
            refused(await client.delete("/invitations/x"), 403, "forbidden")
    async with program(house, "admin") as tool:
        assert refused(await tool.get("/invitations"), 403, "forbidden")["why"] == "token"
        refused(await tool.delete("/invitations/x"), 403, "step-up-needed", "A program's token")
        for path, body in (("/invitations", BUDI), ("/people/camat/recovery", {})):
            refused(await tool.post(path, json=body), 403, "step-up-needed", "A program's token")


async def test_an_administrator_stays_within_their_areas(house: House) -> None:
    await house.auth.create_person("kota", PASSWORD, role="admin", areas=["31.74"], display_name="Kota")
    made = await invited(house)
    async with browser(house, "kota") as client:
        refused(
            await client.post("/invitations", json=BUDI), 403, "forbidden", "do not look after people in all of 31.71"
        )
        assert (await client.get("/invitations")).json() == {"items": []}
        there = await client.delete(f"/invitations/{made['invitation']['id']}")
        unknown = await client.delete("/invitations/unknown")
        assert (there.status_code, there.json()) == (404, unknown.json())
        for name in ("camat", "nobody", "a b", "kota"):
            refused(await client.post(f"/people/{name}/recovery", json={}), 404, "not-found", "nobody")


async def test_a_link_is_listed_and_withdrawn(house: House) -> None:
    made = await invited(house, username="Budi", life_s=600.0)
    async with browser(house, "admin") as client:
        listed = await client.get("/invitations")
        assert listed.json()["items"] == [made["invitation"]]
        assert made["invitation"]["username"] == "budi"
        assert secret_of(made) not in listed.text
        assert (await client.delete(f"/invitations/{made['invitation']['id']}")).status_code == 204
        assert (await client.get("/invitations")).json() == {"items": []}
    async with house.client() as guest:
        refused(await guest.post("/invitations/look", json={"secret": secret_of(made)}), 404, "not-found")


async def test_a_recovery_is_told_by_whom_until_it_is_read(house: House) -> None:
    async with browser(house, "camat") as old, browser(house, "admin") as admin:
        made = (await admin.post("/people/Camat/recovery", json={})).json()
        assert (made["invitation"]["kind"], made["invitation"]["username"]) == ("recovery", "camat")
        async with house.client() as guest:
            secret = secret_of(made)
            seen = (await guest.post("/invitations/look", json={"secret": secret})).json()
            assert (seen["kind"], seen["username"]) == ("recovery", "camat")
            answer = await guest.post("/invitations/accept", json={"secret": secret, "password": NEW})
            assert answer.status_code == 200
        refused(await old.get("/me"), 401, "not-signed-in")
        async with house.client("camat") as elsewhere:
            refused(await elsewhere.get("/me"), 401, "not-signed-in")
    async with browser(house, "camat", NEW) as camat:
        [notice] = (await camat.get("/me")).json()["notices"]
        assert (notice["kind"], notice["by"]) == ("recovered", "Admin")
        assert (await camat.delete(f"/me/notices/{notice['id']}")).status_code == 204
        assert (await camat.get("/me")).json()["notices"] == []


async def test_another_sites_page_can_use_no_link_and_make_none(house: House) -> None:
    made = await invited(house)
    good = {"secret": secret_of(made), "username": "budi", "password": NEW}
    async with house.client() as guest:
        refused(await guest.post("/invitations/accept", json=good, headers=EVIL), 403, "cross-site")
        look = {"secret": good["secret"]}
        refused(await guest.post("/invitations/look", json=look, headers=EVIL), 403, "cross-site")
    async with browser(house, "admin") as admin:
        refused(await admin.post("/invitations", json=BUDI, headers=EVIL), 403, "cross-site")
        refused(await admin.post("/people/camat/recovery", json={}, headers=EVIL), 403, "cross-site")


async def test_guessed_secrets_are_slowed(house: House) -> None:
    async with house.client() as guest:
        answers = [await guest.post("/invitations/look", json={"secret": "x" * 43}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_the_device_of_who_came_in_is_remembered(house: House) -> None:
    secret = secret_of(await invited(house))
    async with house.client() as guest:
        guest.headers["User-Agent"] = ANDROID
        await guest.post("/invitations/accept", json={"secret": secret, "username": "budi", "password": NEW})
        [session] = (await guest.get("/me/sessions")).json()["items"]
    assert session["device"] == "Chrome Mobile, Android"


async def test_without_the_database_it_says_so(house: House) -> None:
    async with browser(house, "admin") as admin, house.client() as guest:
        house.people.is_broken = True
        refused(await admin.post("/invitations", json=BUDI), 503, "unavailable")
        refused(await guest.post("/invitations/look", json={"secret": "x" * 43}), 503, "unavailable")


async def test_nobody_makes_themselves_one_of_a_camera_owners_people(house: House) -> None:
    """By an account of an invented partner, who would see cameras that are kept for emergencies."""
    camera = house.control.get("bundaran")
    assert camera is not None
    camera.entry = replace(camera.entry, emergency_only=True)
    partner = {"role": "partner", "areas": ["31.71"], "organisation": "pt contoh", "display_name": "Mitra"}
    link = await invited(house, **partner)
    assert link["waits"]
    secret = secret_of(link)
    (made,) = [one for one in house.recorder.of(Action.PERSON_CHANGE) if one.details["change"] == "invitation-made"]
    assert made.details["organisation"] == "pt contoh"
    async with house.client() as guest:
        new = {"secret": secret, "username": "mitra", "password": NEW}
        assert (await guest.post("/invitations/accept", json=new)).status_code == 200
        assert (await guest.get("/cameras/bundaran")).status_code == 404
        (waiting,) = (await guest.get("/me/grants")).json()["items"]
        assert waiting["state"] == "waiting"
        path = f"/people/mitra/grants/{waiting['id']}/approve"
        async with browser(house, "admin") as maker:
            refused(await maker.post(path), 403, "forbidden", "second person")
        await house.auth.create_person("admin2", PASSWORD, role="admin", areas=["31"], display_name="Admin2")
        async with browser(house, "admin2") as second:
            assert (await second.post(path)).status_code == 200
        assert (await guest.get("/cameras/bundaran")).json()["may"]["live"]


async def test_who_answers_for_the_whole_city_gets_a_new_password_on_the_machine_only(house: House) -> None:
    await house.auth.create_person("admin2", PASSWORD, role="admin", areas=["31"], display_name="Admin2")
    async with browser(house, "admin") as client:
        refused(await client.post("/people/admin2/recovery", json={}), 404, "not-found", "camctl user recover")
