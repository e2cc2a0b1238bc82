"""The set-up over HTTP: it makes the first administrator, and is no address at all when there is one."""

from __future__ import annotations

import logging

import httpx
import pytest

from tests.support.people import regrant
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.in_person_kit import refused

JSON = {"Content-Type": "application/json"}


async def empty(house: House) -> str:
    """The house before its first administrator; the code."""
    await regrant(house.auth, "admin", "official", "31")
    code = await house.services.setup.make()
    assert code is not None
    return code


def boss(code: str) -> dict[str, str]:
    return {"code": code, "username": "boss", "display_name": "Ibu Admin", "password": PASSWORD}


def shape(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, dict(answer.headers)


async def test_the_first_administrator_is_made_and_in(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = await empty(house)
    async with house.client() as client:
        answer = await client.post("/setup", json=boss(code))
        assert answer.status_code == 200, answer.text
        assert "httponly" in answer.headers["set-cookie"].lower()
        me = (await client.get("/me")).json()
        assert (me["username"], me["role"], me["areas"]) == ("boss", "admin", ["31"])
        again = await client.post("/setup", json=boss(code))
        assert shape(again) == shape(await client.post("/no-such-address", json=boss(code)))
    assert code not in caplog.text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"code": 1}', b'{"code": "AAAA", "username": "x"}'])
async def test_afterwards_it_answers_like_any_unknown_address(house: House, method: str, content: bytes) -> None:
    async with house.client() as client:
        here, nowhere = [
            await client.request(method, path, content=content, headers=JSON) for path in ("/setup", "/setuq")
        ]
    assert shape(here) == shape(nowhere)


async def test_a_wrong_code_and_a_wrong_name_are_told_apart(house: House) -> None:
    code = await empty(house)
    async with house.client() as client:
        refused(await client.post("/setup", json=boss("AAAA-BBBB-CCCC-DDDD")), 401, "wrong-sign-in", "code")
        body = refused(await client.post("/setup", json=boss(code) | {"username": "camat"}), 422, "bad-input")
        assert body["faults"][0]["where"] == "username"
        assert (await client.post("/setup", json=boss(code))).status_code == 200


async def test_another_sites_page_sets_nothing_up(house: House) -> None:
    code = await empty(house)
    async with house.client() as client:
        answer = await client.post("/setup", json=boss(code), headers={"Origin": "https://evil.example"})
        refused(answer, 403, "cross-site")
        assert house.services.setup.is_open


async def test_guesses_are_slowed(house: House) -> None:
    await empty(house)
    async with house.client() as client:
        answers = [await client.post("/setup", json=boss(f"{i:04}")) for i in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
