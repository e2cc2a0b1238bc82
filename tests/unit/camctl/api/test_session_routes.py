"""One's own sign-ins over HTTP: listed with device and network, ended one by one or all others, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from camctl.api.letting_in import describe_device
from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.in_person_kit import ANDROID, browser, leave_house, program, refused

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (ANDROID, "Chrome Mobile, Android"), (IPHONE, "Mobile Safari, iOS"), ("", ""), ("curl/8.5.0", "curl"),
        ("recorder/2 (x)", "recorder"), ("\x00\u202e" + "x" * 100_000, "x" * 38),
    ],
)  # fmt: skip
def test_a_device_is_a_few_words(agent: str, words: str) -> None:
    assert describe_device(agent) == words


async def sessions(client: Any) -> list[dict[str, Any]]:
    answer = await client.get("/me/sessions")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_they_are_listed_with_what_their_owner_knows_them_by(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat", agent=ANDROID) as phone, browser(house, "camat", agent=IPHONE) as other:
        items = await sessions(phone)
        assert {item["device"] for item in items} == {"Chrome Mobile, Android", "Mobile Safari, iOS"}
        assert {item["network"] for item in items} == {"127.0.0.0/24"}
        assert [item["device"] for item in items if item["current"]] == ["Chrome Mobile, Android"]
        assert "token" not in str(items), "tokens of programs are listed elsewhere"
        async with browser(house, "walikota") as stranger:
            assert len(await sessions(stranger)) == 1
        assert len(await sessions(other)) == 2


async def test_one_is_ended_and_then_opens_nothing(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat") as mine, browser(house, "camat") as lost:
        gone = next(item["id"] for item in await sessions(mine) if not item["current"])
        async with browser(house, "walikota") as stranger:
            refused(await stranger.delete(f"/me/sessions/{gone}"), 404, "not-found")
        assert (await lost.get("/me")).status_code == 200
        assert (await mine.delete(f"/me/sessions/{gone}")).status_code == 204
        refused(await lost.get("/me"), 401, "not-signed-in")
        refused(await mine.delete(f"/me/sessions/{gone}"), 404, "not-found")
        assert (await mine.get("/me")).status_code == 200


async def test_all_others_are_ended_but_programs_go_on(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat") as mine, browser(house, "camat") as lost, program(house, "camat") as tool:
        assert (await mine.delete("/me/sessions")).status_code == 204
        refused(await lost.get("/me"), 401, "not-signed-in")
        assert (await tool.get("/me")).status_code == 200
        assert [item["current"] for item in await sessions(mine)] == [True]


async def test_no_token_looks_at_or_ends_sign_ins(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with program(house, "camat") as tool, browser(house, "camat") as mine:
        [one] = await sessions(mine)
        for method, path in (
            ("GET", "/me/sessions"),
            ("DELETE", "/me/sessions"),
            ("DELETE", f"/me/sessions/{one['id']}"),
        ):
            assert refused(await tool.request(method, path), 403, "forbidden")["why"] == "token"
        assert len(await sessions(mine)) == 1


async def test_another_sites_page_ends_nothing(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat") as mine, browser(house, "camat"):
        answer = await mine.delete("/me/sessions", headers={"Origin": "https://evil.example"})
        refused(answer, 403, "cross-site")
        assert len(await sessions(mine)) == 2


def aged(house: House, **columns: datetime) -> None:
    """Set times of every stored sign-in, as if they had passed."""
    with house.people() as session, session.begin():
        for name, at in columns.items():
            session.execute(text(f"UPDATE session SET {name} = :at"), {"at": at.strftime("%Y-%m-%d %H:%M:%S.%f")})


async def test_a_browsers_sign_in_ends_when_left_alone_and_a_programs_does_not(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat") as left, program(house, "camat") as tool:
        aged(house, last_seen=datetime.now(UTC) - timedelta(hours=12, seconds=1))
        refused(await left.get("/me"), 401, "not-signed-in")
        assert (await tool.get("/me")).status_code == 200
        async with browser(house, "camat") as now:
            assert len(await sessions(now)) == 1, "an idle one is not listed"


async def test_use_keeps_it_and_its_absolute_end_ends_it_all_the_same(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with browser(house, "camat") as used, program(house, "camat") as tool:
        aged(house, last_seen=datetime.now(UTC) - timedelta(hours=11, minutes=59))
        assert (await used.get("/me")).status_code == 200
        [session] = await sessions(used)
        assert datetime.now(UTC) - datetime.fromisoformat(session["last_seen"]) < timedelta(minutes=1)
        aged(house, expires_at=datetime.now(UTC) - timedelta(seconds=1))
        refused(await used.get("/me"), 401, "not-signed-in")
        refused(await tool.get("/me"), 401, "not-signed-in")


async def test_the_cookie_and_the_sign_in_end_together(house: House) -> None:
    await leave_house(house, "camat", "walikota")
    async with house.client() as client:
        answer = await client.post("/auth/login", json={"username": "camat", "password": PASSWORD})
    assert f"max-age={7 * 24 * 3600}" in answer.headers["set-cookie"].lower()
    left = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=7) - timedelta(minutes=1) < left <= timedelta(days=7)
