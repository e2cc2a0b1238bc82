"""Signing in by passkey or with codes, fresh proofs and one's own account over HTTP, with a real database."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from fastapi import Depends

from auth.model import SignIn
from auth.passwords import Passwords
from auth.roles import Capability
from camctl.api.step_up import SteppedUp
from camctl.audit.entry import Action
from tests.support.authenticator import Authenticator
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD

ORIGIN = "https://cctv.example.id"
BROWSER = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def options() -> dict[str, Any]:
    return {"server": {"public_url": ORIGIN}}


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator(ORIGIN)


def kind(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix("urn:camctl:problem:")


@asynccontextmanager
async def login(house: House, who: str = "camat", password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which this person has just signed in."""
    async with house.client() as client:
        client.headers.update(BROWSER)
        answer = await client.post("/auth/login", json={"username": who, "password": password})
        assert answer.status_code == 200, answer.text
        yield client


async def add(client: httpx.AsyncClient, phone: Authenticator, name: str = "phone") -> httpx.Response:
    options = (await client.post("/account/passkeys/begin")).json()["options"]
    return await client.post("/account/passkeys", json={"answer": phone.make(options), "name": name})


async def by_passkey(house: House, phone: Authenticator) -> httpx.Response:
    async with house.client() as client:
        options = (await client.post("/auth/passkey/begin", headers=BROWSER)).json()["options"]
        return await client.post("/auth/passkey/finish", headers=BROWSER, json={"answer": phone.prove(options)})


