"""Tokens and ended sign-ins at work: what they hold and watch follows scopes, grants and their end within a second."""

from __future__ import annotations

from typing import Any

import pytest

from auth.roles import Capability, ViewingRank
from camctl.control.client import RemoteCamera
from streams.quality import Demand
from tests.support.people import regrant
from tests.unit.camctl.api.api_kit import FIRST, House, within_a_second
from tests.unit.camctl.api.in_person_kit import browser, program, refused
from tests.unit.camctl.api.matrix.asgi import Socket

CONTROL = f"/api/v1/cameras/{FIRST}/control"
NEW = "gamelan 42 x"


def camera_of(house: House) -> RemoteCamera:
    camera = house.control.get(FIRST)
    assert camera is not None
    return camera


def holder_of(house: House) -> str | None:
    holder = camera_of(house).control.holder
    return None if holder is None else holder.source.name


async def watch(house: House, client: Any) -> None:
    """The caller's stream, as the media's own book has it."""
    secret = client.headers["Authorization"].partition(" ")[2]
    sign_in = await house.auth.authenticate(secret)
    assert sign_in is not None
    await house.services.media.open(
        camera_of(house), Demand(), "v=0", sign_in=sign_in.session_id, person=sign_in.person.id, rank=ViewingRank.CITY
    )


async def test_every_door_asks_about_the_token_and_not_its_person(house: House) -> None:
    async with (
        program(house, "walikota", Capability.SEE) as sight,
        program(house, "walikota", Capability.LIVE) as blind,
    ):
        assert (await sight.get("/me")).json()["capabilities"] == ["see"]
        seen = (await sight.get(f"/cameras/{FIRST}")).json()
        assert not any(seen["may"].values())
        refused(await sight.post(f"/cameras/{FIRST}/whep", content="v=0", headers={"Content-Type": "application/sdp"}),
                403, "forbidden")  # fmt: skip
        refused(await sight.get(f"/cameras/{FIRST}/snapshot.jpg"), 403, "forbidden")
        refused(await sight.post(f"/cameras/{FIRST}/control/take"), 403, "forbidden")
        decisions = (await sight.get(f"/cameras/{FIRST}/permissions")).json()["items"]
        assert {name for name, said in decisions.items() if said["allowed"]} == {"see"}
        async with Socket(house.app, CONTROL, {"authorization": sight.headers["Authorization"]}) as socket:
            assert socket.refused is not None
            assert socket.refused.status == 403
        # Without SEE there is no camera at all for it.
        assert (await blind.get("/cameras")).json()["items"] == []
        refused(await blind.get(f"/cameras/{FIRST}"), 404, "not-found")


async def test_a_socket_of_a_token_that_may_only_watch_moves_nothing(house: House) -> None:
    async with (
        program(house, "walikota", Capability.SEE, Capability.LIVE) as wall,
        Socket(house.app, CONTROL, {"authorization": wall.headers["Authorization"]}) as socket,
    ):
        assert socket.refused is None
        said = await socket.answer({"type": "move", "seq": 1, "pan": 0.5})
        assert (said["type"], said["code"]) == ("error", "forbidden")
    assert holder_of(house) is None


async def test_a_person_who_is_given_more_gives_their_token_nothing(house: House) -> None:
    async with program(house, "camat", Capability.SEE, Capability.LIVE) as wall:
        await regrant(house.auth, "camat", "admin", "31")
        assert (await wall.get("/me")).json()["capabilities"] == ["live", "see"]
        refused(await wall.post(f"/cameras/{FIRST}/control/take"), 403, "forbidden")
        refused(await wall.get("/people"), 403, "forbidden")
        refused(await wall.get("/audit"), 403, "forbidden")


async def test_what_a_token_holds_and_watches_ends_when_its_person_loses_the_right(house: House) -> None:
    async with program(house, "walikota", Capability.SEE, Capability.LIVE, Capability.CONTROL) as tool:
        assert (await tool.post(f"/cameras/{FIRST}/control/take")).status_code == 200
        await watch(house, tool)
        await regrant(house.auth, "walikota", "auditor", "31.71")
        await within_a_second(lambda: holder_of(house) is None and not house.services.media.sessions())
        assert (await tool.get("/me")).json()["capabilities"] == ["see"]


