"""The holder's Stop needs no database; nothing else goes without."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auth.model import SignIn
from camctl.api.recent import RecentSignIns
from camctl.ptz import events as ev
from tests.unit.camctl.api.api_kit import FIRST, House, sign_in_of

STOP = f"/cameras/{FIRST}/ptz/stop"
TOKEN = "t" * 43


async def test_the_holder_stops_while_the_database_is_down_and_nobody_else_does_anything(house: House) -> None:
    async with house.client("walikota") as holder, house.client("operator") as other:
        assert (await holder.post(f"/cameras/{FIRST}/ptz/move", json={"pan": 0.5})).status_code == 202
        assert (await other.get("/me")).status_code == 200
        house.people.is_broken = True
        stopped = await holder.post(STOP)
        assert (stopped.status_code, stopped.json()["confirmed"]) == (202, True)
        assert isinstance(house.control.sent[-1], ev.SendStop)
        assert (await holder.post(STOP)).status_code == 202
        assert (await other.post(STOP)).status_code == 503, "who does not hold it is asked for in the database"
        assert (await holder.post(f"/cameras/{FIRST}/ptz/move", json={"pan": 0.5})).status_code == 503
        assert (await holder.get(f"/cameras/{FIRST}/control")).status_code == 503
    assert len(house.control.of(ev.Stop)) == 2


async def test_a_token_that_was_never_let_in_does_not_stop_while_the_database_is_down(house: House) -> None:
    camera = house.control.get(FIRST)
    assert camera is not None
    sign_in = await house.sign_in("walikota")
    await camera.command(ev.Take(ev.Source(sign_in.session_id, sign_in.person.id, "W", "official", 70, "x:http")))
    house.people.is_broken = True
    async with house.client("walikota") as holder:
        assert (await holder.post(STOP)).status_code == 503
    assert not house.control.of(ev.Stop)


async def test_a_sign_in_that_ended_is_not_remembered(house: House) -> None:
    async with house.client("walikota") as holder:
        await holder.post(f"/cameras/{FIRST}/control/take")
        await house.auth.disable_person("walikota")
        house.people.is_broken = True
        assert (await holder.post(STOP)).status_code == 503


async def test_a_cookie_from_another_sites_page_does_not_stop(house: House) -> None:
    async with house.client("walikota") as holder:
        await holder.post(f"/cameras/{FIRST}/control/take")
    async with house.client() as page:
        page.cookies.set("camctl_session", house.tokens["walikota"])
        assert (await page.post(STOP, headers={"Origin": "http://evil.example"})).status_code == 403
        assert (await page.post(STOP, headers={"Origin": "http://camctl"})).status_code == 202


@pytest.fixture
def sari() -> SignIn:
    return sign_in_of("official")


def test_a_sign_in_is_remembered_for_its_idle_time_only(sari: SignIn) -> None:
    recent = RecentSignIns(idle_s=60)
    recent.saw(TOKEN, sari, 100.0)
    assert recent.get(TOKEN, 159.0) == sari
    assert recent.get(TOKEN, 160.0) is None
    assert recent.get("u" * 43, 101.0) is None
    assert recent.get("", 101.0) is None


def test_a_sign_in_is_not_remembered_beyond_its_end(sari: SignIn) -> None:
    recent = RecentSignIns(idle_s=60)
    recent.saw(TOKEN, replace(sari, expires_at=datetime.now(UTC) - timedelta(seconds=1)), 100.0)
    assert recent.get(TOKEN, 100.0) is None


def test_a_change_of_the_person_forgets_all_their_sign_ins(sari: SignIn) -> None:
    recent = RecentSignIns(idle_s=60)
    budi = sign_in_of("operator", name="budi")
    recent.saw(TOKEN, sari, 0.0)
    recent.saw("u" * 43, replace(sari, session_id="sari-2"), 0.0)
    recent.saw("v" * 43, budi, 0.0)
    assert recent.forget_person("sari") == {"sari-1", "sari-2"}
    assert recent.get(TOKEN, 1.0) is None
    assert recent.get("v" * 43, 1.0) == budi


def test_the_least_recently_seen_are_forgotten_first(sari: SignIn) -> None:
    recent = RecentSignIns(idle_s=60, max_entries=2)
    for letter in "abac":
        recent.saw(letter * 43, sari, 0.0)
    assert [recent.get(letter * 43, 0.0) is not None for letter in "abc"] == [True, False, True]


def test_forgetting_a_person_costs_no_look_through_everybody(sari: SignIn) -> None:
    recent = RecentSignIns(idle_s=60, max_entries=3)
    recent.saw(TOKEN, sari, 0.0)
    for letter in "abc":  # the last one pushes sari's out
        recent.saw(letter * 43, sign_in_of("operator", name=letter), 0.0)
    assert recent.forget_person("sari") == set()
    assert set(recent._of_person) == {"a", "b", "c"}
    assert recent.forget_person("b") == {"b-1"}
    assert set(recent._of_person) == {"a", "c"}
