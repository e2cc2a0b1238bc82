"""The city's account against oidc-provider-mock, a directory that nobody here wrote: in a process of its own, and by
the page's button in Chromium.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.support import service as services
from tests.support.commands import process, wait_started
from tests.support.phone_page import PhonePage, chromium
from tests.support.ports import free_tcp_port
from tests.support.service import Service

pytestmark = pytest.mark.peer

PEOPLE = (
    {"sub": "sari", "email": "sari@example.go.id", "email_verified": True},
    {"sub": "u-2", "preferred_username": "budi", "name": "Pak Budi", "groups": ["camat-gambir"]},
    {"sub": "u-3", "email": "stranger@example.go.id", "groups": ["other"]},
)


@contextmanager
def directory(folder: Path) -> Iterator[str]:
    """A provider with `PEOPLE`; its issuer."""
    port, log = free_tcp_port(), folder / "directory.log"
    users = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    with process(log, sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "-n", "true", *users) as started:
        issuer = f"http://127.0.0.1:{port}"
        wait_started(started, lambda: _answers(issuer), log)
        yield issuer


def _answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def service(folder: Path, issuer: str, name: str = "127.0.0.1", **more: Any) -> Iterator[Service]:
    """camctl beside that directory; Sari is here already."""
    secret = folder / "client-secret"
    secret.write_text("any will do\n")
    port = free_tcp_port()
    oidc = {"issuer": issuer, "client_id": "camctl", "client_secret_file": str(secret)}
    oidc |= {"approved_networks": ["127.0.0.0/8"]} | more
    server = {"port": port, "public_url": f"http://{name}:{port}"}
    config = services.write_config(folder, server=server, oidc=oidc)
    with services.running(folder, config, {"sari": ("--role", "official", "--area", "31.71")}) as running:
        yield running


def sign_in(running: Service, subject: str) -> tuple[str, httpx.Response]:
    """Go there and back as a browser does; where it ended, and who it is then."""
    with httpx.Client(timeout=10) as browser:
        there = browser.get(f"{running.api}/auth/oidc/start")
        assert there.status_code == 303, there.text
        back = httpx.post(there.headers["location"], data={"sub": subject}, timeout=10)
        assert back.status_code == 302, back.text
        landed = browser.get(back.headers["location"])
        return landed.headers["location"], browser.get(f"{running.api}/me")


def test_only_the_invited_come_in_where_it_is_so_configured(tmp_path: Path) -> None:
    with directory(tmp_path) as issuer, service(tmp_path, issuer) as running:
        landed, me = sign_in(running, "sari")
        assert (landed, me.json()["username"]) == ("/#/", "sari")
        for stranger in ("u-2", "u-3"):
            landed, me = sign_in(running, stranger)
            assert (landed, me.status_code) == ("/#/city-sign-in-failed", 401)
        assert "invited" in running.log.read_text()
        assert "any will do" not in running.log.read_text()


def test_a_directory_in_a_network_that_nobody_approved_is_not_called_and_the_log_says_the_line(tmp_path: Path) -> None:
    with directory(tmp_path) as issuer, service(tmp_path, issuer, approved_networks=["10.0.0.0/8"]) as running:
        before = (tmp_path / "directory.log").read_text()
        answer = httpx.get(f"{running.api}/auth/oidc/start", timeout=10)
        assert (answer.status_code, answer.headers["location"]) == (303, "/#/city-sign-in-unavailable")
        assert (tmp_path / "directory.log").read_text() == before
        log = running.log.read_text()
        assert 'under oidc: approved_networks: ["10.0.0.0/8", "127.0.0.1/32"]' in log
        assert "any will do" not in log


def test_rules_make_people_of_whom_the_directory_knows(tmp_path: Path) -> None:
    rules = [{"value": "camat-gambir", "role": "official", "areas": ["31.71.01"]}]
    with directory(tmp_path) as issuer, service(tmp_path, issuer, invite_only=False, rules=rules) as running:
        for _ in range(2):
            landed, answer = sign_in(running, "u-2")
            me = answer.json()
            assert (landed, me["username"], me["display_name"]) == ("/#/", "budi", "Pak Budi")
            assert (me["role"], me["areas"]) == ("official", ["31.71.01"])
        assert sign_in(running, "u-3")[0] == "/#/city-sign-in-failed"


@pytest.mark.browser
def test_the_pages_button_leads_there_and_back(tmp_path: Path) -> None:
    # By another name than the directory's: for the browser they are two sites, as in a city.
    with directory(tmp_path) as issuer, service(tmp_path, issuer, "localhost") as running, chromium() as browser:
        here = running.url.replace("127.0.0.1", "localhost")
        for subject, test_id in (("u-3", "city-failed"), ("sari", "camera-list")):
            phone = PhonePage(browser, here, locale="id-ID")
            phone.page.get_by_test_id("city-sign-in").click()
            phone.page.wait_for_url(f"{issuer}/**")
            phone.page.get_by_text(subject, exact=True).click()
            phone.page.get_by_test_id(test_id).wait_for(timeout=10_000)
            assert phone.page.url.startswith(here)
            if subject == "sari":
                phone.page.reload()
                phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
            else:
                expect(phone.page.get_by_test_id("city-failed")).to_contain_text("tidak berhasil")
            assert phone.errors == []
            phone.close()
