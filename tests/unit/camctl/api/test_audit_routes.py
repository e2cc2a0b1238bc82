"""What the API records, and the audit log over HTTP: each administrator sees what concerns their areas."""

from __future__ import annotations

import json

import httpx
import pytest

from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.roles import Capability, ViewingRank
from camctl.audit.chain import Head, seal
from camctl.audit.entry import Action, Outcome
from camctl.audit.verify import verify_lines
from camctl.video import ViewEnd
from streams.quality import Demand
from tests.support.audit import chain_of, entry
from tests.support.people import regrant
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import ENTRIES, FIRST, PEOPLE, SECOND, House

PASSWORD = "kuda lumping 7"


async def area_admin(house: House) -> httpx.AsyncClient:
    await house.auth.create_person("wilayah", PASSWORD, role="admin", areas=["31.71.01"], display_name="Wilayah")
    token, _ = await house.auth.sign_in("wilayah", PASSWORD, "192.0.2.1")
    house.tokens["wilayah"] = token
    return house.client("wilayah")


async def test_signing_in_and_out_and_wrong_passwords_are_on_record(house: House) -> None:
    async with house.client() as client:
        answer = await client.post("/auth/login", json={"username": "camat", "password": PASSWORD})
        await client.post("/auth/login", json={"username": "camat", "password": "mistyped"})
        await client.post("/auth/login", json={"username": "camat", "password": "mistyped"})
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        await client.post("/auth/logout", headers=headers)
    signed_in, refused = house.recorder.of(Action.SIGN_IN)
    assert (signed_in.actor.name, signed_in.area, signed_in.outcome) == ("Camat", "31.71.07", Outcome.DONE)
    assert (refused.actor.id, refused.outcome, refused.reason.text) == ("", Outcome.REFUSED, "wrong")
    assert len(house.recorder.of(Action.SIGN_OUT)) == 1
    assert "mistyped" not in repr(house.recorder.entries)


async def test_a_spool_that_refuses_keeps_nobody_from_signing_in(house: House) -> None:
    house.recorder.broken = True
    async with house.client() as client:
        answer = await client.post("/auth/login", json={"username": "camat", "password": PASSWORD})
    assert answer.status_code == 200
    assert len(house.recorder.of(Action.SIGN_IN)) == 1, "it waits"


async def test_refusals_by_permission_are_on_record_once_a_minute(house: House) -> None:
    async with house.client("camat") as client:
        for _ in range(5):
            problem(await client.get(f"/cameras/{SECOND}"), 404, "not-found")
        await client.get("/cameras/no-such-camera")
        await client.get("/nowhere")
    async with house.client("partner") as client:
        problem(await client.post(f"/cameras/{FIRST}/ptz/move", json={"pan": 0.5}), 403, "forbidden")
        problem(await client.get("/people"), 403, "forbidden")
    told = [(one.actor.name, one.camera, one.area, one.reason.text) for one in house.recorder.of(Action.REFUSAL)]
    area = {entry.id: entry.area for entry in ENTRIES}
    assert told == [
        # Where the camera is, so that who looks after that area sees it. One that does not exist is in no area: in the
        # asker's own, its row would tell an asker who reads there that it does not exist.
        ("Camat", SECOND, area[SECOND], "not-found"),
        ("Camat", "no-such-camera", "", "not-found"),
        ("Partner", FIRST, area[FIRST], "role"),
        ("Partner", "", PEOPLE["partner"][1], "role"),
    ]


async def test_a_view_begins_and_ends_on_record_with_its_reason(house: House) -> None:
    sign_in = await house.sign_in("camat")
    camera = house.control.get(FIRST)
    assert camera is not None
    person, rank = sign_in.person, ViewingRank.CITY
    for why in (ViewEnd.CLOSED, ViewEnd.REVOKED):
        session_id, _ = await house.services.media.open(
            camera, Demand(), "v=0", sign_in=sign_in.session_id, person=person.id, rank=rank, viewer=person
        )
        await house.services.media.close(session_id, why)
        await house.services.media.close(session_id)
    await house.services.media.open(
        camera, Demand(), "v=0", sign_in=sign_in.session_id, person=person.id, rank=rank, viewer=person
    )
    await house.services.audit.close()
    began, ended = house.recorder.of(Action.VIEW_START), house.recorder.of(Action.VIEW_END)
    assert {(one.actor.name, one.camera, one.area) for one in began} == {("Camat", FIRST, "31.71.07")}
    assert [one.reason.text for one in ended] == ["closed", "revoked", "shutdown"]


async def test_a_view_that_could_not_be_had_is_none(house: House) -> None:
    house.pool.refuses = RuntimeError("no")
    async with house.client("camat") as client:
        await client.post(f"/cameras/{FIRST}/whep", content="v=0", headers={"Content-Type": "application/sdp"})
    assert house.recorder.of(Action.VIEW_START) == house.recorder.of(Action.VIEW_END) == []


