"""What an administrator does for somebody who lost a phone: beside a running service, which follows within a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pyotp
import pytest

from camctl.sealing import read_key_file
from tests.support.authenticator import Authenticator
from tests.support.commands import camctl_here
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.system

ORIGIN = "https://cctv.example.id"
OFFICIAL = ["--role", "official", "--area", "31.71"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("sign-in")
    config = write_config(folder, server={"public_url": ORIGIN})
    with running(folder, config, {"sari": OFFICIAL, "budi": OFFICIAL}) as service:
        yield service


def login(service: Service, username: str) -> httpx.Response:
    body = {"username": username, "password": PASSWORD.format(username=username)}
    return httpx.post(f"{service.api}/auth/login", json=body, timeout=20)


def signed_in(service: Service, username: str) -> httpx.Client:
    token = login(service, username).json()["token"]
    return httpx.Client(base_url=service.api, headers={"Authorization": f"Bearer {token}"}, timeout=20)


def by_passkey(service: Service, phone: Authenticator) -> httpx.Response:
    options = httpx.post(f"{service.api}/auth/passkey/begin", headers={"Origin": ORIGIN}).json()["options"]
    body: dict[str, Any] = {"answer": phone.prove(options)}
    return httpx.post(f"{service.api}/auth/passkey/finish", headers={"Origin": ORIGIN}, json=body)


def test_a_lost_phone_s_passkey_is_removed(service: Service) -> None:
    phone = Authenticator(ORIGIN)
    with signed_in(service, "sari") as client:
        options = client.post("/account/passkeys/begin").json()["options"]
        client.post("/account/passkeys", json={"answer": phone.make(options), "name": "HP dinas"}).raise_for_status()
        assert by_passkey(service, phone).status_code == 200
        listed = service.user("passkeys", "sari")
        assert "HP dinas" in listed
        assert "last used" in listed
        refused = camctl_here("user", "passkeys", "sari", "--remove", "x", "--config", str(service.config))
        assert refused.returncode == 1
        assert "has no passkey x" in refused.stderr
        assert "1 passkeys of sari are removed" in service.user("passkeys", "sari", "--remove", listed.split()[0])
        assert by_passkey(service, phone).status_code == 403
        assert service.user("passkeys", "sari") == ""


def test_a_lost_authenticator_app_is_reset(service: Service) -> None:
    with signed_in(service, "budi") as client:
        totp = pyotp.TOTP(client.post("/account/totp/begin").json()["secret"])
        client.post("/account/totp", json={"code": totp.now()}).raise_for_status()
    assert login(service, "budi").json()["type"] == "urn:camctl:problem:second-factor-needed"
    assert "has no authenticator app any more" in service.user("totp-reset", "budi")
    assert login(service, "budi").status_code == 200
    assert "had no authenticator app" in service.user("totp-reset", "budi")


def test_the_key_of_secrets_lies_beside_the_database_for_the_service_only(service: Service) -> None:
    key = service.config.parent / "secrets.keys"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(read_key_file(key)) == 1
