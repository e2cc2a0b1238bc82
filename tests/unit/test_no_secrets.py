"""No key, token or database is part of the repository.

A check of our own: the packages for this have had no release for years or call out, and what they add to these forms,
guessing by entropy, cries wolf at every lock file and recorded offer.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SECRETS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}",
    "PuTTY key": r"PuTTY-User-Key-File-\d",
    "age key": r"AGE-SECRET-KEY-1[0-9A-Z]{20}",
    "AWS key id": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Stripe key": r"\b[sr]k_live_[A-Za-z0-9]{20}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "npm login": r"_authToken\s*=\s*[^\s$]{8}",
    "PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{20}",
    "JSON Web Token": r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "sealed password": r"""password_sealed:\s*["']?v1:[A-Za-z0-9_:-]{40}""",
}
FILES = re.compile(
    r"(^|/)(\.env|\.netrc|\.pgpass|\.pypirc|id_[a-z0-9]+|.*\.(pem|key|p12|pfx|jks|kdbx|db|sqlite3?|keys))$"
)
_PATTERN = re.compile("|".join(f"(?P<{name.replace(' ', '_')}>{form})" for name, form in SECRETS.items()))


def found_in(text: str) -> list[str]:
    return [f"{match.lastgroup}: {match[0][:12]}..." for match in _PATTERN.finditer(text)]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_tracked_file_holds_a_secret() -> None:
    paths = tracked()
    assert len(paths) > 100
    for path in paths:
        name = str(path.relative_to(ROOT))
        assert not FILES.search(name), f"{name} is of a kind that holds secrets"
        if path.is_file():
            assert not found_in(path.read_bytes().decode("latin-1")), name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("private_key", ("-----BEGIN EC PRIVATE", " KEY-----\nMHcCAQEEIIEIEIEIEIEIEIEIEIEI")),
        ("AWS_key_id", ("AKIA", "ABCDEFGHIJKLMNOP")),
        ("GitHub_token", ("ghp", "_" + "a1" * 18)),
        ("GitLab_token", ("glpat", "-" + "a" * 20)),
        ("npm_token", ("npm", "_" + "a1" * 18)),
        ("JSON_Web_Token", ("eyJ" + "a" * 20, ".eyJ" + "b" * 20 + "." + "c" * 20)),
        ("sealed_password", ('password_sealed: "v', "1:" + "ab" * 30)),
    ],
)
def test_each_is_found(name: str, parts: tuple[str, str]) -> None:
    assert found_in("x = '" + "".join(parts) + "'")[0].startswith(name)  # put together here, or it would find itself


@pytest.mark.parametrize(
    "name", [".env", "deploy/.env", "etc/tls.key", "a/people.db", "home/id_ed25519", "secrets.keys"]
)
def test_so_are_files_of_such_kinds(name: str) -> None:
    assert FILES.search(name)
