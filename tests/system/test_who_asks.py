"""Who asks: what strangers, people of other areas and other sites' pages are told, and that nothing moves for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from camctl.config import load
from camctl.groundwork import auth_service, open_people
from tests.support.demo import Demo
from tests.support.problems import problem
from tests.system.wrong_requests import FIRST, JSON, OFFER, SDP, SECOND, no_motor_turns

pytestmark = pytest.mark.system

EVIL = "https://evil.example"


@pytest.fixture
def client(demo: Demo) -> Iterator[httpx.Client]:
    with demo.client("official", FIRST) as client:
        yield client


@pytest.fixture
def here(demo: Demo) -> str:
    return str(demo.camera(FIRST)["id"])


@pytest.fixture(scope="module", autouse=True)
def nothing_moved(demo: Demo) -> Iterator[None]:
    with no_motor_turns(demo):
        yield


# Who asks ------------------------------------------------------------------------------------------------------------


def camera_routes(demo: Demo) -> list[tuple[str, str]]:
    """Method and path of every route of a camera, as OpenAPI knows them."""
    paths = httpx.get(f"{demo.api}/openapi.json").json()["paths"]
    routes = [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in paths.items()
        if "{camera_id}" in path
        for method in methods
    ]
    assert len(routes) >= 11, routes
    return routes


def ask(client: httpx.Client, method: str, path: str, camera_id: str) -> httpx.Response:
    """The route of this camera, with a body that would do."""
    options: dict[str, Any] = {}
    if "whep" in path:
        kind = "trickle-ice-sdpfrag" if method == "PATCH" else "sdp"
        options = {"content": OFFER, "headers": {"Content-Type": f"application/{kind}"}}
    elif method == "POST" and not path.endswith("stop"):
        options = {"json": {"home": True} if path.endswith("goto") else {"pan": 0.5}}
    url = path.replace("{camera_id}", camera_id).replace("{session_id}", "session")
    return client.request(method, url, **options)


def shape(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "date"}


def test_unknown_and_not_mine_answer_alike_on_every_route(demo: Demo, client: httpx.Client) -> None:
    theirs = demo.camera(SECOND)["id"]
    for method, path in camera_routes(demo):
        foreign, unknown = ask(client, method, path, theirs), ask(client, method, path, "no-such-camera")
        problem(foreign, 404, "not-found")
        assert shape(foreign) == shape(unknown), path
        assert theirs not in foreign.text


def test_unknown_and_not_mine_answer_alike_to_wrong_bodies_too(demo: Demo, client: httpx.Client) -> None:
    for content in (b"{", b'{"pan": 7}', b'{"pan": 0.1, "x": 1}'):
        answers = [
            client.post(f"/cameras/{id_}/ptz/move", content=content, headers=JSON)
            for id_ in (demo.camera(SECOND)["id"], "no-such-camera")
        ]
        assert shape(answers[0]) == shape(answers[1])


def test_the_list_shows_only_mine(demo: Demo, client: httpx.Client) -> None:
    assert {item["area"]["code"][:5] for item in client.get("/cameras").json()["items"]} == {FIRST}
    with demo.client("operator") as operator:
        assert len(operator.get("/cameras").json()["items"]) == len(demo.ready["cameras"])


def test_a_partner_watches_their_own_camera_and_may_not_steer_it(demo: Demo) -> None:
    partner = demo.person("partner")
    own = demo.camera(partner["area"])["id"]
    with demo.client("partner") as client:
        assert client.get(f"/cameras/{own}").json()["may"]["control"] is False
        assert problem(client.post(f"/cameras/{own}/ptz/move", json={"pan": 0.5}), 403, "forbidden")["why"] == "role"
        problem(client.post(f"/cameras/{demo.camera(FIRST)['id']}/ptz/move", json={"pan": 0.5}), 404, "not-found")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer " + "A" * 43},
        {"Authorization": "Bearer " + "x" * 8000},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "camctl_session=nonsense"},
        {"Cookie": "camctl_session="},
    ],
    ids=["none", "empty", "short", "unknown", "long", "basic", "cookie", "empty-cookie"],
)
def test_without_a_sign_in_every_route_says_so(demo: Demo, here: str, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=demo.api, headers=headers, timeout=10) as stranger:
        for method, path in [*camera_routes(demo), ("GET", "/me"), ("GET", "/cameras"), ("POST", "/auth/logout")]:
            answer = ask(stranger, method, path, here)
            problem(answer, 401, "not-signed-in")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def issue_short_token(demo: Demo, username: str, life_s: float) -> str:
    """A token that ends soon, made as `camctl user token` makes them: in the demo's own database."""
    command = psutil.Process(demo.ready["pid"]).cmdline()
    config = load(Path(command[command.index("--config") + 1]))

    async def issue() -> str:
        store = open_people(config)
        auth = auth_service(config, store)
        try:
            return await auth.issue_token(username, datetime.now(UTC) + timedelta(seconds=life_s), "short")
        finally:
            await auth.close()
            store.close()

    return asyncio.run(issue())


