"""The directory in the configuration: every fault is found before the service starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth.grant_records import GrantRecords
from auth.oidc_settings import DirectoryRefusedError
from auth.roles import Capability, Role
from camctl.app import city_sign_in, own_machine
from camctl.config import Config, faults
from camctl.errors import ConfigError
from camctl.groundwork import auth_service, oidc_settings, outer_faults
from camctl.store import Store, migrate, open_store

GOOD: dict[str, Any] = {"issuer": "https://login.example.go.id", "client_id": "camctl", "client_secret_file": "/x"}
HERE = {"public_url": "https://cctv.example.go.id/"}
RULE = {"value": "camat", "role": "official", "areas": ["31.71"]}


@pytest.mark.parametrize(
    ("oidc", "word"),
    [
        ({"issuer": "http://login.example.go.id"}, "https"), ({"issuer": "x"}, "https"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret_file": None}, "client_secret_file"), ({"rules": [RULE]}, "invite_only"),
        ({"invite_only": False}, "rules"), ({"invite_only": False, "rules": [RULE | {"areas": []}]}, "areas"),
        ({"secret": "x"}, "unknown key"), ({"approved_networks": ["10.0.0.0/8"] * 65}, "64"),
        ({"approved_networks": ["10.20.5.7/16"]}, "not a network such as 10.1.0.0/16"),
        ({"approved_networks": ["login.example.go.id"]}, "not a network"),
        ({"approved_networks": "10.0.0.0/8"}, "list"),
    ],
)  # fmt: skip
def test_a_fault_is_named(oidc: dict[str, Any], word: str) -> None:
    [fault] = faults({"server": HERE, "oidc": GOOD | oidc})
    assert fault.startswith("oidc")
    assert word in fault


def test_it_needs_the_address_to_come_back_to() -> None:
    [fault] = faults({"oidc": GOOD})
    assert "server.public_url" in fault


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    migrate(f"sqlite:///{tmp_path}/people.db")
    opened = open_store(f"sqlite:///{tmp_path}/people.db")
    yield opened
    opened.close()


def configured(tmp_path: Path, **more: Any) -> Config:
    secret = tmp_path / "secret"
    secret.write_text("very-secret\n")
    return Config.model_validate({"server": HERE, "oidc": GOOD | {"client_secret_file": str(secret)} | more})


def test_networks_are_approved_beside_the_issuer(tmp_path: Path) -> None:
    networks = ["10.20.5.7/32", "fd00:20::/64"]
    assert configured(tmp_path).oidc.approved_networks == []
    config = Config.model_validate({"server": HERE, "oidc": GOOD | {"approved_networks": networks}})
    assert config.oidc.approved_networks == networks
    assert config.cameras.approved_networks == []


def test_files_and_areas_are_looked_for() -> None:
    rules = [RULE | {"areas": ["99"]}]
    found = outer_faults({"oidc": GOOD | {"client_secret_file": "/no/such", "invite_only": False, "rules": rules}})
    assert [fault.partition(":")[0] for fault in found] == ["oidc.client_secret_file", "oidc.rules[0].areas"]


@pytest.mark.parametrize(("role", "word"), [("king", "no role king"), ("partner", "organisation")])
def test_roles_are_looked_up_in_the_database(tmp_path: Path, store: Store, role: str, word: str) -> None:
    config = configured(tmp_path, invite_only=False, rules=[RULE, RULE | {"role": role}])
    with pytest.raises(ConfigError, match=rf"oidc\.rules\[1\]\.role: .*{word}"):
        oidc_settings(config, store)


def test_a_role_that_the_city_made_is_one(tmp_path: Path, store: Store) -> None:
    guard = Role(frozenset({Capability.SEE}), 0)
    GrantRecords(store.sessions).set_role("guard", guard, datetime(2026, 3, 1, tzinfo=UTC), lambda _old, _holders: None)
    settings = oidc_settings(configured(tmp_path, invite_only=False, rules=[RULE | {"role": "guard"}]), store)
    assert settings is not None
    assert [rule.role for rule in settings.rules] == ["guard"]


def test_the_settings_know_the_secret_and_do_not_show_it(tmp_path: Path, store: Store) -> None:
    config = configured(tmp_path)
    settings = oidc_settings(config, store)
    assert settings is not None
    assert settings.client_secret == "very-secret"
    assert settings.redirect_uri == "https://cctv.example.go.id/api/v1/auth/oidc/callback"
    assert "very-secret" not in repr(settings)
    (tmp_path / "secret").write_text("")
    with pytest.raises(ConfigError, match="empty"):
        oidc_settings(config, store)
    assert oidc_settings(Config(), store) is None


@pytest.mark.parametrize(
    ("issuer", "networks", "word"),
    [
        ("https://10.20.5.7", ["10.9.0.0/16"], 'approved_networks: ["10.9.0.0/16", "10.20.5.7/32"]'),
        ("http://127.0.0.1:8080", ["127.0.0.0/8"], "port 8080 of 127.0.0.1 is this service's own"),
        ("https://169.254.169.254", ["169.254.0.0/16"], "link-local"),
    ],
)
async def test_the_service_asks_its_directory_past_the_guard(
    tmp_path: Path, store: Store, issuer: str, networks: list[str], word: str
) -> None:
    config = configured(tmp_path, issuer=issuer, approved_networks=networks)
    auth = auth_service(config, store)
    city = city_sign_in(config, auth, store, own_machine(config))
    assert city is not None
    with pytest.raises(DirectoryRefusedError) as caught:
        await city.start()
    assert word in str(caught.value)
    assert "very-secret" not in str(caught.value)
    await city.close()
    await auth.close()
