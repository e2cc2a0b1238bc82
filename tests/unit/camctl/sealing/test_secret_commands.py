"""`camctl secrets` over real files: what it writes, what it refuses, and what it leaves to do."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.factor_records import FactorRecords
from auth.tables import PersonRow, TotpRow
from camctl.app import control_setup
from camctl.audit.chain import COMMAND_LINE_CHAIN
from camctl.audit.segments import parse, segments
from camctl.config import load
from camctl.groundwork import open_people, outer_faults, person_sealer
from camctl.sealing import ensure_key_file, read_key_file
from tests.support.commands import camctl_here, said

PASSWORDS = {"one": "rahasia-satu", "two": "rahasia-dua"}
TEXT = """\
# A city's file.
secrets: {{key_file: "{keys}"}}
store: {{url: "sqlite:///{people}"}}
audit: {{folder: "{audit}"}}
cameras:
  items:
    - id: one          # the first
      name: "Satu"
      area: "31.71"
      onvif: "http://10.0.0.1/x"
      password_sealed: {one}   # keep me
    - {{id: two, name: Dua, area: "31.71", onvif: "http://10.0.0.2/x", password_sealed: '{two}'}}
    - {{id: three, name: Tiga, area: "31.71", onvif: "http://10.0.0.3/x", password: rahasia-tiga}}
    - {{id: four, name: Empat, area: "31.71", onvif: "http://10.0.0.4/x", password_file: "{file}"}}
    - {{id: five, name: Lima, area: "31.71", onvif: "http://10.0.0.5/x"}}