def test_an_expired_token_opens_nothing_any_more(demo: Demo, here: str) -> None:
    token = issue_short_token(demo, demo.person("official", FIRST)["username"], 2.0)
    with httpx.Client(base_url=demo.api, headers={"Authorization": f"Bearer {token}"}, timeout=10) as guest:
        assert guest.get(f"/cameras/{here}").status_code == 200
        demo.wait(lambda: guest.get("/me").status_code == 401, 3.0, "the token still opens")
        for method, path in camera_routes(demo):
            problem(ask(guest, method, path, here), 401, "not-signed-in")
    with pytest.raises(InvalidStatus) as refused:
        socket(demo, here, {"Authorization": f"Bearer {token}"})
    assert refused.value.response.status_code == 401


# Signing in ----------------------------------------------------------------------------------------------------------


def test_wrong_password_and_unknown_name_say_the_same(demo: Demo) -> None:
    known = demo.person("operator")["username"]
    with httpx.Client(base_url=demo.api, timeout=10) as stranger:
        wrong = stranger.post("/auth/login", json={"username": known, "password": "not the password"})
        nobody = stranger.post("/auth/login", json={"username": "nobody", "password": "not the password"})
        problem(wrong, 401, "wrong-sign-in")
        assert shape(wrong) == shape(nobody)
        assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", '{"username": "admin"}', '{"username": "admin", "password": 1}',
        '{"username": "", "password": "x"}', '{"username": "admin", "password": "x", "otp": "1"}',
        json.dumps({"username": "a" * 257, "password": "x"}), json.dumps({"username": "a", "password": "x" * 257}),
    ],
)  # fmt: skip
def test_a_sign_in_that_is_none(demo: Demo, text: str) -> None:
    answer = httpx.post(f"{demo.api}/auth/login", content=text, headers=JSON)
    assert problem(answer, 422, "bad-input")["faults"]


def test_a_password_never_comes_back(demo: Demo) -> None:
    typed = "my-very-own-password" * 20
    assert typed not in httpx.post(f"{demo.api}/auth/login", json={"username": "x", "password": typed}).text
    assert typed not in httpx.post(f"{demo.api}/auth/login", json={"username": [typed], "password": typed}).text


