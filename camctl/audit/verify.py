"""Judging a whole record: the database with its checkpoints and spool, or an exported file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from camctl.audit.chain import AuditRow, ChainCheck, Fault, FaultKind, Head, check, read_json, row_of, stranger
from camctl.audit.checkpoint import CHAIN, Sealed, SignedCheckpoint, check_checkpoints, read_checkpoint
from camctl.audit.folder import checkpoint_faults, look, spool_faults
from camctl.audit.log import AuditLog
from camctl.audit.sealer import CHECKPOINTS

Keys = Mapping[str, Ed25519PublicKey]
_LOOKS = 3


@dataclass(slots=True)
class Report:
    """What was looked at and what is wrong with it. `is_part`: only a selection, where missing rows cannot be told."""

    faults: list[Fault] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    checkpoints: int = 0
    is_part: bool = False
    unsigned: dict[str, int] = field(default_factory=dict)  # rows after the last checkpoint, by chain

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def chain_check(chain: str, sealed: Sealed, *, is_part: bool = False) -> ChainCheck:
    """How this chain is to be judged after what the checkpoints say."""
    dropped = sealed.dropped.get(chain)
    start = Head(dropped.through, dropped.digest) if dropped is not None else Head()
    signed = sealed.signed.get(chain, {})
    return ChainCheck(chain, start, signed, may_start_early=dropped is not None, is_part=is_part)


def verify_database(
    log: AuditLog, keys: Keys, kept: Sequence[SignedCheckpoint] = (), spool: Path | None = None
) -> Report:
    """Judge the database; `kept` are checkpoints from elsewhere, `spool` is the folder of the spools.

    Raises:
        StoreError: it does not answer.
        OSError: the checkpoints in the folder cannot be read.
    """
    for _ in range(_LOOKS):
        lines, report = _judged(log, keys, kept, spool)
        if report.is_right or lines[-1:] == log.checkpoint_lines()[-1:]:
            break  # else rows may have been dropped behind a checkpoint that is newer than the look
    return report


def _judged(
    log: AuditLog, keys: Keys, kept: Sequence[SignedCheckpoint], spool: Path | None
) -> tuple[list[tuple[int, str]], Report]:
    """One look at everything, and the checkpoints that it stands on."""
    report = Report()
    sight = look(spool) if spool is not None else None  # first: a running service only adds to the database
    lines = log.checkpoint_lines()
    own = _readable(lines, report)
    copies = {"elsewhere": kept, f"in {CHECKPOINTS}": sight.checkpoints if sight is not None else ()}
    sealed = check_checkpoints(own, keys, copies)
    report.faults += sealed.faults
    report.faults += _unsigned_drops(log, sealed)
    heads = log.heads()
    named = heads.keys() | sealed.signed.keys()
    report.faults += _strangers(named | sight.chains if sight is not None else named)
    for chain in sorted(named):
        judged = chain_check(chain, sealed)
        report.faults += check(log.rows(chain, through=heads.get(chain, Head()).seq), judged)
        _count(report, judged)
    if sight is not None:
        report.faults += checkpoint_faults(sight, [line for _number, line in lines], has_rows=bool(heads))
        ends = {chain: Head(dropped.through, dropped.digest) for chain, dropped in sealed.dropped.items()} | heads
        report.faults += spool_faults(sight, ends)
    return lines, report


def _readable(lines: Iterable[tuple[int, str]], report: Report) -> list[SignedCheckpoint]:
    """The database's checkpoints; what cannot be read, or is in another's place, is a fault."""
    own: list[SignedCheckpoint] = []
    for number, line in lines:
        try:
            own.append(read_checkpoint(line))
        except ValueError:
            report.faults.append(Fault(FaultKind.UNREADABLE, CHAIN, number, "it cannot be read"))
            continue
        if own[-1].checkpoint.number != number:
            what = f"it says that it is number {own[-1].checkpoint.number}"
            report.faults.append(Fault(FaultKind.CHECKPOINT, CHAIN, number, what))
    report.checkpoints = len(own)
    return own


def _strangers(chains: Iterable[str]) -> Iterator[Fault]:
    for chain in sorted(chains):
        fault = stranger(chain)
        if fault is not None:
            yield fault


def _unsigned_drops(log: AuditLog, sealed: Sealed) -> Iterator[Fault]:
    for chain, through, number in log.drops():
        dropped = sealed.dropped.get(chain)
        if dropped is None or dropped.through < through:
            what = f"rows up to {through} may be deleted by checkpoint {number}, which does not say so"
            yield Fault(FaultKind.CHECKPOINT, chain, through, what)


def _count(report: Report, judged: ChainCheck) -> None:
    report.rows[judged.chain] = judged.rows
    last = max(judged.signed, default=judged.start.seq)
    if judged.head.seq > last:
        report.unsigned[judged.chain] = judged.head.seq - last


def verify_lines(lines: Iterable[bytes], keys: Keys, kept: Sequence[SignedCheckpoint] = ()) -> Report:
    """Judge an exported file: its first line says what it is, then come the checkpoints, then the rows."""
    report = Report()
    found = _Export()
    for number, line in enumerate(lines, 1):
        try:
            found.take(read_json(line), number == 1)
        except ValueError as error:
            report.faults.append(Fault(FaultKind.UNREADABLE, "file", number, f"the line is {error}"))
            continue
        if found.row is None:
            continue
        if found.checks is None:
            _seal(report, found, keys, kept)
        report.faults += found.judge()
    if found.checks is None:
        _seal(report, found, keys, kept)
    for judged in (found.checks or {}).values():
        report.faults += judged.end()
        _count(report, judged)
    return report


class _Export:
    """A file being read, line by line."""

    def __init__(self) -> None:
        self.is_part = True
        self.checkpoints: list[SignedCheckpoint] = []
        self.sealed: Sealed | None = None
        self.checks: dict[str, ChainCheck] | None = None
        self.row: AuditRow | None = None

    def take(self, fields: object, is_first: bool) -> None:
        self.row = None
        if not isinstance(fields, dict):
            raise ValueError("no JSON object")  # noqa: TRY004  a fault of the file, not of the caller
        if is_first and "export" in fields:
            self.is_part = fields["export"] != "all"
        elif "checkpoint" in fields:
            if self.checks is not None:
                raise ValueError("a checkpoint among rows")
            self.checkpoints.append(read_checkpoint(json.dumps(fields)))
        else:
            self.row = row_of(fields)

    def judge(self) -> Iterator[Fault]:
        row, checks, sealed = self.row, self.checks, self.sealed
        if row is None or checks is None or sealed is None:
            return
        if row.chain not in checks:
            checks[row.chain] = chain_check(row.chain, sealed, is_part=self.is_part)
            yield from _strangers([row.chain])
        yield from checks[row.chain].take(row)


def _seal(report: Report, found: _Export, keys: Keys, kept: Sequence[SignedCheckpoint]) -> None:
    """All checkpoints were read: what they say counts for the rows."""
    sealed = found.sealed = check_checkpoints(found.checkpoints, keys, {"elsewhere": kept})
    report.is_part = found.is_part
    report.checkpoints = len(found.checkpoints)
    report.faults += sealed.faults
    report.faults += _strangers(sealed.signed)
    found.checks = {chain: chain_check(chain, sealed, is_part=found.is_part) for chain in sealed.signed}
