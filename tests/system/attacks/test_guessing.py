"""Guessing people, passwords and paths at a whole service; the test is a proxy before it, for many addresses."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from socket import create_connection

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.ports import free_tcp_port
from tests.support.problems import problem
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.system

FEED = {"id": "feed", "name": "Jl. Sabang", "area": "31.71.07", "rtsp": {"main": "rtsp://127.0.0.1:9/main"}}
KNOWN = [f"orang{number}" for number in range(6)]
ROUNDS = 4  # wrong ones of each; the sixth would be slowed
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("guessing")
    server = {"host": "127.0.0.1", "port": free_tcp_port(), "trusted_proxies": ["127.0.0.1/32"]}
    config = write_config(folder, [FEED], server=server)
    people = dict.fromkeys((*KNOWN, "sari", "budi"), ("--role", "operator", "--area", "31"))
    with running(folder, config, people) as service:
        service.user("disable", KNOWN[-1])
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.api, timeout=20) as client:
        yield client


def new_address() -> str:
    number = next(_numbers)
    return f"198.51.{number // 256}.{number % 256}"


def sign_in(client: httpx.Client, username: str, password: str, forwarded_for: str) -> httpx.Response:
    client.cookies.clear()
    signed = {"username": username, "password": password}
    return client.post("/auth/login", json=signed, headers={"X-Forwarded-For": forwarded_for})


def slowed(client: httpx.Client, address: str) -> int:
    """Guess from there until it is refused; for how long. Waits until the next guess would be heard."""
    for number in range(10):
        answer = sign_in(client, f"more{number}", "Jakarta2026!", address)
        if answer.status_code == 429:
            problem(answer, 429, "rate-limited")
            delay_s = int(answer.headers["retry-after"])
            time.sleep(delay_s if delay_s < 4 else 0)
            return delay_s
    raise AssertionError


def right(username: str) -> str:
    return PASSWORD.format(username=username)


# People ---------------------------------------------------------------------------------------------------------------


def test_whether_an_account_exists_cannot_be_timed(
    client: httpx.Client, record_property: Callable[[str, object], None]
) -> None:
    """Interleaved, so that a busy machine slows all alike. A look-up alone would take a twentieth of a hash."""
    times_s: dict[str, list[float]] = {"known": [], "unknown": [], "closed": []}
    said: set[tuple[int, bytes]] = set()
    for number in range(ROUNDS * (len(KNOWN) - 1)):
        kinds = {"known": KNOWN[number % (len(KNOWN) - 1)], "unknown": f"nobody{number}"}
        if number % (len(KNOWN) - 1) == 0:
            kinds["closed"] = KNOWN[-1]
        for kind, username in kinds.items():
            address = new_address()
            started = time.perf_counter()
            answer = sign_in(client, username, "not the password", address)
            times_s[kind].append(time.perf_counter() - started)
            said.add((answer.status_code, answer.content))
    assert {status for status, _ in said} == {401}
    assert len(said) == 1, "the texts differ"
    medians = {kind: statistics.median(times) for kind, times in times_s.items()}
    record_property("figures", ", ".join(f"{kind} {1000 * each:.0f} ms" for kind, each in medians.items()))
    for kind in ("unknown", "closed"):
        assert 0.6 < medians[kind] / medians["known"] < 1.6, medians


def test_one_address_that_tries_many_accounts_is_slowed_and_the_owner_is_not(client: httpx.Client) -> None:
    office, elsewhere, attacker = new_address(), new_address(), new_address()
    assert sign_in(client, "budi", right("budi"), attacker).status_code == 200  # a colleague, in the same office
    answers = [sign_in(client, f"sprayed{number}", "Jakarta2026!", attacker) for number in range(24)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]
    delays_s = [slowed(client, attacker) for _ in range(3)]
    assert delays_s == sorted(set(delays_s)), "each further one must wait longer"
    # The right password of somebody, tried there now, is not even looked at.
    assert sign_in(client, "sari", right("sari"), attacker).status_code == 429
    assert sign_in(client, "sari", right("sari"), elsewhere).status_code == 200
    assert sign_in(client, "sari", right("sari"), office).status_code == 200
    assert sign_in(client, "budi", right("budi"), attacker).status_code == 200


def test_an_invented_forwarding_buys_no_further_guess(client: httpx.Client) -> None:
    """What a client writes into X-Forwarded-For stands left of what the proxy adds."""
    attacker = new_address()
    answers = [
        sign_in(client, f"invented{number}", "Jakarta2026!", f"{new_address()}, {attacker}") for number in range(24)
    ]
    assert 429 in [answer.status_code for answer in answers[20:]]
    while slowed(client, attacker) < 4:
        pass
    other_lines = httpx.post(
        f"{client.base_url}auth/login",
        json={"username": "invented", "password": "x"},
        headers=[("X-Forwarded-For", new_address()), ("X-Forwarded-For", attacker)],
    )
    assert other_lines.status_code == 429


# Tokens in addresses --------------------------------------------------------------------------------------------------


def test_a_token_in_an_address_opens_nothing_and_is_not_logged(service: Service, client: httpx.Client) -> None:
    token = service.tokens["sari"]
    for path in ("/me", "/cameras", "/cameras/feed/snapshot.jpg", "/cameras/feed/jpegs", "/nothing"):
        answer = client.get(f"{path}?token={token}&access_token={token}")
        assert answer.status_code == (404 if path == "/nothing" else 401)
        assert token not in answer.text
    url = service.api.replace("http", "ws", 1) + f"/cameras/feed/control?token={token}"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, open_timeout=10)
    assert refused.value.response.status_code == 401
    with connect(url, additional_headers=service.headers("sari"), open_timeout=10) as opened:
        assert json.loads(opened.recv(timeout=10))["type"] == "state"
    assert client.get(f"/me?token={token}", headers=service.headers("sari")).status_code == 200
    with create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as broken:
        broken.sendall(f"GET /?token={token} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n nonsense\r\n\r\n".encode())
        assert token.encode() not in broken.recv(4096)
    assert token not in service.log.read_text()


# Paths ----------------------------------------------------------------------------------------------------------------

UP = [
    "..",
    "%2e%2e",
    "%2E.",
    "..%2f",
    "..%5c",
    "..\\",
    "%252e%252e",
    "..%252f",
    "%c0%ae%c0%ae",
    "%uff0e",
    "..;",
    "....//",
    "..%00",
]
TARGETS = ["api/application.py", "config.yaml", "etc/passwd", "people.db", "audit", "control.journal"]
UNDER = [
    "/assets/",
    "/",
    "/api/v1/cameras/",
    "/api/v1/cameras/feed/",
    "/api/v1/patrols/",
    "/assets/%00/",
    "//",
    "/assets//",
]
TELLING = (b"The FastAPI application", b"root:", b"SQLite format", b"approved_networks")


def asked(service: Service, path: str) -> tuple[int, bytes]:
    """As it stands: httpx would tidy it up."""
    url = httpx.URL(service.url)
    with create_connection((url.host, url.port or 80), timeout=10) as connection:
        bearer = f"Authorization: Bearer {service.tokens['sari']}\r\n"
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: camctl\r\n{bearer}Connection: close\r\n\r\n".encode("latin-1")
        )
        said = b""
        while part := connection.recv(65_536):
            said += part
    return int(said.split(b" ", 2)[1]), said


def test_no_path_leads_out_of_where_it_begins(service: Service) -> None:
    paths = [
        f"{under}{'/'.join([up] * depth)}/{target}"
        for under in UNDER for up in UP for depth in (1, 6) for target in TARGETS
    ]  # fmt: skip
    paths += [
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/%2e%2e",
        "/..",
        "/.env",
        "/.git/config",
        "/file:///etc/passwd",
    ]
    for path in paths:
        status, said = asked(service, path)
        assert status in {400, 404, 405}, f"{path}: {said[:200]!r}"
        assert not any(word in said for word in TELLING), path


@pytest.mark.parametrize(
    "camera",
    ["..", "%2e%2e", "..%2ffeed", "feed%00", "feed%2f..%2ffeed", "%66eed%20", "feed%0d%0aX-A:%20b", "FEED", "feed."],
)
def test_only_a_cameras_own_name_names_it(service: Service, camera: str) -> None:
    for rest in ("", "/snapshot.jpg", "/jpegs", "/patrols"):
        status, said = asked(service, f"/api/v1/cameras/{camera}{rest}")
        assert status == 404, f"{camera}{rest}: {said[:200]!r}"
        assert b"\r\nX-A" not in said
    assert asked(service, "/api/v1/cameras/feed")[0] == 200
    assert asked(service, "/api/v1/cameras/%66eed")[0] == 200  # the same name, written otherwise


def test_nothing_of_this_failed_unexpectedly(service: Service) -> None:
    assert "failed unexpectedly" not in service.log.read_text()
