"""`camctl secrets ...`: the key file, and the passwords in the configuration that are sealed with it."""

from __future__ import annotations

import argparse
import getpass
import stat
import sys
from collections import Counter
from pathlib import Path

from auth.errors import AuthError
from auth.factor_records import FactorRecords
from camctl.audit import command_line
from camctl.audit.chain import Head
from camctl.audit.entry import Action, Detail
from camctl.audit.log import AuditLog
from camctl.config import CameraConfig, Config, camera_password, parse
from camctl.errors import CamctlError, ConfigError
from camctl.groundwork import CAMERA_PASSWORD, PERSON_SECRET, has_people, key_file, open_people, seal_fault
from camctl.sealing import (
    KeyFileError,
    KeyRing,
    Sealer,
    SealError,
    append_key,
    create_key_file,
    key_id_of,
    new_key,
    read_key_file,
)
from camctl.sealing.files import replace_file
from camctl.sealing.scalars import Path as KeyPath
from camctl.sealing.scalars import UnsafeRewriteError, rewritten
from camctl.store.engine import StoreError


def run(options: argparse.Namespace) -> None:
    """Carry out one command.

    Raises:
        CamctlError: with what to mend.
    """
    text = _read(options.config)
    config = parse(text, str(options.config))
    path = _key_file(config)
    try:
        match options.secrets_command:
            case "init":
                create_key_file(path, new_key())
                _say(f"{path} has a key; keep a copy of it where the configuration's backups are not")
            case "seal":
                _seal(config, path, options.camera, options.config)
            case "rotate":
                _rotate(options.config, text, config, path)
            case "check":
                _check(config, path)
    except KeyFileError as error:
        raise ConfigError(f"secrets.key_file: {error}") from None


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # not read_text, which would change ends of lines
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None


def _key_file(config: Config) -> Path:
    path = key_file(config)
    if config.secrets.key_file is None and not path.exists():
        raise ConfigError('secrets.key_file: name the file of the keys first, such as "/etc/camctl/secrets.keys"')
    return path


def _seal(config: Config, path: Path, camera_id: str, config_path: Path) -> None:
    camera = next((each for each in config.cameras.items if each.id == camera_id), None)
    if camera is None:
        raise ConfigError(f"there is no camera {camera_id} in {config_path}")
    sealer = Sealer(read_key_file(path), CAMERA_PASSWORD)
    try:
        sealed = sealer.seal(_password(camera_id), camera.id)
    except ValueError as error:
        raise CamctlError(str(error)) from None
    _say(f'password_sealed: "{sealed}"')


