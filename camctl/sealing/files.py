"""Writing a file so that it is whole, old or new, whatever happens meanwhile."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def create_private(path: Path, data: bytes) -> None:
    """Make a new file that only its owner may read; OSError (FileExistsError) when it is there or cannot be made."""
    # Written aside and linked: whoever looks meanwhile sees nothing or all of it, and a second maker finds the first's.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            _write(out.fileno(), data)
        path.hardlink_to(new)
    finally:
        new.unlink()
    _sync_directory(path.parent)


def replace_file(path: Path, data: bytes, *, expected: bytes) -> None:
    """Give an existing file new contents in one step, with the owner, group and mode that it has.

    Raises:
        OSError: it cannot be written as whom it belongs to, or does not hold `expected` any more.
    """
    target = path.resolve(strict=True)  # a link stays one
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            _make_like(out.fileno(), target)
            _write(out.fileno(), data)
        _require_unchanged(target, expected)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _make_like(handle: int, target: Path) -> None:
    before, now = target.stat(), os.fstat(handle)
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


def _require_unchanged(target: Path, expected: bytes) -> None:
    if target.read_bytes() != expected:
        raise OSError(f"{target} was changed meanwhile; try again")


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    os.fsync(handle)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
