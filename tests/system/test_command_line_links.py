"""Links, set-up, sign-ins and tokens from the command line, beside a service that runs."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.support.commands import camctl_here, wait_until
from tests.support.service import Service, running, write_config

pytestmark = pytest.mark.system

NEW = "gamelan 42 x"
CODE = re.compile(r"\b[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}\b")
LINK = re.compile(r"^(https?://\S+)/#/invitation/([\w-]{43})$")


def accept(service: Service, link: str, **more: str) -> httpx.Response:
    found = LINK.match(link)
    assert found, link
    body = {"secret": found[2], "password": NEW, **more}
    return httpx.post(f"{service.api}/invitations/accept", json=body, timeout=10)


def set_up(service: Service, code: str) -> httpx.Response:
    body = {"code": code, "username": "boss", "display_name": "Ibu Admin", "password": NEW}
    return httpx.post(f"{service.api}/setup", json=body, timeout=10)


def printed_code(service: Service) -> str:
    """It is printed a moment after the service answers."""
    wait_until(lambda: bool(CODE.findall(service.log.read_text())), 10, service.log.read_text)
    [code] = CODE.findall(service.log.read_text())
    return str(code)


def test_a_first_start_prints_a_code_that_makes_the_administrator_and_no_later_one_does(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with running(tmp_path, config, {}) as service:
        old = printed_code(service)
        assert f"{service.url.replace('127.0.0.1', 'localhost')}/#/setup" in service.log.read_text()
        assert "camctl user add" in service.log.read_text()
    with running(tmp_path, config, {}) as service:
        code = printed_code(service)
        assert set_up(service, old).status_code == 401, "the code of an earlier start"
        answer = set_up(service, code)
        assert answer.status_code == 200, answer.text
        assert answer.json()["person"]["areas"] == ["31"]
        unknown = httpx.post(f"{service.api}/no-such-address", json={}, timeout=10)
        assert (set_up(service, code).status_code, set_up(service, code).content) == (404, unknown.content)
    with running(tmp_path, config, {}) as service:
        assert set_up(service, code).status_code == 404
        assert not CODE.findall(service.log.read_text())


def test_links_are_made_listed_used_and_withdrawn(tmp_path: Path) -> None:
    options = ["--role", "operator", "--area", "31.71", "--name", "Pak Budi"]
    with running(tmp_path, write_config(tmp_path), {"boss": ["--role", "admin", "--area", "31"]}) as service:
        link = service.user("invite", *options, "--address", "https://cctv.example.go.id/")
        assert link.startswith("https://cctv.example.go.id/#/invitation/")
        other = service.user("invite", *options)
        first, second = service.user("links").splitlines()
        assert all("Pak Budi (operator, 31.71), by the command line" in line for line in (first, second))
        service.user("withdraw", first.split()[0])  # the newer one
        assert accept(service, other, username="budi2").status_code == 404
        answer = accept(service, link, username="budi")
        assert answer.status_code == 200, answer.text
        token = answer.json()["token"]
        assert service.user("links") == ""

        recovery = service.user("recover", "budi", "--hours", "1")
        assert accept(service, recovery).status_code == 200
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{service.api}/me", headers=headers, timeout=10).status_code == 401
        log = service.log.read_text()
        assert not any(LINK.match(one)[2] in log for one in (link, other, recovery))  # type: ignore[index]


def test_sign_ins_and_tokens_are_listed_and_ended(tmp_path: Path) -> None:
    with running(tmp_path, write_config(tmp_path), {"boss": ["--role", "admin", "--area", "31"]}) as service:
        narrow = service.user("token", "boss", "--name", "wall", "--scope", "live")
        line = next(one for one in service.user("sessions", "boss").splitlines() if "'wall'" in one)
        assert "only live see" in line
        with httpx.Client(base_url=service.api, headers={"Authorization": f"Bearer {narrow}"}, timeout=10) as wall:
            assert wall.get("/me").status_code == 200
            assert "has ended" in service.user("end", line.split()[0])
            wait_until(lambda: wall.get("/me").status_code == 401, 1.0, lambda: "the ended token still opens")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["invite", "--role", "operator", "--area", "99.99", "--name", "X"], "99.99"),
        (["invite", "--role", "partner", "--area", "31", "--name", "X"], "organisation"),
        (["invite", "--role", "operator", "--area", "31", "--name", "X", "--hours", "0"], "seconds"),
        (["invite", "--role", "operator", "--area", "31", "--name", "X", "--hours", "nan"], "seconds"),
        (["recover", "nobody"], "nobody"), (["withdraw", "x"], "link"), (["end", "x"], "no sign-in"),
        (["sessions", "nobody"], "nobody"), (["token", "nobody", "--scope", "fly"], "fly"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_plainly(tmp_path: Path, arguments: list[str], word: str) -> None:
    done = camctl_here("user", *arguments, "--config", str(write_config(tmp_path)))
    assert done.returncode in {1, 2}
    assert word in done.stderr
    assert "Traceback" not in done.stderr
