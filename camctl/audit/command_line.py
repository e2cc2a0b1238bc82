"""The chain of commands on the machine itself: what was done there is on record like what people do."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from camctl.audit.chain import COMMAND_LINE_CHAIN, Head
from camctl.audit.entry import Action, Actor, AuditEntry, Detail, Reason, ReasonCategory
from camctl.audit.log import AuditLog
from camctl.audit.spool_file import SpoolFile
from camctl.errors import ConfigError

_WAIT_S = 10.0
_LOOK_S = 0.05


def entry_of(
    action: Action, words: str, details: Mapping[str, Detail], *, target: str = "", area: str = "", reason: str = ""
) -> AuditEntry:
    """What somebody at the machine did by this command, `words`."""
    why = Reason(ReasonCategory.STATED, reason) if reason else Reason()
    actor = Actor("command-line", _account(), "command-line")
    return AuditEntry(
        datetime.now(UTC), actor, action, area=area, target=target, reason=why, details={"command": words, **details}
    )


def end_of(log: AuditLog) -> Head:
    """Behind what the chain goes on when its spool was lost; StoreError."""
    return log.ends().get(COMMAND_LINE_CHAIN, Head())


def check_writable(folder: Path, end: Head) -> None:
    """ConfigError when a command could not be recorded: to be asked before it does anything."""
    with _file(folder, end):
        return


def record(folder: Path, end: Head, entries: Sequence[AuditEntry]) -> None:
    """Put the rows on the disk; the running service, or the next one, carries them to the database. ConfigError.

    `end`: see `end_of`.
    """
    with _file(folder, end) as file:
        file.write(entries, must_sync=True)


@contextmanager
def _file(folder: Path, end: Head) -> Iterator[SpoolFile]:
    """The chain, held; several commands at once take turns."""
    file, until_s = SpoolFile(folder, COMMAND_LINE_CHAIN), time.monotonic() + _WAIT_S
    try:
        while True:
            try:
                file.advance(end)
                break
            except BlockingIOError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(_LOOK_S)
        yield file
    except OSError as error:
        raise ConfigError(
            f"audit.folder: what is done here cannot be recorded in {folder}: {error.strerror or error}"
        ) from None
    finally:
        file.close()


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a passwd entry for this number
        return "unknown"