def _password(camera_id: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password of {camera_id}: ")
    if getpass.getpass("Once more: ") != password:
        raise CamctlError("the two passwords differ")
    return password


def _rotate(config_path: Path, text: str, config: Config, path: Path) -> None:
    old = read_key_file(path)
    passwords = _opened(config, Sealer(old, CAMERA_PASSWORD))
    folder, end = Path(config.audit.folder), _record_end(config)
    command_line.check_writable(folder, end)
    key = new_key()
    new = Sealer(old.with_newer(key), CAMERA_PASSWORD)
    changed = _sealed_again(text, config_path, config, passwords, new)
    # First the key, then what is sealed with it: whoever reads between the two finds the old texts and their keys.
    append_key(path, key)
    details: dict[str, Detail] = {"key": key.id, "passwords": len(passwords)}
    command_line.record(folder, end, [command_line.entry_of(Action.KEY_CHANGE, "secrets rotate", details)])
    if changed != text:
        try:
            replace_file(config_path, changed.encode(), expected=text.encode())
        except OSError as error:
            reason = error.strerror or error
            raise CamctlError(
                f"{config_path} cannot be rewritten ({reason}) and is as it was; the new key is in {path}"
            ) from None
    _say(f"{path}: the key {key.id} seals from now on")
    _say(f"{config_path}: {len(passwords)} password{'s' if len(passwords) != 1 else ''} sealed with it")
    _seal_people_again(config, old.with_newer(key))
    if passwords:
        _say("restart the service when it suits; the passwords themselves are the same")
    _tell_old_keys(old, path)
    _tell_unsealed(config)


def _record_end(config: Config) -> Head:
    """Behind what the chain of commands goes on; where there are no people yet, nothing was recorded."""
    if not has_people(config):
        return Head()
    store = open_people(config)
    try:
        return command_line.end_of(AuditLog(store.sessions))
    except StoreError as error:
        raise CamctlError(str(error)) from None
    finally:
        store.close()


def _seal_people_again(config: Config, ring: KeyRing) -> None:
    """What is sealed in the people's database; a running service reads the key file again when it meets the new key."""
    sealer, closed = Sealer(ring, PERSON_SECRET), 0

    def again(text: str, person_id: str) -> str:
        nonlocal closed
        try:
            return sealer.seal(sealer.open(text, person_id), person_id)
        except SealError:
            closed += 1  # it opens no better than before
            return text

    if not has_people(config):
        return
    store = open_people(config)
    try:
        count = FactorRecords(store.sessions).seal_again(again)
    except AuthError as error:
        raise CamctlError(
            f"the people's secrets are sealed with older keys still; run this once more: {error}"
        ) from None
    finally:
        store.close()
    if count:
        _say(f"{count - closed} secrets of people's authenticator apps sealed with it")
    if closed:
        _say(f"left to do: {closed} cannot be opened with any key of {key_file(config)}; `camctl user totp-reset`")


def _opened(config: Config, sealer: Sealer) -> dict[int, str]:
    """The sealed passwords by their camera's place in the list; ConfigError with all that do not open."""
    sealed = [(i, camera) for i, camera in enumerate(config.cameras.items) if camera.password_sealed is not None]
    faults = [(i, fault) for i, camera in sealed if (fault := _seal_fault(config, camera, sealer))]
    if faults:
        lines = "\n".join(f"  cameras.items[{i}].password_sealed: {fault}" for i, fault in faults)
        raise ConfigError(f"nothing was changed, since these do not open:\n{lines}")
    return {i: camera_password(camera, sealer) for i, camera in sealed}


def _seal_fault(config: Config, camera: CameraConfig, sealer: Sealer) -> str | None:
    others = [other.id for other in config.cameras.items]
    return seal_fault(sealer, camera.password_sealed or "", camera.id, others)


def _sealed_again(text: str, path: Path, config: Config, passwords: dict[int, str], sealer: Sealer) -> str:
    """The configuration's text with every sealed password sealed anew; proven to say the same."""
    values: dict[KeyPath, str] = {
        ("cameras", "items", i, "password_sealed"): sealer.seal(password, config.cameras.items[i].id)
        for i, password in passwords.items()
    }
    try:
        changed = rewritten(text, values)
    except UnsafeRewriteError as error:
        raise ConfigError(f"nothing was changed, since {path} cannot be rewritten safely: {error}") from None
    again = parse(changed, str(path))
    if {i: camera_password(again.cameras.items[i], sealer) for i in passwords} != passwords:
        raise CamctlError(f"nothing was changed: {path} would not have said the same; this is a fault of camctl's")
    return changed


def _tell_old_keys(old: KeyRing, path: Path) -> None:
    ids = ", ".join(key.id for key in old)
    _say(f"older keys stay in {path}, for backups and what else was sealed with them: {ids}")


def _tell_unsealed(config: Config) -> None:
    for camera in config.cameras.items:
        if camera.password.get_secret_value():
            _say(f"left to do: {camera.id} has its password in plain text; `camctl secrets seal {camera.id}`")
        elif camera.password_file is not None:
            _say(f"left to do: {camera.id} has it in {camera.password_file}; `camctl secrets seal {camera.id}`")


def _check(config: Config, path: Path) -> None:
    ring = read_key_file(path)
    sealer = Sealer(ring, CAMERA_PASSWORD)
    faults, used = 0, Counter[str]()
    for camera in config.cameras.items:
        word, fault = _how_kept(config, camera, sealer)
        faults += fault
        if camera.password_sealed is not None:
            used[key_id_of(camera.password_sealed)] += 1
        _say(f"{camera.id:<32} {word}")
    for key in ring:
        seals = "  (seals)" if key is ring.newest else ""
        _say(f"key {key.id}  made {key.made:%Y-%m-%d}  passwords of this configuration: {used[key.id]}{seals}")
    if faults:
        raise CamctlError(f"{faults} camera{'s' if faults > 1 else ''} of {len(config.cameras.items)} need mending")


def _how_kept(config: Config, camera: CameraConfig, sealer: Sealer) -> tuple[str, bool]:
    """How a camera's password is kept, and whether that has to be mended."""
    if camera.password_sealed is not None:
        fault = _seal_fault(config, camera, sealer)
        if fault is not None:
            return f"sealed, but {fault}", True
        return "sealed with an older key" if sealer.is_old(camera.password_sealed) else "sealed", False
    if camera.password_file is not None:
        return _file_word(Path(camera.password_file))
    return ("in plain text in the configuration", False) if camera.password.get_secret_value() else ("none", False)


def _file_word(path: Path) -> tuple[str, bool]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"in {path}, which cannot be read: {error.strerror}", True
    if mode & 0o077:
        return f"in plain text in {path}, which is open to others (mode {mode:04o}): chmod 600 it", True
    return f"in plain text in {path}", False


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
