"""Giving and taking over HTTP, with a real database: nobody gives what they do not hold, and it bites at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from auth.grant_service import Grants
from auth.proofs import FRESH
from camctl.audit.entry import Action
from tests.support.people import regrant
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import FIRST, SECOND, House, within_a_second
from tests.unit.camctl.api.conftest import PASSWORD

ACTING = {"role": "official", "areas": ["31.74"], "reason": "Plt. Walikota"}


async def ask(house: House, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
    async with house.client(who) as client:
        return await client.request(method, path, json=body)


async def give(house: House, who: str, to: str, **wish: Any) -> httpx.Response:
    return await ask(house, who, "POST", f"/people/{to}/grants", {**ACTING, **wish})


async def second_admin(house: House, area: str = "31") -> None:
    await house.auth.create_person("admin2", PASSWORD, role="admin", areas=[area])
    house.tokens["admin2"], _ = await house.auth.sign_in("admin2", PASSWORD, "192.0.2.1")


async def sees(house: House, who: str, camera: str) -> bool:
    return (await ask(house, who, "GET", f"/cameras/{camera}")).status_code == 200


async def test_a_grant_opens_at_once_and_its_end_closes_at_once(house: House) -> None:
    assert not await sees(house, "camat", SECOND)
    given = await give(house, "admin", "camat")
    assert given.status_code == 201, given.text
    assert (given.json()["state"], given.json()["granter"]) == ("active", "admin")
    assert await sees(house, "camat", SECOND)
    listed = (await ask(house, "admin", "GET", "/people/camat/grants")).json()["items"]
    assert [grant["areas"] for grant in listed] == [["31.71.07"], ["31.74"]]
    assert listed == (await ask(house, "camat", "GET", "/me/grants")).json()["items"]
    gone = await ask(house, "admin", "DELETE", f"/people/camat/grants/{given.json()['id']}")
    assert gone.status_code == 204
    assert not await sees(house, "camat", SECOND)
    again = await ask(house, "admin", "DELETE", f"/people/camat/grants/{given.json()['id']}")
    assert again.status_code == 404


async def test_a_deny_takes_what_it_names_and_says_so(house: House) -> None:
    wish = {"role": None, "areas": [], "cameras": [FIRST], "deny": True, "capabilities": ["control"]}
    assert (await give(house, "admin", "camat", **wish)).status_code == 201
    told = (await ask(house, "camat", "GET", f"/cameras/{FIRST}/permissions")).json()["items"]
    assert told["live"]["allowed"]
    assert (told["control"]["allowed"], told["control"]["why"]) == (False, "denied")
    refused = await ask(house, "camat", "POST", f"/cameras/{FIRST}/control/take")
    assert (refused.status_code, refused.json()["why"]) == (403, "denied")


async def test_a_running_lease_ends_within_a_second_of_its_grants_end_by_the_clock(house: House) -> None:
    camera = house.control.get(SECOND)
    assert camera is not None
    ends_at = datetime.now(UTC) + timedelta(seconds=4)
    assert (await give(house, "admin", "camat", ends_at=ends_at.isoformat())).status_code == 201
    async with house.client("camat") as holder:
        assert (await holder.post(f"/cameras/{SECOND}/control/take")).status_code == 200
        assert camera.control.holder is not None
        while datetime.now(UTC) < ends_at:
            assert camera.control.holder is not None
            await asyncio.sleep(0.02)
        await within_a_second(lambda: camera.control.holder is None)
    assert not await sees(house, "camat", SECOND)


@pytest.mark.parametrize(
    ("wish", "words"),
    [({"role": "admin", "areas": ["31.71"]}, "You do not hold break_reservation"),
     ({"areas": ["31.74"]}, "You do not look after people in all of 31.74"),
     ({"areas": ["31"]}, "You do not look after people in all of 31"),
     ({"areas": [], "cameras": [SECOND]}, "There is no camera 'thamrin'"),
     ({"areas": [], "cameras": ["nowhere"]}, "There is no camera 'nowhere'"),
     ({"areas": ["31.71"], "priority": 95}, "Priority 95 is higher than your own at 31.71")],
)  # fmt: skip
async def test_nobody_grants_what_they_do_not_hold(house: House, wish: dict[str, Any], words: str) -> None:
    await second_admin(house, "31.71")
    # An administrator of one kota who may do less than the role says.
    less = {"capabilities": ["break_reservation"], "deny": True, "role": None}
    assert (await give(house, "admin", "admin2", areas=["31.71"], **less)).status_code == 201
    refused = await give(house, "admin2", "camat", **wish)
    assert refused.status_code == 403, refused.text
    assert refused.json()["why"] == "may-not-grant"
    assert words in refused.json()["detail"]
    assert len((await house.auth.person("camat")).grants) == 1


async def test_lasting_power_over_the_whole_city_waits_for_a_second_person(house: House) -> None:
    await second_admin(house)
    waiting = await give(house, "admin", "walikota", areas=["31"])
    assert waiting.status_code == 201
    assert waiting.json()["state"] == "waiting"
    assert not await sees(house, "walikota", SECOND)
    path = f"/people/walikota/grants/{waiting.json()['id']}/approve"
    own = await ask(house, "admin", "POST", path)
    assert (own.status_code, own.json()["why"]) == (403, "may-not-grant")
    approved = await ask(house, "admin2", "POST", path)
    assert (approved.status_code, approved.json()["state"], approved.json()["approver"]) == (200, "active", "admin2")
    assert await sees(house, "walikota", SECOND)
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await give(house, "admin", "camat", areas=["31"], ends_at=until)).json()["state"] == "active"


async def test_what_waits_is_listed_for_those_who_may_approve_it_and_those_who_may_not(house: House) -> None:
    await second_admin(house)
    await house.auth.create_person("gambir", PASSWORD, role="admin", areas=["31.71"])
    house.tokens["gambir"], _ = await house.auth.sign_in("gambir", PASSWORD, "192.0.2.1")
    given = [(await give(house, "admin", whom, areas=["31"])).json()["id"] for whom in ("walikota", "camat")]

    async def listed(who: str, **query: int) -> dict[str, Any]:
        answer = await ask(house, who, "GET", "/approvals" + "".join(f"?{k}={v}" for k, v in query.items()))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    for who, may in (("admin", False), ("admin2", True)):
        waiting = await listed(who)
        assert [one["grant"]["id"] for one in waiting["items"]] == given, "the oldest first"
        assert [one["may_approve"] for one in waiting["items"]] == [may, may]
        assert not waiting["more"]
    assert (waiting["items"][0]["username"], waiting["items"][0]["grant"]["reason"]) == ("walikota", "Plt. Walikota")
    assert await listed("gambir") == {"items": [], "more": False}, "a whole city is not theirs to look after"
    short = await listed("admin2", limit=1)
    assert (len(short["items"]), short["more"]) == (1, True)
    await ask(house, "admin2", "POST", f"/people/walikota/grants/{given[0]}/approve")
    assert [one["username"] for one in (await listed("admin2"))["items"]] == ["camat"]
    assert (await ask(house, "camat", "GET", "/approvals")).status_code == 403


async def test_who_stands_in_makes_their_power_no_longer_than_it_is(house: House) -> None:
    await second_admin(house, "31.71")
    until = datetime.now(UTC) + timedelta(days=20)
    await regrant(house.auth, "admin2", "admin", "31.71", ends_at=until)
    for whom in ("admin2", "camat"):
        refused = await give(house, "admin2", whom, role="admin", areas=["31.71"])
        assert (refused.status_code, refused.json()["why"]) == (403, "may-not-grant")
        assert "not for as long" in refused.json()["detail"]
    short = await give(house, "admin2", "camat", areas=["31.71"], ends_at=until.isoformat())
    assert (short.status_code, short.json()["state"]) == (201, "active")
    assert (await ask(house, "admin2", "DELETE", f"/people/camat/grants/{short.json()['id']}")).status_code == 204


async def test_an_end_in_many_years_is_no_way_round_the_second_person(house: House) -> None:
    far = (datetime.now(UTC) + timedelta(days=3000)).isoformat()
    assert (await give(house, "admin", "walikota", areas=["31"], ends_at=far)).json()["state"] == "waiting"


async def test_nobody_takes_away_a_denial_of_what_they_do_not_hold(house: House) -> None:
    """To end a denial is to give; whom it binds would else free themselves."""
    await second_admin(house, "31.71")
    denial = {"role": None, "deny": True, "capabilities": ["control"], "areas": ["31.71"]}
    given = (await give(house, "admin", "admin2", **denial)).json()
    path = f"/people/admin2/grants/{given['id']}"
    refused = await ask(house, "admin2", "DELETE", path)
    assert (refused.status_code, refused.json()["why"]) == (403, "may-not-grant")
    told = (await ask(house, "admin2", "GET", f"/cameras/{FIRST}/permissions")).json()["items"]
    assert told["control"]["why"] == "denied"
    assert (await ask(house, "admin", "DELETE", path)).status_code == 204


async def test_nobody_approves_what_is_for_themselves(house: House) -> None:
    await second_admin(house)
    waiting = await give(house, "admin", "admin2", areas=["31"])
    refused = await ask(house, "admin2", "POST", f"/people/admin2/grants/{waiting.json()['id']}/approve")
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"role": "mayor"}, "role"), ({"role": None}, "role"), ({"areas": [], "cameras": []}, "areas"),
     ({"areas": ["31.99"]}, "areas.0"), ({"reason": " "}, "reason"), ({"window": "always"}, "window"),
     ({"window": "mon-fri 07:00-18:00 Asia/Atlantis"}, "window"), ({"deny": True}, "capabilities"),
     ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"), ({"capabilities": ["audit"]}, "capabilities"),
     ({"capabilities": []}, "capabilities"), ({"role": "partner"}, "organisation")],
)  # fmt: skip
async def test_what_cannot_be_granted_is_said_by_its_field(house: House, wish: dict[str, Any], field: str) -> None:
    refused = await give(house, "admin", "camat", **wish)
    assert refused.status_code == 422, refused.text
    assert [fault["where"] for fault in refused.json()["faults"]] == [field]
    assert len((await house.auth.person("camat")).grants) == 1


async def test_whose_grants_are_all_over_is_for_the_next_area_to_take_in(house: House) -> None:
    await second_admin(house, "31.74")
    assert (await give(house, "admin2", "camat", areas=["31.74.01"])).status_code == 404
    (old,) = (await house.auth.person("camat")).grants
    await Grants(house.auth).revoke("camat", old.id, None)
    ended = datetime.now(UTC) + timedelta(seconds=0.3)
    await regrant(house.auth, "camat", "official", "31.71.07", ends_at=ended)
    await asyncio.sleep(0.4)
    assert (await give(house, "admin2", "camat", areas=["31.74.01"])).status_code == 201


async def test_whom_one_does_not_look_after_is_nobody(house: House) -> None:
    await second_admin(house, "31.71.07")
    unknown = await give(house, "admin2", "niemand", areas=["31.71.07"])
    foreign = await give(house, "admin2", "walikota", areas=["31.71.07"])
    assert unknown.status_code == foreign.status_code == 404
    assert unknown.json()["detail"] == foreign.json()["detail"]
    people = (await ask(house, "admin2", "GET", "/people")).json()["items"]
    assert [person["username"] for person in people] == ["admin2", "camat"]
    for who in ("camat", "operator", "partner"):
        assert (await ask(house, who, "GET", "/people")).status_code == 403
        assert (await give(house, who, "camat")).status_code == 403


async def test_people_come_in_pages(house: House) -> None:
    first = (await ask(house, "admin", "GET", "/people?limit=4")).json()
    rest = (await ask(house, "admin", "GET", f"/people?after={first['next']}")).json()
    names = [person["username"] for page in (first, rest) for person in page["items"]]
    assert names == sorted(house.tokens)
    assert rest["next"] is None


async def test_a_changed_role_changes_everybody_who_has_it_at_once(house: House) -> None:
    body = {"capabilities": ["see", "live"], "priority": 30}
    assert (await ask(house, "admin", "PUT", "/roles/operator", body)).status_code == 200
    told = (await ask(house, "operator", "GET", f"/cameras/{FIRST}/permissions")).json()["items"]
    assert (told["live"]["allowed"], told["control"]["why"]) == (True, "role")
    roles = {role["name"]: role for role in (await ask(house, "admin", "GET", "/roles")).json()["items"]}
    assert set(roles["operator"]["capabilities"]) == {"see", "live"}
    assert set(roles) == {"admin", "auditor", "official", "operator", "partner"}
    assert (await ask(house, "admin", "PUT", "/roles/pos-jaga", body)).status_code == 200
    assert (await give(house, "admin", "camat", role="pos-jaga")).status_code == 201
    assert (await ask(house, "admin", "PUT", "/roles/Pos%20Jaga", body)).status_code == 422


async def test_a_role_is_changed_by_who_answers_for_the_whole_city(house: House) -> None:
    await second_admin(house, "31.71")
    body = {"capabilities": ["see"], "priority": 30}
    assert (await ask(house, "admin2", "PUT", "/roles/operator", body)).status_code == 403
    assert (await ask(house, "operator", "PUT", "/roles/operator", body)).status_code == 403
    await regrant(house.auth, "admin2", "admin", "31")
    no_metrics = {"role": None, "deny": True, "capabilities": ["metrics"], "areas": ["31"]}
    assert (await give(house, "admin", "admin2", **no_metrics)).status_code == 201
    more = {"capabilities": ["see", "metrics"], "priority": 30}
    assert (await ask(house, "admin2", "PUT", "/roles/operator", more)).status_code == 403
    assert (await ask(house, "admin2", "PUT", "/roles/operator", body)).status_code == 200


async def test_what_was_granted_approved_and_taken_is_on_record(house: House) -> None:
    await second_admin(house)
    given = (await give(house, "admin", "camat", areas=["31"])).json()
    await ask(house, "admin2", "POST", f"/people/camat/grants/{given['id']}/approve")
    await ask(house, "admin2", "DELETE", f"/people/camat/grants/{given['id']}")
    await ask(house, "admin", "PUT", "/roles/warga", {"capabilities": ["see"], "priority": 1})
    told = [
        (one.actor.name, one.details["step"], one.target, one.area, one.reason.text)
        for one in house.recorder.of(Action.GRANT) + house.recorder.of(Action.REVOKE)
    ]
    target = f"camat/{given['id']}"
    assert told == [
        ("Admin", "given", target, "31", "Plt. Walikota"),
        ("admin2", "approved", target, "31", "Plt. Walikota"),
        ("admin2", "taken", target, "31", "Plt. Walikota"),
    ]
    (changed,) = house.recorder.of(Action.ROLE_CHANGE)
    assert (changed.target, changed.details["capabilities"]) == ("warga", "see")


async def test_changing_grants_and_taking_the_record_away_need_a_fresh_proof(house: House) -> None:
    given = (await give(house, "admin", "camat")).json()
    paths = [("POST", "/people/camat/grants", ACTING), ("POST", f"/people/camat/grants/{given['id']}/approve", None),
             ("DELETE", f"/people/camat/grants/{given['id']}", None), ("GET", "/audit/export", None),
             ("PUT", "/roles/warga", {"capabilities": ["see"], "priority": 1})]  # fmt: skip
    admin = await house.sign_in("admin")
    house.auth._records.prove(admin.session_id, datetime.now(UTC) - FRESH)
    program = await house.auth.issue_token("admin", datetime.now(UTC) + timedelta(days=1), "nvr")
    for method, path, body in paths:
        refused = problem(await ask(house, "admin", method, path, body), 403, "step-up-needed")
        assert refused["ways"] == ["password"], path
        async with house.client() as client:
            answer = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {program}"})
        assert problem(answer, 403, "step-up-needed")["ways"] == [], "a program cannot prove itself"
    assert (await ask(house, "admin", "GET", "/people/camat/grants")).status_code == 200, "reading needs none"
    proved = await ask(
        house, "admin", "POST", "/auth/step-up/finish", {"proof": {"way": "password", "password": PASSWORD}}
    )
    assert proved.status_code == 200, proved.text
    assert (await give(house, "admin", "camat", areas=["31.73"])).status_code == 201
