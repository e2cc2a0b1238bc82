"""The key file: made for its owner alone, refused when others may read it."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from camctl.sealing.files import create_private, replace_file
from camctl.sealing.keys import KEY_BYTES, Key, KeyRing, KeyTextError, format_keys, line_of, parse_keys

_MAX_BYTES = 200_000


class KeyFileError(Exception):
    """The key file cannot be used; the message names it and says what to do, and shows nothing of it."""


def new_key() -> Key:
    """A key that nobody had before."""
    return Key(datetime.now(UTC), os.urandom(KEY_BYTES))


def create_key_file(path: Path, key: Key) -> None:
    """Make the file with its first key, mode 0600.

    Raises:
        KeyFileError: it is there already, or cannot be made.
    """
    try:
        create_private(path, format_keys(KeyRing([key])).encode())
    except FileExistsError:
        raise KeyFileError(f"{path} is there already; `camctl secrets rotate` adds a newer key") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}") from None


def ensure_key_file(path: Path) -> None:
    """Make the file with a new key if there is none; nothing happens to one that is there.

    Raises:
        KeyFileError: it cannot be made.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private(path, format_keys(KeyRing([new_key()])).encode())
    except FileExistsError:
        return  # another process was quicker
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}") from None


def read_key_file(path: Path) -> KeyRing:
    """Its keys.

    Raises:
        KeyFileError: it cannot be read, is open to others, or holds something else.
    """
    return _parsed(path, _read(path))


def append_key(path: Path, key: Key) -> KeyRing:
    """Add a key, which seals from now on, to the end of the file; all that is in it stays.

    Raises:
        KeyFileError: as `read_key_file`, or it cannot be written.
    """
    before = _read(path)
    ring = _parsed(path, before).with_newer(key)
    ending = b"" if before.endswith(b"\n") else b"\n"
    try:
        replace_file(path, before + ending + line_of(key).encode(), expected=before)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror or error}") from None
    return ring


def _read(path: Path) -> bytes:
    try:
        # Not blocking: a FIFO in its place must not hang the start.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileError(f"{path} is not there; `camctl secrets init` makes it") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        fault = _fault(os.fstat(handle), path)
        data = b"" if fault else _all(handle)
    finally:
        os.close(handle)
    if fault:
        raise KeyFileError(fault)
    if len(data) > _MAX_BYTES:
        raise KeyFileError(f"{path} is larger than {_MAX_BYTES} bytes; is it the key file?")
    return data


def _all(handle: int) -> bytes:
    with os.fdopen(handle, "rb", closefd=False) as file:
        return file.read(_MAX_BYTES + 1)


def _fault(found: os.stat_result, path: Path) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return f"{path} is not a file"
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        return f"{path} is open to others (mode {mode}): chmod 600 it, and if anybody may have read it, rotate"
    if found.st_uid not in {os.geteuid(), 0}:
        return f"{path} belongs to another user, who could change it: chown it to the user who runs camctl"
    return None


def _parsed(path: Path, data: bytes) -> KeyRing:
    try:
        return parse_keys(data.decode("ascii"))
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} is not a key file: it is no ASCII text") from None
    except KeyTextError as error:
        raise KeyFileError(f"{path}: {error}") from None
