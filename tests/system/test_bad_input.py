"""What no client should send and some do: each has a clear answer, nothing moves, and the next request is served."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from socket import create_connection

import httpx
import pytest

from tests.support.demo import Demo
from tests.support.problems import problem
from tests.system.wrong_requests import FIRST, JSON, OFFER, SDP, no_motor_turns

pytestmark = pytest.mark.system

TOO_MUCH = b"x" * 10 * 2**20


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
