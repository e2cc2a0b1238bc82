"""The city's account over HTTP: the browser is sent there and back, and keeps its proof where no script and no other
site reads it.
"""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from auth.city_sign_in import CitySignIn
from auth.oidc_client import OidcClient
from auth.oidc_settings import DirectoryRefusedError, OidcSettings
from camctl.audit.entry import Action
from tests.support.directory import ISSUER, Directory
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.in_person_kit import refused

PUBLIC = "https://cctv.example.go.id"
SETTINGS = OidcSettings(ISSUER, "camctl", "secret", f"{PUBLIC}/api/v1/auth/oidc/callback")
FAILED = "/#/city-sign-in-failed"


@pytest.fixture
def directory(house: House) -> Directory:
    """It knows the camat, by the name they have here."""
    directory = Directory({"sub": "camat"})
    client = OidcClient(SETTINGS, directory.guard, transport=directory.transport)
    city = CitySignIn(SETTINGS, house.auth, cast("Any", house.people), client)
    app: FastAPI = house.app
    object.__setattr__(app.state.services, "city", city)
    return directory


def browser(house: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"{PUBLIC}/api/v1")


async def leave(client: httpx.AsyncClient, directory: Directory) -> dict[str, str]:
    answer = await client.get("/auth/oidc/start")
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    directory.nonce = asked["nonce"]
    return asked


async def test_a_person_of_the_directory_comes_in(
    house: House, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with browser(house) as client:
        assert (await client.get("/auth/oidc")).json() == {"enabled": True}
        asked = await leave(client, directory)
        kept = client.cookies["__Host-camctl_oidc"]
        answer = await client.get("/auth/oidc/callback", params={"code": "c-123", "state": asked["state"]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/#/")
        assert answer.headers["cache-control"] == "no-store"
        forgotten, session = answer.headers.get_list("set-cookie")
        assert "__Host-camctl_oidc=" in forgotten
        assert "max-age=0" in forgotten.lower()
        for flag in ("camctl_session=", "httponly", "secure", "samesite=strict"):
            assert flag in session.lower()
        assert (await client.get("/me")).json()["username"] == "camat"
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]  # the test's own browser
    [entry] = house.recorder.of(Action.SIGN_IN)
    assert (entry.actor.name, entry.details["by"]) == ("Camat", "directory")
    for secret in (*kept.split("."), "c-123"):
        assert secret not in str(ours)


async def test_the_proof_is_kept_from_scripts_and_goes_along_when_the_directory_sends_back(
    house: House, directory: Directory
) -> None:
    async with browser(house) as client:
        kept = (await client.get("/auth/oidc/start")).headers["set-cookie"].lower()
    # Lax: the way back begins at another site, whither a strict one would not go.
    for flag in ("httponly", "secure", "samesite=lax", "path=/", "max-age=600"):
        assert flag in kept


async def test_an_answer_is_used_once(house: House, directory: Directory) -> None:
    async with browser(house) as client:
        asked = await leave(client, directory)
        answer = {"code": "c", "state": asked["state"]}
        assert (await client.get("/auth/oidc/callback", params=answer)).headers["location"] == "/#/"
        client.cookies.delete("camctl_session")
        again = await client.get("/auth/oidc/callback", params=answer)
        assert again.headers["location"] == FAILED
        assert (await client.get("/me")).status_code == 401


@pytest.mark.parametrize(
    "answer", [{}, {"code": "c"}, {"state": "x"}, {"code": "c", "state": "x" * 43}, {"error": "access_denied"}]
)
async def test_what_was_not_asked_for_signs_nobody_in(
    house: House, directory: Directory, answer: dict[str, str]
) -> None:
    async with browser(house) as client:
        await leave(client, directory)
        refused_with = await client.get("/auth/oidc/callback", params=answer)
        assert (refused_with.status_code, refused_with.headers["location"]) == (303, FAILED)
        assert "camctl_session" not in str(refused_with.headers)
        assert not [path for path, _ in directory.asked if path == "/token"]


async def test_an_attackers_answer_in_somebody_elses_browser_signs_nobody_in(
    house: House, directory: Directory
) -> None:
    async with browser(house) as attacker, browser(house) as victim:
        asked = await leave(attacker, directory)
        await victim.get("/auth/oidc/start")
        answer = await victim.get("/auth/oidc/callback", params={"code": "c", "state": asked["state"]})
        assert answer.headers["location"] == FAILED
        assert "camctl_session" not in victim.cookies


async def test_whom_the_service_does_not_know_and_a_closed_account_are_told_the_same(
    house: House, directory: Directory
) -> None:
    await house.auth.disable_person("walikota")
    for subject in ("stranger", "walikota"):
        directory.claims = {"sub": subject}
        async with browser(house) as client:
            asked = await leave(client, directory)
            answer = await client.get("/auth/oidc/callback", params={"code": "c", "state": asked["state"]})
            assert answer.headers["location"] == FAILED
            assert "camctl_session" not in client.cookies


async def test_a_directory_that_is_down_sends_to_the_page(house: House, directory: Directory) -> None:
    directory.answers["/.well-known/openid-configuration"] = lambda _request: httpx.Response(500)
    async with browser(house) as client:
        assert (await client.get("/auth/oidc/start")).headers["location"] == FAILED


async def test_a_directory_that_the_guard_refuses_is_told_to_the_administrator_and_in_words_to_the_person(
    house: House, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    what = "login.example.go.id (10.20.5.7) is a private address; add 10.20.5.7/32 to oidc.approved_networks"
    directory.guard.refusal = DirectoryRefusedError(what)
    async with browser(house) as client:
        for _ in range(2):  # the second time within the seconds in which nobody asks again
            answer = await client.get("/auth/oidc/start")
            assert (answer.status_code, answer.headers["location"]) == (303, "/#/city-sign-in-unavailable")
            assert "10.20.5.7" not in str(answer.headers) + answer.text
    lines = [record.getMessage() for record in caplog.records if record.name == "camctl.api.oidc_routes"]
    assert lines == [f"a sign-in by the directory was refused: {what}"] * 2
    assert (directory.asked, len(directory.guard.judged)) == ([], 1)


async def test_a_directory_that_moves_where_the_guard_lets_nobody_go_signs_nobody_in(
    house: House, directory: Directory
) -> None:
    async with browser(house) as client:
        asked = await leave(client, directory)
        directory.guard.refusal = DirectoryRefusedError("It is elsewhere.")
        answer = await client.get("/auth/oidc/callback", params={"code": "c", "state": asked["state"]})
        assert answer.headers["location"] == "/#/city-sign-in-unavailable"
        assert "camctl_session" not in client.cookies
    assert [path for path, _ in directory.asked] == ["/.well-known/openid-configuration"]


async def test_without_a_directory_there_is_no_way_to_it(house: House) -> None:
    async with browser(house) as client:
        assert (await client.get("/auth/oidc")).json() == {"enabled": False}
        for path in ("/auth/oidc/start", "/auth/oidc/callback"):
            refused(await client.get(path), 404, "not-found", "no directory")