async def turn_on(client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    fresh = (await client.post("/account/totp/begin")).json()
    totp = pyotp.TOTP(fresh["secret"])
    assert fresh["qr"].startswith("data:image/svg+xml")
    answer = await client.post("/account/totp", json={"code": totp.now()})
    return totp, list(answer.json()["codes"])


async def grow_old(house: House, client: httpx.AsyncClient) -> None:
    """The sign-in's proof is eleven minutes old."""
    sign_in = await house.auth.authenticate(str(client.cookies["camctl_session"]))
    assert sign_in is not None
    then = datetime.now(UTC) - timedelta(minutes=11)
    house.auth._records.prove(sign_in.session_id, then)


# Passkeys ------------------------------------------------------------------------------------------------------------


async def test_a_passkey_from_making_to_signing_in(house: House, phone: Authenticator) -> None:
    async with login(house) as client:
        made = await add(client, phone)
        assert (made.status_code, made.json()["name"], made.json()["here"]) == (201, "phone", True)
        answer = await by_passkey(house, phone)
        assert answer.status_code == 200
        assert answer.json()["person"]["username"] == "camat"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert answer.json()["token"] != client.cookies["camctl_session"]
        account = (await client.get("/account")).json()
        assert [key["name"] for key in account["passkeys"]] == ["phone"]
        passkey = f"/account/passkeys/{made.json()['id']}"
        assert (await client.patch(passkey, json={"name": "kantor"})).json()["name"] == "kantor"
        assert (await client.delete(passkey)).status_code == 204
        assert kind(await client.delete(passkey), 404) == "not-found"
    assert kind(await by_passkey(house, phone), 403) == "passkey-refused"


async def test_another_page_s_address_gets_no_passkeys_and_another_site_s_page_nothing(house: House) -> None:
    async with house.client() as client:
        evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert kind(await client.post("/auth/passkey/begin", headers=evil), 403) == "cross-site"
        elsewhere = {"Origin": "http://camctl"}  # the request's own host, which is not the configured name
        refused = await client.post("/auth/passkey/begin", headers=elsewhere)
        assert kind(refused, 409) == "no-passkeys-here"
        assert ORIGIN in refused.json()["detail"]


@pytest.mark.parametrize("change", [{"id": "ü"}, {"type": "x"}, {"more": 1}, {"response": {}}, {"rawId": "A" * 5000}])
async def test_an_answer_of_another_form_is_bad_input(house: House, phone: Authenticator, change: Any) -> None:
    async with login(house) as client:
        await add(client, phone)
        options = (await client.post("/auth/passkey/begin")).json()["options"]
        answer = {**phone.prove(options), **change}
        assert kind(await client.post("/auth/passkey/finish", json={"answer": answer}), 422) == "bad-input"


# Two steps -----------------------------------------------------------------------------------------------------------


async def test_a_password_with_a_code(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with login(house) as client:
        totp, codes = await turn_on(client)
    async with house.client() as client, house.client() as elsewhere:
        credentials = {"username": "camat", "password": PASSWORD}
        first = await client.post("/auth/login", json=credentials)
        assert kind(first, 401) == "second-factor-needed"
        assert "camctl_session" not in first.headers["set-cookie"]
        pending = first.json()["pending"]
        step = {"pending": pending, "code": totp.now()}
        assert kind(await client.post("/auth/second-factor", json=step), 403) == "wrong-code"  # used to switch it on
        right = {"pending": pending, "code": codes[0]}
        # Read over a shoulder or in a log, it is of no use in another browser, and spoils nothing in the right one.
        assert kind(await elsewhere.post("/auth/second-factor", json=right), 401) == "second-factor-over"
        half = first.cookies["camctl_half"]
        assert (await client.get("/account")).request.headers.get("cookie") is None  # it goes to /auth only
        done = await client.post("/auth/second-factor", json=right)
        assert "camctl_half" not in client.cookies
        assert done.json()["person"]["username"] == "camat"
        assert kind(await client.post("/auth/second-factor", json=step), 401) == "second-factor-over"
    said = caplog.text
    assert not any(secret in said for secret in (totp.secret, *codes, pending, half, PASSWORD))


def shape(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "date"}


async def test_wrong_sign_ins_look_alike_whoever_it_is(house: House) -> None:
    async with login(house) as client:
        await turn_on(client)
    await house.auth.disable_person("operator2")
    async with house.client() as client:
        answers = [
            await client.post("/auth/login", json={"username": name, "password": "not the password"})
            for name in ("camat", "walikota", "operator2", "nobody", "../x")
        ]
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert kind(answers[0], 401) == "wrong-sign-in"


async def test_wrong_sign_ins_take_alike_long_whether_there_is_an_account(house: House) -> None:
    """With hashing that can be measured: nobody's costs as much as somebody's."""
    house.auth._passwords = house.auth._proof._passwords = Passwords(
        PasswordHasher(time_cost=2, memory_cost=16_384, parallelism=1)
    )
    await house.auth.set_password("camat", PASSWORD)
    took: dict[str, list[float]] = {"camat": [], "nobody": []}
    async with house.client() as client:
        for _ in range(4):  # under the count that slows
            for name, times in took.items():
                started = time.perf_counter()
                answer = await client.post("/auth/login", json={"username": name, "password": "not the password"})
                times.append(time.perf_counter() - started)
                assert answer.status_code == 401
    known, unknown = (min(times) for times in took.values())
    assert 0.5 < known / unknown < 2.0, {name: statistics.median(times) for name, times in took.items()}
    assert min(known, unknown) > 0.01


# A fresh proof -------------------------------------------------------------------------------------------------------

CHANGES = [
    ("POST", "/account/passkeys/begin", None),
    ("DELETE", "/account/passkeys/x", None),
    ("POST", "/account/totp/begin", None),
    ("POST", "/account/totp", {"code": "123456"}),
    ("DELETE", "/account/totp", None),
    ("POST", "/account/recovery-codes", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_what_changes_how_one_signs_in_needs_a_fresh_proof(
    house: House, method: str, path: str, body: Any
) -> None:
    async with login(house) as client:
        await grow_old(house, client)
        refused = await client.request(method, path, json=body)
        assert kind(refused, 403) == "step-up-needed"
        assert refused.json()["ways"] == ["password"]
        assert (await client.get("/account")).json()["fresh_until"] is None
    house.tokens["program"] = await house.auth.issue_token("camat", datetime.now(UTC) + timedelta(days=1), "nvr")
    async with house.client("program") as program:
        refused = await program.request(method, path, json=body)
        assert kind(refused, 403) == "step-up-needed"
        assert refused.json()["ways"] == []
        assert kind(await program.post("/auth/step-up/begin"), 403) == "step-up-needed"
        proof = {"proof": {"way": "password", "password": PASSWORD}}
        assert kind(await program.post("/auth/step-up/finish", json=proof), 403) == "step-up-needed"


async def test_a_proof_by_each_way_opens_for_ten_minutes(house: House, phone: Authenticator) -> None:
    async with login(house) as client:
        await grow_old(house, client)
        wrong = {"proof": {"way": "password", "password": "not it"}}
        assert kind(await client.post("/auth/step-up/finish", json=wrong), 403) == "wrong-proof"
        right = {"proof": {"way": "password", "password": PASSWORD}}
        assert (await client.post("/auth/step-up/finish", json=right)).status_code == 200
        await add(client, phone)
        _, codes = await turn_on(client)
        await grow_old(house, client)
        begun = (await client.post("/auth/step-up/begin")).json()
        assert begun["ways"] == ["passkey", "code"]
        assert kind(await client.post("/auth/step-up/finish", json=right), 403) == "wrong-proof"
        passkey = {"proof": {"way": "passkey", "answer": phone.prove(begun["options"])}}
        assert (await client.post("/auth/step-up/finish", json=passkey)).status_code == 200
        assert kind(await client.post("/auth/step-up/finish", json=passkey), 403) == "passkey-refused"
        await grow_old(house, client)
        code = {"proof": {"way": "code", "code": codes[3]}}
        assert (await client.post("/auth/step-up/finish", json=code)).status_code == 200
        assert (await client.post("/account/recovery-codes")).status_code == 200


async def test_any_route_can_demand_a_fresh_proof_beside_a_capability(house: House) -> None:
    @house.app.get("/api/v1/export")
    async def export(caller: Annotated[SignIn, Depends(SteppedUp(Capability.MANAGE_PEOPLE))]) -> str:
        return caller.person.username

    async with login(house) as camat, login(house, "admin") as admin:
        assert kind(await camat.get("/export"), 403) == "forbidden"
        assert (await admin.get("/export")).json() == "admin"
        await grow_old(house, admin)
        assert kind(await admin.get("/export"), 403) == "step-up-needed"
    async with house.client() as stranger:
        assert kind(await stranger.get("/export"), 401) == "not-signed-in"


# Password ------------------------------------------------------------------------------------------------------------


async def test_one_s_own_password_needs_the_old_one_and_ends_the_other_sign_ins(house: House) -> None:
    async with login(house) as client, login(house) as other:

        async def change(old: str | None, new: str) -> httpx.Response:
            return await client.put("/account/password", json={"old": old, "new": new})

        assert kind(await change("not it", "a wholly new one 7"), 403) == "wrong-proof"
        assert kind(await change(None, "a wholly new one 7"), 422) == "bad-input"
        stolen = await change(PASSWORD, "Password2024!")
        assert kind(stolen, 422) == "bad-input"
        assert "lists of stolen passwords" in stolen.json()["detail"]
        assert (await change(PASSWORD, "a wholly new one 7")).status_code == 204
        assert (await client.get("/me")).status_code == 200
        assert (await other.get("/me")).status_code == 401
    async with login(house, password="a wholly new one 7"):
        pass


async def test_without_the_database_nothing_is_proved(house: House, phone: Authenticator) -> None:
    async with login(house) as client:
        await add(client, phone)
        house.people.is_broken = True
        assert kind(await by_passkey(house, phone), 503) == "unavailable"
        assert kind(await client.post("/account/totp/begin"), 503) == "unavailable"
        house.people.is_broken = False


async def test_what_changes_on_ones_account_is_on_record(house: House) -> None:
    async with login(house) as client:
        secret = (await client.post("/account/totp/begin")).json()["secret"]
        assert (await client.post("/account/totp", json={"code": pyotp.TOTP(secret).now()})).status_code == 200
        assert (await client.post("/account/recovery-codes")).status_code == 200
        changed = await client.put("/account/password", json={"old": PASSWORD, "new": "gedung biru Monas 11"})
        assert changed.status_code == 204
        assert (await client.delete("/account/totp")).status_code == 204
    rows = house.recorder.of(Action.PERSON_CHANGE)
    assert [one.details["change"] for one in rows] == ["totp-set-up", "recovery-codes", "password", "totp-removed"]
    assert {(one.actor.name, one.target) for one in rows} == {("Camat", "camat")}
    assert secret not in repr(rows)
