"""Accounts of the re-stream over HTTP, with a real database: who may make them for whom, and what is told of them."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from auth.grant_service import Grants
from auth.restreams import StoredRestream
from auth.roles import Capability, Role
from camctl.api.restream_routes import MOST_PER_PERSON
from camctl.api.restream_schemas import NewRestreamAccountOut
from camctl.restream_account import REALM
from streams.rtsp.auth import hashes_of
from tests.unit.camctl.api.api_kit import FEED, FIRST, SECOND, House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.in_person_kit import browser

ACCOUNTS = "/restream/accounts"
WHERE = {"enabled": True, "host": "10.20.0.1", "port": 8554}


@pytest.fixture
def options() -> dict[str, Any]:
    return {"restream": WHERE}


async def make(house: House, who: str, name: str = "nvr-1", **more: Any) -> httpx.Response:
    async with house.client(who) as client:
        return await client.post(ACCOUNTS, json={"name": name, **more})


async def made(house: House, who: str, name: str = "nvr-1", **more: Any) -> dict[str, Any]:
    answer = await make(house, who, name, **more)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def remove(house: House, who: str, name: str = "nvr-1") -> httpx.Response:
    async with house.client(who) as client:
        return await client.delete(f"{ACCOUNTS}/{name}")


async def names(house: House, who: str) -> list[str]:
    async with house.client(who) as client:
        return [item["name"] for item in (await client.get(ACCOUNTS)).json()["items"]]


def kept(house: House) -> list[StoredRestream]:
    return house.services.restreams.all()


def refused(answer: httpx.Response, status: int, kind: str, word: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:camctl:problem:{kind}"
    assert word in answer.json()["detail"]


async def test_the_secret_is_said_once_with_where_to_pull(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await make(house, "camat", "NVR-1")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    body = answer.json()
    secret, account = body["secret"], body["account"]
    assert (account["name"], account["username"], account["cameras"]) == ("nvr-1", "camat", [])
    assert account["closed"] is False
    [stored] = kept(house)
    assert stored.hashes == hashes_of("nvr-1", REALM, secret)
    # What a camat of 31.71.07 may watch: the street of 31.74 is not among it.
    root = "rtsp://10.20.0.1:8554"
    assert body["streams"] == [
        {"camera_id": id_, "main": f"{root}/{id_}/main", "sub": f"{root}/{id_}/sub"} for id_ in (FIRST, FEED)
    ]
    async with house.client("camat") as client:
        listed = await client.get(ACCOUNTS)
    assert listed.json()["items"] == [account]
    assert secret not in listed.text
    assert secret not in caplog.text
    assert "camat made the re-stream account nvr-1 of camat" in caplog.text
    assert secret not in repr(NewRestreamAccountOut.model_validate(body))


async def test_an_account_is_heard_of_as_one_from_the_command_line(house: House) -> None:
    heard: list[str] = []
    house.auth.on_change.append(heard.append)
    await made(house, "camat")
    camat = (await house.sign_in("camat")).person.id
    await house.auth.poll_changes()
    assert camat in heard
    heard.clear()
    assert (await remove(house, "camat")).status_code == 204
    await house.auth.poll_changes()
    assert heard == [camat]
    assert kept(house) == []


async def test_named_cameras_narrow_it_and_those_that_it_could_never_play_are_refused(house: House) -> None:
    body = await made(house, "camat", cameras=[FIRST, FIRST])
    assert body["account"]["cameras"] == [FIRST]
    assert [streams["camera_id"] for streams in body["streams"]] == [FIRST]
    answer = await make(house, "camat", "nvr-2", cameras=[FIRST, SECOND, "tidak-ada"])
    refused(answer, 422, "bad-input", f"there is no camera {SECOND!r} that camat may watch")
    foreign, unknown = answer.json()["faults"]
    assert (foreign["where"], unknown["where"]) == ("cameras.1", "cameras.2")
    assert foreign["what"].replace(SECOND, "tidak-ada") == unknown["what"]
    assert len(kept(house)) == 1


async def test_an_administrator_makes_and_removes_accounts_of_people_in_their_areas(house: House) -> None:
    body = await made(house, "admin", username="Partner")
    assert body["account"]["username"] == "partner"
    await made(house, "partner", "nvr-2")
    await made(house, "admin", "nvr-3")
    assert await names(house, "admin") == ["nvr-1", "nvr-2", "nvr-3"]
    assert await names(house, "partner") == ["nvr-1", "nvr-2"]
    assert await names(house, "camat") == []
    assert (await remove(house, "admin", "nvr-2")).status_code == 204
    assert (await remove(house, "partner", "NVR-1")).status_code == 204
    assert await names(house, "admin") == ["nvr-3"]


async def test_nobody_sees_by_an_account_of_somebody_else_what_they_could_not_grant_them(house: House) -> None:
    """A clerk who looks after everybody in an area, and may watch but not steer there, makes none for who steers."""
    clerk = Role(frozenset({Capability.SEE, Capability.LIVE, Capability.MANAGE_PEOPLE}), 0)
    await Grants(house.auth).set_role("clerk", clerk, None)
    await house.auth.create_person("clerk", PASSWORD, role="clerk", areas=["31.71"], display_name="Clerk")
    await house.auth.create_person("guard", PASSWORD, role="clerk", areas=["31.71.07"], display_name="Guard")
    async with browser(house, "clerk") as client:
        answer = await client.post(ACCOUNTS, json={"name": "nvr-1", "username": "camat"})
        refused(answer, 403, "forbidden", "You do not hold control")
        assert (await client.post(ACCOUNTS, json={"name": "nvr-2", "username": "guard"})).status_code == 201
    assert [account.name for account in kept(house)] == ["nvr-2"]


async def test_an_account_for_somebody_else_needs_a_fresh_proof(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.model.is_fresh", lambda _proved_at, _now: False)
    async with browser(house, "admin") as client:
        refused(await client.post(ACCOUNTS, json={"name": "nvr-1", "username": "camat"}), 403, "step-up-needed", "")
        assert (await client.post(ACCOUNTS, json={"name": "nvr-2"})).status_code == 201


async def test_somebody_of_another_area_answers_like_nobody(house: House) -> None:
    await house.auth.create_person("lain", PASSWORD, role="admin", areas=["31.71"], display_name="Lain")
    async with house.client() as stranger:
        token = (await stranger.post("/auth/login", json={"username": "lain", "password": PASSWORD})).json()["token"]
        stranger.headers["Authorization"] = f"Bearer {token}"
        stranger.cookies.clear()
        await made(house, "operator")
        answers = [
            await stranger.post(ACCOUNTS, json={"name": "nvr-2", "username": username})
            for username in ("operator", "nobody", "no name")
        ]
        assert (await stranger.post(ACCOUNTS, json={"name": "nvr-3", "username": "camat"})).status_code == 201
        assert [item["name"] for item in (await stranger.get(ACCOUNTS)).json()["items"]] == ["nvr-3"]
        removed = [await stranger.delete(f"{ACCOUNTS}/{name}") for name in ("nvr-1", "nvr-9", "a:b")]
    answers.append(await make(house, "walikota", "nvr-2", username="camat"))
    removed.append(await remove(house, "camat", "nvr-1"))
    for same in (answers, removed):
        refused(same[0], 404, "not-found", "or none" if same is removed else "or nobody")
        assert {answer.content for answer in same} == {same[0].content}
    assert [account.name for account in kept(house)] == ["nvr-1", "nvr-3"]


@pytest.mark.parametrize("name", ["", "a:b", 'a"b', "-a", "x" * 65, "x" * 257, "a/b", "\ud800"])
async def test_names_are_those_of_the_command_line(house: House, name: str) -> None:
    async with house.client("camat") as client:
        text = json.dumps({"name": name})  # by hand: httpx writes no lone surrogates
        answer = await client.post(ACCOUNTS, content=text, headers={"Content-Type": "application/json"})
    refused(answer, 422, "bad-input", "name: ")
    assert [fault["where"] for fault in answer.json()["faults"]] == ["name"]
    assert kept(house) == []


async def test_a_name_is_given_once(house: House) -> None:
    await made(house, "camat")
    refused(await make(house, "operator", "Nvr-1"), 422, "bad-input", "already")


@pytest.mark.parametrize("more", [{"cameras": FIRST}, {"cameras": [""]}, {"cameras": ["x"] * 257}, {"secret": "mine"}])
async def test_a_wrong_body_is_refused(house: House, more: dict[str, Any]) -> None:
    assert (await make(house, "camat", **more)).status_code == 422


async def test_a_person_has_so_many_accounts_and_no_more(house: House) -> None:
    for number in range(MOST_PER_PERSON):
        await made(house, "camat", f"nvr-{number}")
    refused(await make(house, "camat", "one-more"), 409, "not-done", "remove one first")
    refused(await make(house, "admin", "one-more", username="camat"), 409, "not-done", "camat has 16")
    assert (await remove(house, "camat", "nvr-0")).status_code == 204
    await made(house, "camat", "one-more")


async def test_whoever_may_not_watch_gets_none(house: House) -> None:
    await house.auth.disable_person("camat")
    refused(await make(house, "admin", username="camat"), 422, "bad-input", "their account is closed")


async def test_an_account_of_a_closed_person_is_shown_so(house: House) -> None:
    await made(house, "camat")
    await house.auth.disable_person("camat")
    async with house.client("admin") as client:
        [item] = (await client.get(ACCOUNTS)).json()["items"]
    assert item["closed"] is True


@pytest.mark.parametrize("options", [{}])
async def test_where_recorders_cannot_pull_it_is_said_and_old_accounts_can_be_removed(house: House) -> None:
    refused(await make(house, "camat"), 409, "restream-off", "restream.enabled")
    house.services.restreams.add("camat", "nvr-1", {"MD5": "0" * 32}, [], (await house.auth.person("camat")).created)
    assert await names(house, "camat") == ["nvr-1"]
    assert (await remove(house, "camat")).status_code == 204


@pytest.mark.parametrize(
    ("options", "root"),
    [
        ({"restream": {**WHERE, "host": "0.0.0.0"}}, "rtsp://camctl:8554/"),
        ({"restream": {**WHERE, "host": ""}, "server": {"public_url": "https://cctv.example:8443"}},
         "rtsp://cctv.example:8554/"),
        ({"restream": {**WHERE, "host": "fd00::1"}}, "rtsp://[fd00::1]:8554/"),
    ],
)  # fmt: skip
async def test_an_address_is_one_that_the_caller_can_reach(house: House, root: str) -> None:
    body = await made(house, "camat")
    assert all(streams["main"].startswith(root) for streams in body["streams"])


async def test_another_sites_page_makes_and_removes_nothing_with_the_cookie(house: House) -> None:
    await made(house, "camat")
    async with house.client() as page:
        page.cookies.set("camctl_session", house.tokens["camat"])
        evil = {"Origin": "http://evil.example"}
        posted = await page.post(ACCOUNTS, json={"name": "nvr-2"}, headers=evil)
        refused(posted, 403, "cross-site", "another page")
        assert (await page.delete(f"{ACCOUNTS}/nvr-1", headers=evil)).status_code == 403
        assert (await page.get(ACCOUNTS)).status_code == 200
        own = await page.post(ACCOUNTS, json={"name": "nvr-2"}, headers={"Origin": "http://camctl"})
        assert own.status_code == 201
    assert len(kept(house)) == 2


async def test_without_the_database_it_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in = await house.sign_in("camat")

    async def known(_token: str, _address: str) -> Any:
        return sign_in

    monkeypatch.setattr(house.auth, "authenticate", known)
    house.people.is_broken = True
    async with house.client("camat") as client:
        for answer in (
            await client.get(ACCOUNTS),
            await client.post(ACCOUNTS, json={"name": "nvr"}),
            await client.delete(f"{ACCOUNTS}/nvr"),
        ):
            refused(answer, 503, "unavailable", "")
