"""Signing in over HTTP as an attacker sees it: what answers and cookies give away, and what is on record of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from auth.proofs import Method
from camctl.audit.entry import Action, Outcome
from tests.support.authenticator import Authenticator
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.test_account_routes import BROWSER, ORIGIN, add, by_passkey, grow_old, kind, login, turn_on


@pytest.fixture
def options() -> dict[str, Any]:
    return {"server": {"public_url": ORIGIN}}


async def test_who_has_an_app_changes_the_password_with_a_fresh_proof_only(house: House) -> None:
    """A stolen cookie and a password seen over a shoulder must not lock the owner out."""
    async with login(house) as client:
        await turn_on(client)
        await grow_old(house, client)
        body = {"old": PASSWORD, "new": "a wholly new one 7"}
        assert kind(await client.put("/account/password", json=body), 403) == "step-up-needed"
        assert await house.auth.prove_password("camat", PASSWORD, "192.0.2.1")


async def test_passkeys_are_refused_alike_whatever_is_wrong_with_them(house: House) -> None:
    phone, closed, strange = Authenticator(ORIGIN), Authenticator(ORIGIN), Authenticator(ORIGIN)
    async with login(house) as client, login(house, "operator2") as leaving:
        await add(client, phone)
        await add(leaving, closed)
        strange.make((await client.post("/account/passkeys/begin")).json()["options"])
    await house.auth.disable_person("operator2")
    answers = [await by_passkey(house, closed), await by_passkey(house, strange)]
    async with house.client() as client:
        begun = (await client.post("/auth/passkey/begin", headers=BROWSER)).json()["options"]
        forged = phone.prove(begun)
        forged["response"]["signature"] = strange.prove(begun)["response"]["signature"]
        finish = {"answer": forged}
        answers.append(await client.post("/auth/passkey/finish", headers=BROWSER, json=finish))
        answers.append(
            await client.post("/auth/passkey/finish", headers=BROWSER, json=finish)
        )  # and its challenge used
    assert [kind(answer, 403) for answer in answers] == ["passkey-refused"] * 4
    assert len({answer.content for answer in answers}) == 1
    assert "set-cookie" not in answers[0].headers


async def test_a_sign_in_that_was_planted_in_the_browser_is_not_the_one_it_gets(house: House) -> None:
    """Session fixation: whoever plants a cookie, his own or a made-up one, learns nothing of the sign-in after it."""
    phone, made_up = Authenticator(ORIGIN), "A" * 43
    credentials = {"username": "camat", "password": PASSWORD}
    async with login(house) as client:
        await add(client, phone)
        _, codes = await turn_on(client)
    given = []
    for planted in (house.tokens["operator"], made_up):
        cookie_header = {**BROWSER, "Cookie": f"camctl_session={planted}; camctl_half={made_up[:22]}"}
        async with house.client() as victim:
            begun = (await victim.post("/auth/passkey/begin", headers=cookie_header)).json()["options"]
            finish = {"answer": phone.prove(begun)}
            by_phone = await victim.post("/auth/passkey/finish", headers=cookie_header, json=finish)
            half = await victim.post("/auth/login", headers=cookie_header, json=credentials)
            second = cookie(half, "camctl_half").partition(";")[0]
            step = {"pending": half.json()["pending"], "code": codes.pop()}
            both = {**BROWSER, "Cookie": f"camctl_session={planted}; {second}"}
            by_code = await victim.post("/auth/second-factor", headers=both, json=step)
        assert made_up[:22] not in second
        given += [by_phone.json()["token"], by_code.json()["token"]]
        assert planted not in given
    assert len(set(given)) == 4
    planter = await house.auth.authenticate(house.tokens["operator"])
    assert planter is not None
    assert planter.person.username == "operator"
    assert await house.auth.authenticate(made_up) is None


# Cookies -------------------------------------------------------------------------------------------------------------


def cookie(answer: httpx.Response, name: str) -> str:
    return next(each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}="))


async def test_cookies_are_secure_behind_a_proxy_that_ends_tls(house: House) -> None:
    """The service is asked by plain HTTP; that browsers come by HTTPS is told by `server.public_url`."""
    phone, credentials = Authenticator(ORIGIN), {"username": "camat", "password": PASSWORD}
    async with login(house) as client:
        await add(client, phone)
        assert "Secure" in cookie(await by_passkey(house, phone), "camctl_session")
        assert "Secure" in cookie(await client.post("/auth/login", json=credentials), "camctl_session")
        _, codes = await turn_on(client)
        half = await client.post("/auth/login", json=credentials)
        assert "Secure" in cookie(half, "camctl_half")
        step = {"pending": half.json()["pending"], "code": codes[0]}
        assert "Secure" in cookie(await client.post("/auth/second-factor", json=step), "camctl_session")


class TestWithoutAName:
    """No public_url: the request itself says by what it came."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {}

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_the_cookie_is_as_secure_as_the_request(self, house: House, scheme: str) -> None:
        transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://camctl/api/v1") as client:
            answer = await client.post("/auth/login", json={"username": "camat", "password": PASSWORD})
        assert ("Secure" in cookie(answer, "camctl_session")) is (scheme == "https")


# On record -----------------------------------------------------------------------------------------------------------


async def test_every_way_in_and_every_refusal_is_on_record(house: House) -> None:
    phone = Authenticator(ORIGIN)
    async with login(house) as client:
        await add(client, phone)
        await by_passkey(house, phone)
        _, codes = await turn_on(client)
        await client.post("/auth/step-up/finish", json={"proof": {"way": "code", "code": "000000"}})
        half = (await client.post("/auth/login", json={"username": " CAMAT", "password": PASSWORD})).json()["pending"]
        await client.post("/auth/second-factor", json={"pending": half, "code": "000000"})
        await client.post("/auth/second-factor", json={"pending": half, "code": codes[0]})
        await client.post("/auth/second-factor", json={"pending": half, "code": codes[1]})
    rows = house.recorder.of(Action.SIGN_IN)
    done = [(row.actor.name, row.details["by"]) for row in rows if row.outcome is Outcome.DONE]
    assert done == [("Camat", Method.PASSWORD), ("Camat", Method.PASSKEY), ("Camat", Method.RECOVERY_CODE)]
    refused = [(row.actor.name, row.target, row.reason.text) for row in rows if row.outcome is Outcome.REFUSED]
    # Of a half sign-in it is said whose password somebody has.
    assert refused == [("Camat", "", "wrong-code"), ("", "camat", "wrong-code"), ("", "", "second-factor-over")]
    said = repr(house.recorder.entries)
    assert not any(secret in said for secret in (PASSWORD, *codes, half, "000000"))