"""
MASK = "v1:00000000:" + "A" * 40


@dataclass
class Files:
    """A configuration with two sealed passwords, and its keys."""

    config: Path
    keys: Path

    def secrets(self, command: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = camctl_here("secrets", command, *arguments, "--config", str(self.config), stdin=stdin)
        for secret in (*PASSWORDS.values(), "rahasia-tiga", "rahasia-empat", *self._keys()):
            assert secret not in done.stdout + done.stderr
        return done

    def refused(self, command: str, *arguments: str, code: int = 2) -> str:
        done = self.secrets(command, *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
        return done.stderr

    def _keys(self) -> list[str]:
        lines = self.keys.read_text().splitlines() if self.keys.exists() else []
        return [line.split()[2] for line in lines if not line.startswith("#")]

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new, 1))

    def sealed(self, number: int) -> str:
        return load(self.config).cameras.items[number].password_sealed or ""

    def passwords(self) -> dict[str, str]:
        """What the control process is told: the way of `camctl serve`."""
        return {entry.id: entry.password for entry in control_setup(load(self.config, also=outer_faults)).cameras}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path / "config.yaml", tmp_path / "secrets.keys")
    file = tmp_path / "four.secret"
    file.write_text("rahasia-empat\n")
    file.chmod(0o600)
    names = {"keys": files.keys, "file": file, "people": tmp_path / "people.db", "audit": tmp_path / "audit"}
    files.config.write_text(TEXT.format(**names, one=MASK, two=MASK))
    said(files.secrets("init"))
    for camera, password in PASSWORDS.items():
        line = said(files.secrets("seal", camera, stdin=password + "\n"))
        assert line.startswith('password_sealed: "v1:')
        files.change(MASK, line.split('"')[1])
    return files


def test_sealed_passwords_reach_the_cameras(files: Files) -> None:
    assert files.passwords() == PASSWORDS | {"three": "rahasia-tiga", "four": "rahasia-empat", "five": ""}
    for password in PASSWORDS.values():
        assert password not in repr(load(files.config))
        assert password not in repr(control_setup(load(files.config)))
    assert files.sealed(0) not in repr(load(files.config))


def test_rotate_changes_the_sealed_values_and_nothing_else(files: Files) -> None:
    before, old = files.config.read_text(), [files.sealed(0), files.sealed(1)]
    told = said(files.secrets("rotate"))
    new = [files.sealed(0), files.sealed(1)]
    masked = files.config.read_text()
    for text in (f'"{new[0]}"', f'"{new[1]}"'):
        assert text in masked
    assert masked.replace(f'"{new[0]}"', old[0]).replace(f'"{new[1]}"', f"'{old[1]}'") == before
    assert {text.split(":")[1] for text in new}.isdisjoint(text.split(":")[1] for text in old)
    assert files.passwords()["two"] == PASSWORDS["two"]
    assert "2 passwords sealed" in told
    for camera in ("three", "four"):
        assert f"camctl secrets seal {camera}" in told
    assert "five" not in told
    # The key file of before with the key of after still opens a backup of the configuration.
    files.config.write_text(before)
    assert files.passwords()["one"] == PASSWORDS["one"]


def test_a_rotation_is_on_record_with_the_keys_name_or_is_refused(files: Files) -> None:
    said(files.secrets("rotate"))
    folder = files.config.parent / "audit"
    (segment,) = segments(folder, COMMAND_LINE_CHAIN)
    (row,) = parse(segment.path.read_bytes(), COMMAND_LINE_CHAIN).rows
    key = read_key_file(files.keys).newest.id
    assert (row.action, json.loads(row.details)) == (
        "key-change", {"command": "secrets rotate", "key": key, "passwords": 2},
    )  # fmt: skip
    segment.path.write_text("rubbish\n")
    before, keys = files.config.read_text(), files.keys.read_text()
    assert "cannot be recorded" in files.refused("rotate")
    assert (files.config.read_text(), files.keys.read_text()) == (before, keys)


def test_check_says_how_each_is_kept(files: Files) -> None:
    old = files.sealed(0)
    said(files.secrets("rotate"))
    files.change(files.sealed(0), old)
    lines = {line.split()[0]: line for line in said(files.secrets("check")).splitlines()}
    assert "sealed with an older key" in lines["one"]
    assert lines["two"].endswith(" sealed")
    assert lines["three"].endswith("in plain text in the configuration")
    assert "four.secret" in lines["four"]
    assert lines["five"].endswith("none")
    (files.config.parent / "four.secret").chmod(0o644)
    done = files.secrets("check")
    assert done.returncode == 1
    assert "open to others (mode 0644)" in done.stdout
    assert "1 camera of 5 need" in done.stderr


def test_a_text_that_was_moved_is_called_what_it_is(files: Files) -> None:
    files.change(files.sealed(1), files.sealed(0))
    before, keys = files.config.read_text(), files.keys.read_text()
    said_ = files.refused("rotate")
    assert "cameras.items[1].password_sealed: it is the password of camera one" in said_
    assert (files.config.read_text(), files.keys.read_text()) == (before, keys)
    for command in ("check-config", "serve"):
        done = camctl_here(command, "--config", str(files.config))
        assert done.returncode == 2
        assert "cameras.items[1].password_sealed: it is the password of camera one" in done.stderr


@pytest.mark.parametrize(
    ("ruin", "word"),
    [
        (lambda f: f.keys.unlink(), "is not there; `camctl secrets init`"),
        (lambda f: f.keys.chmod(0o640), "open to others (mode 0640)"),
        (lambda f: (f.keys.unlink(), said(f.secrets("init"))), "which is not in the key file"),
        (lambda f: f.change(f.sealed(0), f.sealed(0)[:-8] + "AAAAAAA="), "it was altered"),
        (lambda f: f.change(f.sealed(0), "rahasia-satu"), "not the form v1:KEY:BASE64"),
        (lambda f: f.change("secrets: {key_file", "#"), "needs the file of its key"),
        (lambda f: f.change("password: rahasia-tiga", f"password: x, password_sealed: '{f.sealed(0)}'"), "give one of"),
    ],
)
def test_what_keeps_the_service_from_starting_is_said(files: Files, ruin: object, word: str) -> None:
    ruin(files)  # type: ignore[operator]
    for command in ("check-config", "serve"):
        done = camctl_here(command, "--config", str(files.config))
        assert (done.returncode, word in done.stderr) == (2, True), done.stderr
        assert "rahasia" not in done.stderr


def test_what_cannot_be_rewritten_safely_is_left_as_it_is(files: Files) -> None:
    files.change(files.sealed(0), f"&mine {files.sealed(0)}")
    before, keys = files.config.read_text(), files.keys.read_text()
    assert "line 11" in files.refused("rotate")
    assert (files.config.read_text(), files.keys.read_text()) == (before, keys)


def test_a_configuration_that_cannot_be_replaced_keeps_opening(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_args: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("camctl.secret_commands.replace_file", no_room)
    assert "No space left on device" in files.refused("rotate", code=1)
    assert files.passwords()["one"] == PASSWORDS["one"]


def test_what_is_asked_wrongly(files: Files) -> None:
    assert "there is no camera six" in files.refused("seal", "six")
    assert "1 to 4096 bytes" in files.refused("seal", "one", code=1)
    assert "is there already" in files.refused("init")
    files.change(f'key_file: "{files.keys}"', "key_file: null")
    files.config.write_text("cameras: {}\n")
    assert "secrets.key_file: name the file" in files.refused("init")


def test_rotating_seals_peoples_secrets_again_and_a_running_service_reads_them(files: Files, tmp_path: Path) -> None:
    config = load(files.config)
    running = person_sealer(config)
    store = open_people(config)
    with store.sessions() as session, session.begin():
        session.connection(execution_options={"write": True})
        for person_id, sealed in (("p1", running.seal("JBSWY3DPEHPK3PXP", "p1")), ("p2", running.seal("X", "p1"))):
            session.add(PersonRow(id=person_id, username=person_id, display_name=person_id, organisation="",
                                  disabled=False, created=datetime.now(UTC)))  # fmt: skip
            session.add(TotpRow(person_id=person_id, sealed=sealed, confirmed=True, last_step=None,
                                created=datetime.now(UTC)))  # fmt: skip
    told = said(files.secrets("rotate"))
    assert "1 secrets of people's authenticator apps" in told
    assert "1 cannot be opened" in told
    records = FactorRecords(store.sessions)
    stored = records.totp("p1")
    store.close()
    assert stored is not None
    assert stored.sealed.split(":")[1] == read_key_file(files.keys).newest.id
    assert running.open(stored.sealed, "p1") == "JBSWY3DPEHPK3PXP"


def test_the_key_file_beside_the_database_is_made_once_also_by_several_at_once(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.keys"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ensure_key_file(path), range(32)))
    assert len(read_key_file(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.keys"]