@pytest.mark.parametrize("ended_by", ["its person", "who looks after them", "recovery"])
async def test_what_a_token_holds_and_watches_ends_with_it(house: House, ended_by: str) -> None:
    async with program(house, "walikota") as tool, browser(house, "walikota") as mine, browser(house, "admin") as admin:
        assert (await tool.post(f"/cameras/{FIRST}/control/take")).status_code == 200
        await watch(house, tool)
        [token] = (await mine.get("/me/tokens")).json()["items"]
        match ended_by:
            case "its person":
                assert (await mine.delete(f"/me/tokens/{token['id']}")).status_code == 204
            case "who looks after them":
                assert (await admin.delete(f"/people/walikota/tokens/{token['id']}")).status_code == 204
            case _:
                made = (await admin.post("/people/walikota/recovery", json={})).json()
                secret = made["link"].rpartition("/")[2]
                async with house.client() as guest:
                    body = {"secret": secret, "password": NEW}
                    assert (await guest.post("/invitations/accept", json=body)).status_code == 200
        await within_a_second(lambda: holder_of(house) is None and not house.services.media.sessions())
        refused(await tool.get("/me"), 401, "not-signed-in")


async def test_what_an_ended_sign_in_holds_ends_with_it_and_nothing_else_does(house: House) -> None:
    async with (
        browser(house, "walikota") as lost,
        browser(house, "walikota") as mine,
        program(house, "walikota") as wall,
    ):
        await watch(house, wall)
        assert (await lost.post(f"/cameras/{FIRST}/control/take")).status_code == 200
        assert (await mine.delete("/me/sessions")).status_code == 204
        await within_a_second(lambda: holder_of(house) is None)
        assert len(house.services.media.sessions()) == 1
        refused(await lost.get("/me"), 401, "not-signed-in")


async def test_a_token_changes_nothing_about_people(house: House) -> None:
    """Whatever its scopes: neither tokens nor sign-ins, passwords, links, grants, roles, nor a recorder's account."""
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/me/tokens", {"name": "x", "scopes": ["see"], "days": 1}), ("DELETE", "/me/tokens/x", None),
        ("DELETE", "/me/sessions", None), ("DELETE", "/me/sessions/x", None), ("DELETE", "/me/notices/x", None),
        ("PUT", "/account/password", {"old": "kuda lumping 7", "new": NEW}),
        ("PATCH", "/account/passkeys/x", {"name": "x"}), ("POST", "/account/passkeys/begin", None),
        ("POST", "/account/totp/begin", None), ("DELETE", "/account/totp", None),
        ("POST", "/auth/step-up/finish", {"proof": {"way": "password", "password": "kuda lumping 7"}}),
        ("POST", "/invitations", {"role": "official", "areas": ["31.71"], "display_name": "X"}),
        ("DELETE", "/invitations/x", None), ("POST", "/people/camat/recovery", {}),
        ("POST", "/people/camat/grants", {"role": "official", "areas": ["31.71"], "reason": "x"}),
        ("POST", "/people/camat/grants/x/approve", None), ("DELETE", "/people/camat/grants/x", None),
        ("PUT", "/roles/x", {"capabilities": ["see"], "priority": 1}), ("DELETE", "/people/camat/tokens/x", None),
        ("POST", "/restream/accounts", {"name": "nvr"}), ("DELETE", "/restream/accounts/nvr", None),
    ]  # fmt: skip
    async with program(house, "admin") as tool:
        for method, path, body in asked:
            answer = await tool.request(method, path, json=body)
            assert answer.status_code == 403, (path, answer.text)
            kind = answer.json()["type"].rpartition(":")[2]
            assert kind == "step-up-needed" or answer.json()["why"] == "token", (path, answer.text)
    assert await house.auth.sign_in("admin", "kuda lumping 7", "192.0.2.9")
