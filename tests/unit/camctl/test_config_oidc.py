"""The directory in the configuration: every fault is found before the service starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from camctl.config import Config, faults
from camctl.errors import ConfigError
from camctl.groundwork import oidc_settings, outer_faults

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
        ({"secret": "x"}, "unknown key"),
    ],
)  # fmt: skip
def test_a_fault_is_named(oidc: dict[str, Any], word: str) -> None:
    [fault] = faults({"server": HERE, "oidc": GOOD | oidc})
    assert fault.startswith("oidc")
    assert word in fault


def test_it_needs_the_address_to_come_back_to() -> None:
    [fault] = faults({"oidc": GOOD})
    assert "server.public_url" in fault


def test_files_areas_and_roles_are_looked_for() -> None:
    rules = [RULE | {"areas": ["99"]}, RULE | {"role": "king"}]
    found = outer_faults({"oidc": GOOD | {"client_secret_file": "/no/such", "invite_only": False, "rules": rules}})
    assert [fault.partition(":")[0] for fault in found] == [
        "oidc.client_secret_file", "oidc.rules[0].areas", "oidc.rules[1].role",
    ]  # fmt: skip


def test_the_settings_know_the_secret_and_do_not_show_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very-secret\n")
    config = Config.model_validate({"server": HERE, "oidc": GOOD | {"client_secret_file": str(secret)}})
    settings = oidc_settings(config)
    assert settings is not None
    assert settings.client_secret == "very-secret"
    assert settings.redirect_uri == "https://cctv.example.go.id/api/v1/auth/oidc/callback"
    assert "very-secret" not in repr(settings)
    secret.write_text("")
    with pytest.raises(ConfigError, match="empty"):
        oidc_settings(config)
    assert oidc_settings(Config()) is None