@pytest.mark.parametrize("path", ["/audit", "/audit/export"])
async def test_only_who_may_audit_reads_it(house: House, path: str) -> None:
    for username in ("camat", "operator"):
        async with house.client(username) as client:
            problem(await client.get(path), 403, "forbidden")
            problem(await client.post("/audit/control/1/notes", json={"text": "x"}), 403, "forbidden")


async def test_pages_filters_and_what_is_none_of_the_callers_business(house: House) -> None:
    house.log.add(chain_of(9))  # areas 31.71.00 to 31.71.02
    async with house.client("admin") as client:
        first = (await client.get("/audit", params={"limit": 4})).json()
        assert [item["seq"] for item in first["items"]] == [9, 8, 7, 6]
        second = (await client.get("/audit", params={"limit": 9, "after": first["next"]})).json()
        assert ([item["seq"] for item in second["items"]], second["next"]) == ([5, 4, 3, 2, 1], None)
        assert first["items"][0]["actor"]["name"] == "Ibu Sari"
        assert first["items"][0]["details"]["moves"] == 9
        problem(await client.get("/audit", params={"after": "x"}), 422, "bad-input")
        problem(await client.get("/audit", params={"since": "2026-01-31T00:00"}), 422, "bad-input")
        problem(await client.get("/audit", params={"action": "fly"}), 422, "bad-input")
    async with await area_admin(house) as client:
        seen = (await client.get("/audit")).json()["items"]
        assert {item["area"] for item in seen} == {"31.71.01"}
        assert (await client.get("/audit", params={"area": "31.71.02"})).json()["items"] == []
        wrong = await client.post("/audit/control/2/notes", json={"text": "ini apa"})
        nothing = await client.post("/audit/control/99/notes", json={"text": "ini apa"})
        problem(wrong, 404, "not-found")
        assert wrong.content == nothing.content


async def test_a_note_is_a_row_of_its_own(house: House) -> None:
    house.log.add(chain_of(3))
    async with house.client("admin") as client:
        answer = await client.post("/audit/control/2/notes", json={"text": "sudah diperiksa"})
        assert answer.status_code == 201
        body = answer.json()
        assert (body["action"], body["target"], body["reason"], body["camera"]) == (
            "note", "control/2", "sudah diperiksa", "cam-2",
        )  # fmt: skip
        problem(await client.post("/audit/control/2/notes", json={"text": "  "}), 422, "bad-input")
        house.recorder.broken = True
        problem(await client.post("/audit/control/2/notes", json={"text": "lagi"}), 503, "unavailable")


async def test_an_export_is_whole_on_record_and_can_be_judged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camctl.api.audit_routes.PIECE_ROWS", 4)
    rows = chain_of(9)
    house.log.add(rows)
    async with house.client("admin") as client:
        whole = await client.get("/audit/export")
        table = await client.get("/audit/export", params={"format": "csv"})
        part = await client.get("/audit/export", params={"camera": "cam-1", "person": "Sari", "action": "gesture"})
    report = verify_lines(whole.content.splitlines(keepends=True), {})
    assert (report.faults, report.rows, report.is_part) == ([], {"control": 9}, False)
    assert len(table.text.splitlines()) == 10
    assert json.loads(part.text.splitlines()[0]) == {"export": "part"}
    assert [one.details["format"] for one in house.recorder.of(Action.EXPORT)] == ["jsonl", "csv", "jsonl"]
    asked = {"format": "jsonl", "camera": "cam-1", "person": "Sari", "action": "gesture"}
    assert [dict(one.details) for one in house.recorder.of(Action.EXPORT)][1:] == [{"format": "csv"}, asked]
    assert Head(9, rows[-1].digest) == house.log.heads()["control"]


async def test_a_denial_hides_rows_too_and_an_owner_reads_of_their_own_cameras(house: House) -> None:
    house.log.add(chain_of(9))
    await regrant(house.auth, "admin", "admin", "31")
    auditing = frozenset({Capability.AUDIT})
    taken = GrantWish(areas=("31.71.02",), capabilities=auditing, deny=True, reason="a test")
    await Grants(house.auth).give("admin", taken, None)
    house.log.add([seal(entry(10, camera=FIRST, area="31.71.07"), "service", Head())])
    async with house.client("admin") as client:
        seen = (await client.get("/audit")).json()["items"]
        assert {item["area"] for item in seen} == {"31.71.00", "31.71.01", "31.71.07"}
    async with house.client("partner") as client:
        seen = (await client.get("/audit")).json()["items"]
        assert [item["camera"] for item in seen] == [FIRST]
        problem(await client.get("/audit/export"), 403, "forbidden")  # reading is not taking away
