"""`camctl audit ...`: the record from the command line, for auditors and for whoever keeps checkpoints elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from camctl.audit import command_line
from camctl.audit.chain import AuditRow
from camctl.audit.checkpoint import SignedCheckpoint, read_checkpoint
from camctl.audit.entry import Action, Detail
from camctl.audit.export import csv_lines, json_lines
from camctl.audit.keys import PUBLIC, public_keys, signing_key
from camctl.audit.log import READ_ROWS, AuditLog
from camctl.audit.sealer import BrokenChainError, Sealer
from camctl.audit.search import Filter, in_order, page
from camctl.audit.verify import Report, verify_database, verify_lines
from camctl.config import Config, load
from camctl.errors import CamctlError, ConfigError
from camctl.groundwork import open_people
from camctl.store.engine import StoreError

SHOWN_FAULTS = 100


def run(options: argparse.Namespace) -> int:
    """Carry out one command; the exit code, 1 when `verify` found a fault.

    Raises:
        CamctlError: with what to mend.
    """
    if options.audit_command == "verify" and options.file is not None:
        return _verify_file(options)
    config = load(options.config)
    store = open_people(config)
    try:
        return _command(options, config, AuditLog(store.sessions))
    except (StoreError, BrokenChainError, OSError) as error:
        raise CamctlError(str(error)) from None
    finally:
        store.close()


def _command(options: argparse.Namespace, config: Config, log: AuditLog) -> int:
    folder = Path(config.audit.folder)
    match options.audit_command:
        case "verify":
            keys = public_keys(options.key or _own_keys(folder, log))
            return _tell(verify_database(log, keys, _kept(options.checkpoints), folder))
        case "export":
            _export(options, log, folder)
        case "show":
            _show(options, log)
        case "checkpoint":
            made = Sealer(log, signing_key(folder), folder).checkpoint() or log.newest_checkpoint()
            _say(made.line() if made is not None else "")
        case "purge":
            if options.older_than_days < 1:
                raise ConfigError("--older-than-days must be at least 1")
            sealer = Sealer(log, signing_key(folder), folder)
            _record(folder, log, Action.PURGE, "audit purge", {"older_than_days": options.older_than_days})
            gone = sealer.purge(options.older_than_days)
            _say(f"{gone} rows are dropped; the newest checkpoint says which")
    return 0


def _record(folder: Path, log: AuditLog, action: Action, words: str, details: dict[str, Detail]) -> None:
    """On record before it is done: what then fails half way was done in part."""
    entry = command_line.entry_of(action, words, details, target="audit")
    command_line.record(folder, command_line.end_of(log), [entry])


def _own_keys(folder: Path, log: AuditLog) -> list[Path]:
    """This installation's key; none is needed before the first checkpoint."""
    path = folder / PUBLIC
    return [path] if path.exists() or log.checkpoint_lines() else []


def _kept(path: Path | None) -> list[SignedCheckpoint]:
    if path is None:
        return []
    try:
        return [read_checkpoint(line) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ConfigError(f"--checkpoints: {path}: {error}") from None


def _verify_file(options: argparse.Namespace) -> int:
    keys = public_keys(options.key)
    try:
        with options.file.open("rb") as lines:
            return _tell(verify_lines(lines, keys, _kept(options.checkpoints)))
    except OSError as error:
        raise ConfigError(f"--file: {error}") from None


def _tell(report: Report) -> int:
    for fault in report.faults[:SHOWN_FAULTS]:
        _say(f"{fault.kind.value:<12} {fault}")
    if len(report.faults) > SHOWN_FAULTS:
        _say(f"... and {len(report.faults) - SHOWN_FAULTS} more")
    for chain, rows in sorted(report.rows.items()):
        unsigned = report.unsigned.get(chain, 0)
        _say(f"{chain}: {rows} rows, of which {unsigned} are newer than the last checkpoint")
    _say(f"{report.checkpoints} checkpoints")
    if report.is_part:
        _say("this is a selection: what was left out of it cannot be told from what was removed")
    _say("nothing is wrong" if report.is_right else f"{len(report.faults)} faults")
    return 0 if report.is_right else 1


def _export(options: argparse.Namespace, log: AuditLog, folder: Path) -> None:
    wanted = _filter(options)
    _record(folder, log, Action.EXPORT, "audit export", {"format": options.format, **wanted.details()})
    rows = ordered(log, wanted)
    if options.format == "csv":
        lines = csv_lines(rows)
    else:
        checkpoints = [read_checkpoint(line) for _number, line in log.checkpoint_lines()]
        lines = json_lines(rows, checkpoints, is_all=wanted.is_everything)
    for line in lines:
        sys.stdout.write(line.decode())


def ordered(log: AuditLog, wanted: Filter) -> Iterator[AuditRow]:
    """All rows that are wanted, chain by chain in their order, read in pieces."""
    after = ("", 0)
    while piece := log.read(in_order(wanted, READ_ROWS, after)):
        yield from piece
        after = (piece[-1].chain, piece[-1].seq)


def _show(options: argparse.Namespace, log: AuditLog) -> None:
    for row in reversed(log.read(page(_filter(options), max(1, options.last)))):
        where = " ".join(part for part in (row.camera, row.target) if part)
        why = f"  ({row.reason_text})" if row.reason_text else ""
        _say(f"{row.at}  {row.chain}/{row.seq}  {row.actor_name or '-'}  {row.action} {row.outcome}  {where}{why}")


def _filter(options: argparse.Namespace) -> Filter:
    return Filter(
        since=_time("--since", options.since),
        until=_time("--until", options.until),
        person=options.person,
        camera=options.camera,
        area=options.area,
        action=_action(options.action),
        text=options.text,
    )


def _action(text: str) -> Action | None:
    if not text:
        return None
    try:
        return Action(text)
    except ValueError:
        raise ConfigError(f"--action: there is no {text!r}; there are {_listed(list(Action))}") from None


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def _time(key: str, text: str | None) -> datetime | None:
    """A time as typed; one without a zone is this machine's."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise ConfigError(f"{key}: {text!r} is no time; write it like 2026-01-31T08:00+07:00") from None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