@pytest.mark.parametrize(
    "text", ['{"username": "a\\u0000", "password": "x"}', '{"username": "\\ud800", "password": "\\ud800"}']
)
def test_names_that_are_no_text_are_simply_wrong(demo: Demo, text: str) -> None:
    answer = httpx.post(f"{demo.api}/auth/login", content=text, headers=JSON)
    assert answer.status_code in {401, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_guessing_is_slowed_for_the_guesser_only(demo: Demo) -> None:
    victim = demo.person("partner")
    good = {"username": victim["username"], "password": victim["password"]}
    with httpx.Client(base_url=demo.api, timeout=10) as stranger:
        assert stranger.post("/auth/login", json=good).status_code == 200
        answers = [stranger.post("/auth/login", json={"username": "guessed", "password": f"x{i}"}) for i in range(7)]
        assert [answer.status_code for answer in answers[:5]] == [401] * 5
        body = answers[-1]
        problem(body, 429, "rate-limited")
        assert int(body.headers["retry-after"]) >= 1
        assert stranger.post("/auth/login", json=good).status_code == 200


# Cookies and other sites ----------------------------------------------------------------------------------------------


@contextmanager
def signed_in_browser(demo: Demo) -> Iterator[httpx.Client]:
    """A client that has the cookie, and nothing but the cookie."""
    person = demo.person("official", FIRST)
    with httpx.Client(base_url=demo.api, timeout=10) as browser:
        answer = browser.post("/auth/login", json={"username": person["username"], "password": person["password"]})
        assert answer.status_code == 200, answer.text
        flags = answer.headers["set-cookie"].lower()
        assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/")), flags
        yield browser


def socket(demo: Demo, camera_id: str, headers: dict[str, str]) -> dict[str, Any]:
    """The first message of a control socket."""
    origin = headers.pop("Origin", None)
    url = f"{demo.api.replace('http', 'ws', 1)}/cameras/{camera_id}/control"
    with connect(url, additional_headers=headers, origin=origin, open_timeout=5) as opened:  # type: ignore[arg-type]
        first: dict[str, Any] = json.loads(opened.recv(timeout=5))
        return first


def test_a_cookie_signs_in_for_everything(demo: Demo, here: str) -> None:
    with signed_in_browser(demo) as browser:
        assert browser.get("/me").json()["role"] == "official"
        same_site = {"Origin": demo.url, "Sec-Fetch-Site": "same-origin"}
        assert browser.post(f"/cameras/{here}/ptz/stop", headers=same_site).status_code == 202
        offered = browser.post(f"/cameras/{here}/whep", content=OFFER, headers=SDP | same_site)
        assert offered.status_code == 201
        assert browser.delete(httpx.URL(offered.headers["location"]).path.removeprefix("/api/v1")).status_code == 200
        cookie = f"camctl_session={browser.cookies['camctl_session']}"
        assert socket(demo, here, {"Cookie": cookie, "Origin": demo.url})["type"] == "state"
        assert browser.post("/auth/logout", headers=same_site).status_code == 204
        browser.cookies.clear()
        problem(browser.get("/me", headers={"Cookie": cookie}), 401, "not-signed-in")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL}, {"Origin": "null"}, {"Origin": "http://["}, {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
    ],
)  # fmt: skip
def test_another_sites_page_cannot_use_the_cookie(demo: Demo, here: str, headers: dict[str, str]) -> None:
    with signed_in_browser(demo) as browser:
        for method, path in camera_routes(demo):
            if method not in {"GET", "OPTIONS"}:
                browser_answer = browser.request(
                    method,
                    path.replace("{camera_id}", here).replace("{session_id}", "session"),
                    headers=headers | JSON,
                    content=b'{"pan": 0.5}' if path.endswith("move") else b'{"home": true}',
                )
                problem(browser_answer, 403, "cross-site")
        problem(browser.post("/auth/logout", headers=headers), 403, "cross-site")
        assert browser.get("/me").status_code == 200
        person = demo.person("official", FIRST)
        signed = {"username": person["username"], "password": person["password"]}
        problem(browser.post("/auth/login", headers=headers, json=signed), 403, "cross-site")
        if "Origin" in headers:
            cookie = f"camctl_session={browser.cookies['camctl_session']}"
            with pytest.raises(InvalidStatus) as refused:
                socket(demo, here, {"Cookie": cookie, "Origin": headers["Origin"]})
            assert refused.value.response.status_code == 403


def test_a_bearer_token_is_nobodys_ambient_right(demo: Demo, client: httpx.Client, here: str) -> None:
    """A page of another site cannot send it unless it has it, so its origin does not matter."""
    assert client.post(f"/cameras/{here}/ptz/stop", headers={"Origin": EVIL}).status_code == 202
