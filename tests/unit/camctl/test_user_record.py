"""What is done on the machine itself is on record: every command that changes something, with who and what."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from camctl import __main__ as program
from camctl import user_record
from camctl.audit import command_line
from camctl.audit.chain import COMMAND_LINE_CHAIN, Head
from camctl.audit.entry import Action
from camctl.audit.segments import parse, segments
from camctl.errors import ConfigError
from tests.support.audit import chain_of, record
from tests.support.commands import camctl_here, said

CHANGING = {
    "add", "approve", "change", "disable", "enable", "password", "token", "grant", "revoke", "role", "restream add",
    "restream remove", "totp-reset", "invite", "recover", "withdraw", "end",
}  # fmt: skip
READING = {"list", "grants", "explain", "roles", "passkeys", "restream list", "links", "sessions"}


def leaves(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """Every command below this parser, in words."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield before.strip()
    for action in below:
        for word, each in action.choices.items():
            yield from leaves(each, f"{before} {word}")


def parsed(*words: str) -> argparse.Namespace:
    return program._parser().parse_args(["user", *words])


def test_of_every_command_it_was_decided_whether_it_is_on_record() -> None:
    commands = {words.removeprefix("user ") for words in leaves(program._parser()) if words.startswith("user ")}
    assert commands == CHANGING | READING, "say of a new command whether it changes something, here and in user_record"
    assert commands & user_record._READING == READING


def test_listing_passkeys_is_no_change_and_removing_them_is() -> None:
    assert not user_record.changes(parsed("passkeys", "sari"))
    assert user_record.changes(parsed("passkeys", "sari", "--remove", "all"))


def test_the_row_names_command_person_place_and_reason() -> None:
    options = parsed(
        "grant", "sari", "--role", "official", "--area", "31.71.01", "--area", "31.71.02", "--reason", "Plt."
    )
    row = user_record.entry_for(options)
    assert (row.action, row.target, row.area, row.reason.text) == (Action.GRANT, "sari", "31.71", "Plt.")
    assert (row.actor.id, row.details["command"]) == ("command-line", "user grant")
    assert (row.details["role"], row.details["area"]) == ("official", "31.71.01 31.71.02")
    assert "config" not in row.details
    removed = user_record.entry_for(parsed("restream", "remove", "nvr"))
    assert (removed.action, removed.target, removed.details["command"]) == (
        Action.RESTREAM_CHANGE, "nvr", "user restream remove",
    )  # fmt: skip


def test_commands_at_once_take_turns_on_one_chain(tmp_path: Path) -> None:
    rows = [command_line.entry_of(Action.PERSON_CHANGE, f"user {number}", {}) for number in range(8)]
    threads = [threading.Thread(target=command_line.record, args=(tmp_path, Head(), [row])) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (segment,) = segments(tmp_path, COMMAND_LINE_CHAIN)
    content = parse(segment.path.read_bytes(), COMMAND_LINE_CHAIN)
    assert content.head != Head()
    assert [row.seq for row in content.rows] == list(range(1, 9))


def test_what_cannot_be_recorded_is_refused_before_it_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match=r"audit\.folder"):
        command_line.check_writable(folder, Head())


def test_a_command_goes_on_behind_the_database_when_the_audit_folder_was_lost(tmp_path: Path) -> None:
    with record(tmp_path) as made:
        rows = chain_of(3, COMMAND_LINE_CHAIN)
        made.log.add(rows)
        config = tmp_path / "config.yaml"
        audit = tmp_path / "lost"
        config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/audit.db'}}\naudit: {{folder: '{audit}'}}\n")
        arguments = ("user", "add", "sari", "--role", "official", "--area", "31.71", "--name", "Ibu Sari")
        said(camctl_here(*arguments, "--config", str(config), stdin="correct-horse-battery-1\n"))
        segment = segments(audit, COMMAND_LINE_CHAIN)[-1]
        (row,) = parse(segment.path.read_bytes(), COMMAND_LINE_CHAIN).rows
        assert (row.seq, row.previous) == (4, rows[-1].digest)
