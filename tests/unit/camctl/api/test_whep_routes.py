"""WHEP over HTTP: what each request is answered with, and who is told of the TURN servers."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.errors import StreamError, StreamFault
from streams.pool import PatchResult, PreconditionError, StaleEtagError
from tests.support.people import regrant
from tests.unit.camctl.api.api_kit import FEED, House
from tests.unit.camctl.api.conftest import PASSWORD

SECRET = "rahasia-bersama-0123456789"
TURN = {"turn": {"urls": ["turn:t.example:3478?transport=udp", "turns:[2001:db8::1]:443"], "secret": SECRET}}
WALL = "https://wall.example.go.id"
WITH_TURN = pytest.mark.parametrize("options", [{"media": TURN}])
WITH_WALL = pytest.mark.parametrize("options", [{"media": {"whep_origins": [WALL]}}])
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
WHEP = f"/cameras/{FEED}/whep"


async def opened(house: House) -> str:
    async with house.client("camat") as client:
        answer = await client.post(WHEP, content="v=0", headers=SDP)
    assert answer.status_code == 201
    return str(answer.headers["location"]).removeprefix("/api/v1")


async def test_options_say_what_may_be_posted(house: House) -> None:
    async with house.client("camat") as client:
        answer = await client.options(WHEP)
    assert (answer.status_code, answer.headers["accept-post"]) == (204, "application/sdp")
    assert "link" not in answer.headers


async def test_a_session_has_an_address_that_nobody_guesses_an_etag_and_an_end(house: House) -> None:
    async with house.client("camat") as client:
        answer = await client.post(WHEP, content="v=0", headers=SDP)
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (201, "v=0", "application/sdp")
        assert re.fullmatch(f"/api/v1{WHEP}/[A-Za-z0-9_-]{{32}}", answer.headers["location"])
        assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"1"', "no-store")
        assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
        session = answer.headers["location"].removeprefix("/api/v1")
        assert (await client.delete(session)).status_code == 200
        assert (await client.delete(session)).status_code == 404


@WITH_TURN
async def test_turn_servers_are_in_link_with_credentials_of_each_answers_own(
    house: House, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with house.client("camat") as client:
        answers = [await client.post(WHEP, content="v=0", headers=SDP), await client.options(WHEP)]
        house.pool.patch = PatchResult('"2"', "a=ice-ufrag:x")
        session = answers[0].headers["location"].removeprefix("/api/v1")
        answers.append(await client.patch(session, content="a=ice-ufrag:y", headers=FRAGMENT | {"If-Match": "*"}))
    assert [answer.status_code for answer in answers] == [201, 204, 200]
    names = set()
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        links = answer.headers.get_list("link")
        assert [link.partition(">")[0] for link in links] == ["<" + url for url in TURN["turn"]["urls"]]
        name = re.search(r'rel="ice-server"; username="(\d+):([0-9a-f]{16})"; credential="(\S+)"', links[0])
        assert name
        assert links[0].endswith('; credential-type="password"')
        assert abs(int(name[1]) - time.time() - 21_600) < 30
        assert name[3] not in caplog.text
        names.add(name[2])
    assert len(names) == 3
    assert SECRET not in caplog.text + str([answer.headers for answer in answers]) + repr(house.services)


@WITH_TURN
async def test_who_may_not_watch_is_told_of_no_turn_server(house: House, options: dict[str, Any]) -> None:
    async with house.client() as client:
        answer = await client.options(WHEP)
    assert (answer.status_code, "link" in answer.headers) == (401, False)


@pytest.mark.parametrize(
    ("fault", "status", "waits"),
    [
        (StreamFault.UNREACHABLE, 409, True),
        (StreamFault.HIDDEN, 409, True),
        (StreamFault.OVERLOADED, 503, True),
        (StreamFault.CODEC, 406, False),
        (StreamFault.BAD_OFFER, 400, False),
    ],
)
async def test_why_there_is_no_picture(house: House, fault: StreamFault, status: int, *, waits: bool) -> None:
    house.pool.refuses = StreamError(fault, "told so")
    async with house.client("camat") as client:
        answer = await client.post(WHEP, content="v=0", headers=SDP)
    assert (answer.status_code, answer.json()["detail"]) == (status, "told so")
    assert ("retry-after" in answer.headers) is waits


async def test_other_bodies_are_refused(house: House) -> None:
    async with house.client("camat") as client:
        assert (await client.post(WHEP, json={})).status_code == 415
        assert (await client.patch(await opened(house), content="x", headers=SDP)).status_code == 415


@pytest.mark.parametrize(
    ("result", "status"),
    [(PatchResult('"1"'), 204), (StaleEtagError("old"), 412), (PreconditionError("send If-Match"), 428)],
)
async def test_patches(house: House, result: PatchResult | Exception, status: int) -> None:
    session = await opened(house)
    house.pool.patch = result
    async with house.client("camat") as client:
        answer = await client.patch(session, content="a=ice-ufrag:y", headers=FRAGMENT)
        assert answer.status_code == status
    async with house.client("operator") as client:
        assert (await client.patch(session, content="a=ice-ufrag:y", headers=FRAGMENT)).status_code == 404


async def test_pages_of_other_sites_are_told_nothing(house: House) -> None:
    async with house.client("camat") as client:
        answer = await client.post(WHEP, content="v=0", headers=SDP | {"Origin": WALL})
    assert "access-control-allow-origin" not in answer.headers


@WITH_WALL
async def test_pages_of_named_sites_may_play(house: House, options: dict[str, Any]) -> None:
    asking = {"Origin": WALL, "Access-Control-Request-Method": "POST"}
    async with house.client() as client:
        asking["Access-Control-Request-Headers"] = "authorization,content-type"
        answer = await client.options(WHEP, headers=asking)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, WALL)
        assert "access-control-allow-credentials" not in answer.headers
        other = await client.options(WHEP, headers=asking | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        elsewhere = await client.options("/cameras", headers=asking)
        assert "access-control-allow-origin" not in elsewhere.headers
    async with house.client("camat") as client:
        answer = await client.post(WHEP, content="v=0", headers=SDP | {"Origin": WALL})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, WALL)
        assert "Location" in answer.headers["access-control-expose-headers"]


async def test_who_holds_the_offer_back_until_the_right_is_gone_sees_nothing(house: House) -> None:
    async def held_back() -> AsyncIterator[bytes]:
        yield b"v=0"
        await regrant(house.auth, "camat", "official", "31.74.01")
        await asyncio.sleep(0.6)  # both looks at what runs on the old grant are over, and found nothing

    async with house.client("camat") as client:
        answer = await client.post(WHEP, content=held_back(), headers=SDP)
    assert answer.status_code >= 400
    assert len(house.pool.opened) == len(house.pool.closed) == 1


async def test_a_session_is_its_sign_ins_alone_and_not_its_persons(house: House) -> None:
    session = await opened(house)
    token, _ = await house.auth.sign_in("camat", PASSWORD, "192.0.2.1")
    async with house.client() as other:
        other.headers["Authorization"] = f"Bearer {token}"
        assert (await other.get(session)).status_code == (await other.delete(session)).status_code == 404
    async with house.client("camat") as own:
        assert (await own.get(session)).status_code == 200
