"""What `camctl user` changes is on record: which command, by which account of the machine, with its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from auth.grants import common_area
from camctl.audit.command_line import entry_of
from camctl.audit.entry import MAX_DETAIL_CHARS, Action, AuditEntry, Detail

_ACTIONS: Final[Mapping[str, Action]] = {
    "grant": Action.GRANT,
    "approve": Action.GRANT,
    "revoke": Action.REVOKE,
    "role": Action.ROLE_CHANGE,
    "restream": Action.RESTREAM_CHANGE,
}
_READING: Final = frozenset({"list", "grants", "explain", "roles", "passkeys", "restream list", "links", "sessions"})
_NOT_DETAILS: Final = frozenset({"command", "user_command", "restream_command", "config", "username", "reason"})


def words_of(options: argparse.Namespace) -> str:
    """The command's own words, such as "restream add"."""
    below = getattr(options, f"{options.user_command}_command", "")
    if getattr(options, "remove", None):  # `passkeys` lists, and with --remove removes
        below = "remove"
    return f"{options.user_command} {below}".strip()


def changes(options: argparse.Namespace) -> bool:
    """Whether this command changes anything."""
    return words_of(options) not in _READING


def entry_for(options: argparse.Namespace) -> AuditEntry:
    """The row of a command that was carried out. No argument of `camctl user` is a secret: these are typed or read."""
    details: dict[str, Detail] = {
        name: _text(value)
        for name, value in sorted(vars(options).items())
        if name not in _NOT_DETAILS and value not in (None, [], "", False)
    }
    return entry_of(
        _ACTIONS.get(options.user_command, Action.PERSON_CHANGE),
        f"user {words_of(options)}",
        details,
        target=getattr(options, "username", "") or getattr(options, "name", "") or "",
        area=common_area(getattr(options, "area", None) or ()),
        reason=getattr(options, "reason", "") or "",
    )


def _text(value: object) -> Detail:
    if isinstance(value, bool | int | float):
        return value
    return (" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))[:MAX_DETAIL_CHARS]
