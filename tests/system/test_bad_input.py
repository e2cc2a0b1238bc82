"""What no client should send and some do: each has a clear answer, nothing moves, and the next request is served."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection
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

pytestmark = pytest.mark.system

FIRST, SECOND = "31.71", "31.74"
OFFER = (Path(__file__).parents[1] / "fixtures/offers/chromium.sdp").read_text()
SDP = {"Content-Type": "application/sdp"}
JSON = {"Content-Type": "application/json"}
TOO_MUCH = b"x" * 10 * 2**20
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
    before = {camera["id"]: len(demo.motor_log(camera)) for camera in demo.ready["cameras"]}
    yield
    for camera in demo.ready["cameras"]:
        told = [event for event in demo.motor_log(camera)[before[camera["id"]] :] if event["kind"] != "stop"]
        assert told == [], "wrong input reached a motor"


# Offers --------------------------------------------------------------------------------------------------------------


def without(*words: str) -> str:
    """The offer without the lines that hold any of these words."""
    return "".join(line for line in OFFER.splitlines(keepends=True) if not any(word in line for word in words))


BAD_OFFERS = {
    "nothing": "",
    "prose": "please show me the picture",
    "json": '{"type": "offer", "sdp": "v=0"}',
    "half": OFFER[:200],
    "header-only": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
    "nul": "v=0\r\n" + "\0" * 500,
    "m-line-nonsense": OFFER.replace("m=video 9", "m=video nine"),
    "audio-only": OFFER.replace("m=video", "m=audio"),
    "wants-to-send": OFFER.replace("a=recvonly", "a=sendonly"),
    "inactive": OFFER.replace("a=recvonly", "a=inactive"),
    "plain-rtp": OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "no-fingerprint": without("a=fingerprint"),
    "weak-fingerprint": OFFER.replace("sha-256", "md5"),
    "no-ice": without("a=ice-ufrag", "a=ice-pwd"),
    "many-sections": OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:x\r\n" * 40,
}


@pytest.mark.parametrize("name", BAD_OFFERS)
def test_an_offer_that_cannot_be_used(client: httpx.Client, here: str, name: str) -> None:
    answer = client.post(f"/cameras/{here}/whep", content=BAD_OFFERS[name].encode(), headers=SDP)
    problem(answer, 400, "bad-offer")


def test_an_offer_without_any_h264(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/whep", content=OFFER.replace("H264", "VP8"), headers=SDP)
    assert problem(answer, 406, "codec")["codec"] == "H264"


def test_an_offer_that_is_no_text(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/whep", content=b"v=0\r\n\xff\xfe", headers=SDP)
    assert "UTF-8" in problem(answer, 422, "bad-input")["detail"]


def test_an_offer_beyond_its_limit(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/whep", content=OFFER + "a=x:y\r\n" * 12_000, headers=SDP)
    problem(answer, 413, "too-large")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/sdpx", ""])
def test_an_offer_of_another_content_type(client: httpx.Client, here: str, content_type: str) -> None:
    answer = client.post(f"/cameras/{here}/whep", content=OFFER, headers={"Content-Type": content_type})
    assert "application/sdp" in problem(answer, 415, "media-type")["detail"]


def test_an_unknown_quality(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/whep?quality=4k", content=OFFER, headers=SDP)
    assert "quality" in problem(answer, 422, "bad-input")["detail"]
    problem(client.get(f"/cameras/{here}/snapshot.jpg?quality=4k"), 422, "bad-input")


def test_a_session_that_is_none_and_fragments_that_say_nothing(client: httpx.Client, here: str) -> None:
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    good = client.post(f"/cameras/{here}/whep", content=OFFER, headers=SDP)
    assert good.status_code == 201, good.text
    session = httpx.URL(good.headers["location"]).path.removeprefix("/api/v1")
    problem(client.patch(session, content="hello", headers=fragment), 400, "bad-offer")
    problem(client.patch(session, content="a=ice-ufrag:x y", headers=fragment), 400, "bad-offer")
    problem(client.patch(session, content=OFFER, headers=SDP), 415, "media-type")
    stale = client.patch(session, content="a=end-of-candidates", headers=fragment | {"If-Match": '"other"'})
    problem(stale, 412, "stale-etag")
    problem(client.patch(session + "x", content="a=end-of-candidates", headers=fragment), 404, "not-found")
    assert client.delete(session).status_code == 200
    problem(client.delete(session), 404, "not-found")


def test_somebody_elses_session_is_no_session(demo: Demo, client: httpx.Client, here: str) -> None:
    good = client.post(f"/cameras/{here}/whep", content=OFFER, headers=SDP)
    session = httpx.URL(good.headers["location"]).path.removeprefix("/api/v1")
    with demo.client("admin") as other:
        foreign, unknown = other.delete(session), other.delete(session + "x")
    problem(foreign, 404, "not-found")
    assert foreign.content == unknown.content
    assert client.delete(session).status_code == 200


# Commands ------------------------------------------------------------------------------------------------------------

BAD_MOVES = {
    "nan": '{"pan": NaN}',
    "infinity": '{"tilt": Infinity}',
    "huge": '{"pan": 1e999}',
    "too-fast": '{"pan": 1.01}',
    "too-fast-back": '{"zoom": -1.0001}',
    "word": '{"pan": "0.5"}',
    "switch": '{"pan": true}',
    "null": '{"pan": null}',
    "list": '{"pan": [0.5]}',
    "no-time": '{"pan": 0.5, "hold_ms": 0}',
    "too-long": '{"pan": 0.5, "hold_ms": 2001}',
    "back-in-time": '{"pan": 0.5, "hold_ms": -600}',
    "fraction": '{"pan": 0.5, "hold_ms": 600.5}',
    "time-word": '{"pan": 0.5, "hold_ms": "600"}',
    "unknown-key": '{"pan": 0.5, "speed": 1}',
    "misspelt-key": '{"Pan": 0.5}',
    "an-array": "[0.5, 0, 0]",
    "a-number": "1",
    "nothing": "",
    "half": '{"pan": 0.5',
    "no-json": "pan=0.5",
    "two": '{"pan": 0.5}{"pan": 0.5}',
    "deep": "[" * 50_000,
    "no-text": b'{"pan": 0.5, "\xff": 1}',
}


@pytest.mark.parametrize("name", BAD_MOVES)
def test_a_move_that_is_none(client: httpx.Client, here: str, name: str) -> None:
    body = problem(client.post(f"/cameras/{here}/ptz/move", content=BAD_MOVES[name], headers=JSON), 422, "bad-input")
    assert body["faults"]
    assert all(fault["where"] and fault["what"] for fault in body["faults"])


def test_the_faulty_key_is_named(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/ptz/move", json={"pan": 2, "hold_ms": 0, "sped": 1})
    detail = problem(answer, 422, "bad-input")["detail"]
    assert all(key in detail for key in ("pan", "hold_ms", "sped")), detail


@pytest.mark.parametrize(
    "text", ["{}", '{"home": false}', '{"preset": "1", "home": true}', '{"preset": ""}', '{"preset": 1}', '{"home": 1}']
)
def test_a_journey_that_leads_nowhere(client: httpx.Client, here: str, text: str) -> None:
    problem(client.post(f"/cameras/{here}/ptz/goto", content=text, headers=JSON), 422, "bad-input")


def test_a_preset_that_the_camera_does_not_know(client: httpx.Client, here: str) -> None:
    answer = client.post(f"/cameras/{here}/ptz/goto", json={"preset": "no-such"})
    assert problem(answer, 502, "camera-fault")["fault"] == "refused"
    client.post(f"/cameras/{here}/ptz/stop").raise_for_status()


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=many", "after=" + "x" * 65])
def test_a_list_that_cannot_be_cut_so(client: httpx.Client, query: str) -> None:
    problem(client.get(f"/cameras?{query}"), 422, "bad-input")


# Size ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["auth/login", "cameras/{id}/ptz/move", "cameras/{id}/whep", "nothing"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_ten_megabytes_are_refused_and_the_next_is_served_at_once(
    client: httpx.Client, here: str, path: str, declared: bool
) -> None:
    body = TOO_MUCH if declared else (TOO_MUCH[at : at + 65_536] for at in range(0, len(TOO_MUCH), 65_536))
    kind = SDP if path.endswith("whep") else JSON
    answer = client.post("/" + path.replace("{id}", here), content=body, headers=kind)
    if path == "nothing" and not declared:
        problem(answer, 404, "not-found")  # nobody reads the body there, so nobody counts it
    else:
        problem(answer, 413, "too-large")
    started = time.monotonic()
    assert client.get("/me").status_code == 200
    assert time.monotonic() - started < 1.0


def test_many_large_bodies_do_not_hold_up_others(demo: Demo, client: httpx.Client, here: str) -> None:
    def send() -> None:
        with demo.client("operator") as other:
            problem(other.post(f"/cameras/{here}/ptz/move", content=TOO_MUCH, headers=JSON), 413, "too-large")

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        started = time.monotonic()
        assert client.get("/me").status_code == 200
        slowest = max(slowest, time.monotonic() - started)
    for thread in threads:
        thread.join()
    assert slowest < 1.0


def test_who_announces_a_large_body_and_sends_nothing_is_answered(demo: Demo) -> None:
    address = httpx.URL(demo.url)
    with create_connection((address.host, address.port or 80), timeout=10) as connection:
        connection.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n{")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


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
        {"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:1"},
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


# Addresses that do not exist ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/api/v2/cameras", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/assets/nothing.js", 404, "not-found"),
        ("GET", "/assets/../../../../etc/passwd", 404, "not-found"),
        ("GET", "/assets/..%2f..%2fapplication.py", 404, "not-found"),
        ("DELETE", "/api/v1/cameras", 405, "method"),
        ("GET", "/api/v1/auth/login", 405, "method"),
        ("PUT", "/api/v1/me", 405, "method"),
        ("POST", "/healthz", 405, "method"),
        ("POST", "/", 405, "method"),
    ],
)
def test_an_address_or_method_that_does_not_exist(demo: Demo, method: str, path: str, status: int, kind: str) -> None:
    problem(httpx.request(method, demo.url + path), status, kind)


def test_a_socket_address_asked_as_a_page_tells_the_state_and_takes_nothing(client: httpx.Client, here: str) -> None:
    assert client.get(f"/cameras/{here}/control").json()["camera_id"] == here
    problem(client.post(f"/cameras/{here}/control", json={"type": "take", "seq": 1}), 405, "method")
    problem(client.get("/cameras/nothing/control"), 404, "not-found")


def test_every_answer_is_strict_with_browsers(demo: Demo, client: httpx.Client) -> None:
    for answer in (client.get("/me"), client.get("/nothing"), httpx.get(f"{demo.url}/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
