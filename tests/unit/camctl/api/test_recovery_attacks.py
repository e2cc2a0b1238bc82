"""A link that sets a password is no way round a second factor, and leaves a trail."""

from __future__ import annotations

from typing import Any

import pytest

from camctl.audit.entry import Action
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.test_account_routes import BROWSER, ORIGIN, kind, login, turn_on

NEW = "gamelan 42 x"


@pytest.fixture
def options() -> dict[str, Any]:
    return {"server": {"public_url": ORIGIN}}


async def recovery(house: House, username: str) -> str:
    async with login(house, "admin") as admin:
        answer = await admin.post(f"/people/{username}/recovery", json={})
        assert answer.status_code == 201, answer.text
        link: str = answer.json()["link"]
        assert link.startswith(f"{ORIGIN}/#/invitation/")
        return link.rpartition("/")[2]


async def test_a_recovery_lets_nobody_past_the_authenticator_app(house: House) -> None:
    async with login(house) as client:
        totp, codes = await turn_on(client)
    secret = await recovery(house, "camat")
    async with house.client() as guest, house.client() as elsewhere:
        answer = await guest.post("/invitations/accept", headers=BROWSER, json={"secret": secret, "password": NEW})
        assert kind(answer, 401) == "second-factor-needed"
        assert "camctl_session" not in str(answer.headers)
        half = answer.headers["set-cookie"]
        assert "path=/api/v1/auth;" in half.lower(), "where the second step is, not where the link was"
        step = {"pending": answer.json()["pending"], "code": codes[0]}
        alone = await elsewhere.post("/auth/second-factor", headers=BROWSER, json=step)
        assert kind(alone, 401) == "second-factor-over"
        done = await guest.post("/auth/second-factor", headers=BROWSER, json=step)
        assert done.status_code == 200, done.text
        assert done.json()["person"]["username"] == "camat"
    assert totp.secret not in str(house.recorder.entries)


async def test_links_are_on_record_with_who_made_and_who_used_them(house: House) -> None:
    async with login(house, "admin") as admin:
        body = {"role": "operator", "areas": ["31.71"], "display_name": "Pak Budi"}
        made = (await admin.post("/invitations", json=body)).json()
    async with house.client() as guest:
        secret = made["link"].rpartition("/")[2]
        used = {"secret": secret, "username": "budi", "password": NEW}
        assert (await guest.post("/invitations/accept", headers=BROWSER, json=used)).status_code == 200
        await guest.post("/invitations/accept", headers=BROWSER, json=used)
    rows = house.recorder.of(Action.PERSON_CHANGE)
    assert [(row.actor.name, row.details["change"]) for row in rows] == [
        ("Admin", "invitation-made"), ("Pak Budi", "joined"),
    ]  # fmt: skip
    assert {row.details["link"] for row in rows} == {made["invitation"]["id"]}
    [granted] = house.recorder.of(Action.GRANT)
    assert (granted.actor.name, granted.details["step"]) == ("Admin", "by invitation")
    refusals = [row for row in house.recorder.of(Action.SIGN_IN) if row.reason.text == "link"]
    assert len(refusals) == 1
    assert not any(word in str(house.recorder.entries) for word in (secret, NEW))
