"""The hash chain: what a row is as bytes, how it hangs on the row before, and what is wrong with a chain. Pure.

digest(row) = SHA-256(DOMAIN + the JSON array of all columns but `digest`); `previous`, the digest of the row before, is
one of them. So nothing of a row, nor its place, can change without its digest, and no digest without all after it.
Somebody who rewrites all after it too is found by the checkpoints, which are signed (`camctl.audit.checkpoint`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from camctl.audit.entry import MAX_DETAIL_CHARS, MAX_DETAILS, MAX_TEXT_CHARS, AuditEntry, Detail, plain, stamp

DOMAIN = b"camctl-audit-1\n"
GENESIS = "0" * 64

# Of every process that acts, one; a row of any other chain was not written by this house.
CONTROL_CHAIN, SERVICE_CHAIN, COMMAND_LINE_CHAIN = "control", "service", "command-line"
CHAINS = frozenset({CONTROL_CHAIN, SERVICE_CHAIN, COMMAND_LINE_CHAIN})

_encode = json.JSONEncoder(separators=(",", ":")).encode


class AuditRow(NamedTuple):
    """A row as the spool, the database and exports hold it; every column plain text but `seq`, which begins at 1."""

    chain: str
    seq: int
    at: str
    actor_id: str
    actor_name: str
    actor_role: str
    actor_organisation: str
    action: str
    camera: str
    area: str
    target: str
    outcome: str
    reason_category: str
    reason_text: str
    details: str  # a flat JSON object, its keys sorted
    previous: str
    digest: str


COLUMNS = AuditRow._fields


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain up to now: the newest row's number and digest."""

    seq: int = 0
    digest: str = GENESIS


class FaultKind(StrEnum):
    """What is wrong with a chain."""

    ALTERED = "altered"  # the row is not what its digest says
    MISSING = "missing"
    OUT_OF_ORDER = "out-of-order"  # inserted, repeated or moved
    LINK = "link"  # it does not hang on the row before: one of the two was exchanged
    SIGNED = "signed"  # it is not what a checkpoint has signed
    CHECKPOINT = "checkpoint"  # a checkpoint itself is not right
    SPOOL = "spool"  # the spool, from which rows come, says otherwise
    UNKNOWN = "unknown"  # no process writes a chain of this name
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its place: a chain and a row's number, or a checkpoint's."""

    kind: FaultKind
    chain: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.chain}/{self.seq}: {self.what}"


def stranger(chain: str) -> Fault | None:
    """The fault of a chain that no process writes; None when one does."""
    if chain in CHAINS:
        return None
    return Fault(FaultKind.UNKNOWN, chain, 1, "no process of camctl writes a chain of this name: inserted")


def digest_of(row: tuple[Any, ...]) -> str:
    """The digest that a row must have; its own is not looked at.

    Raises:
        TypeError: a column is no text or number.
    """
    return hashlib.sha256(DOMAIN + _encode(row[:-1]).encode()).hexdigest()


def details_text(details: Mapping[str, Detail]) -> str:
    """Details as a row holds them: what is too long is cut, what is too many left out."""
    kept = sorted(details.items())[:MAX_DETAILS]
    short = {plain(key): plain(value, MAX_DETAIL_CHARS) if isinstance(value, str) else value for key, value in kept}
    return json.dumps(short, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def seal(entry: AuditEntry, chain: str, head: Head) -> AuditRow:
    """The entry as the row after `head`."""
    actor, reason = entry.actor, entry.reason
    row = (
        chain, head.seq + 1, stamp(entry.at),
        plain(actor.id), plain(actor.name), plain(actor.role), plain(actor.organisation),
        entry.action.value, plain(entry.camera), plain(entry.area), plain(entry.target, MAX_DETAIL_CHARS),
        entry.outcome.value, reason.category.value, plain(reason.text, MAX_TEXT_CHARS),
        details_text(entry.details), head.digest, "",
    )  # fmt: skip
    return AuditRow(*row[:-1], digest_of(row))


def line_of(row: AuditRow) -> bytes:
    """A row as the spool and exports write it, its line end included."""
    return json.dumps(row._asdict(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row_of(fields: object) -> AuditRow:
    """The row that a line's JSON says.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(fields, dict) or fields.keys() != set(COLUMNS):
        raise ValueError("not the columns of an audit row")
    if any(type(value) is not (int if name == "seq" else str) for name, value in fields.items()):
        raise ValueError("not the types of an audit row")
    return AuditRow(**fields)


def read_json(line: bytes) -> object:
    """What a line of JSON says; ValueError when it is none, or nested deeper than anything that is written here."""
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_line(line: bytes) -> AuditRow:
    """The row of one line of the spool; ValueError when it is none."""
    return row_of(read_json(line))


@dataclass(slots=True)
class ChainCheck:
    """Looks at one chain's rows in the order in which they should be.

    `start` is what the first row hangs on: the genesis, or what a signed checkpoint says was dropped. `signed` are the
    digests that checkpoints have signed, by row. `may_start_early`: rows that were to be dropped may still be there.
    `is_part`: rows are missing by intention (a filtered export), so only what is there is judged.
    """

    chain: str
    start: Head = field(default_factory=Head)
    signed: Mapping[int, str] = field(default_factory=dict)
    may_start_early: bool = False
    is_part: bool = False
    rows: int = 0
    head: Head = field(init=False)
    _began: bool = False

    def __post_init__(self) -> None:
        self.head = self.start

    def take(self, row: AuditRow) -> Iterator[Fault]:
        """What is wrong with this row."""
        self.rows += 1
        seq, expected = row.seq, self.head.seq + 1
        try:
            digest = digest_of(row)
        except (TypeError, ValueError):
            digest = None
        if digest is None or type(seq) is not int:
            yield self._fault(FaultKind.UNREADABLE, expected, "a column holds what is no text")
            return
        if not self._began:
            self._began = True
            if self.is_part or (self.may_start_early and seq < expected):
                expected = seq
                self.head = Head(seq - 1, row.previous)
        if digest != row.digest:
            yield self._fault(FaultKind.ALTERED, seq, "the row was altered: it does not match its digest")
        if self.signed.get(seq, row.digest) != row.digest:
            yield self._fault(FaultKind.SIGNED, seq, "the row is not the one that a checkpoint has signed")
        if seq < expected:
            yield self._fault(FaultKind.OUT_OF_ORDER, seq, f"the row stands after {self.head.seq}: inserted or moved")
            return
        if seq > expected:
            if not self.is_part:
                yield self._missing(expected, seq - 1)
        elif row.previous != self.head.digest:
            yield self._fault(FaultKind.LINK, seq, f"the row does not follow row {seq - 1}: one of them was exchanged")
        if self.start.seq == seq and self.start.digest != row.digest:
            yield self._fault(FaultKind.SIGNED, seq, "the last of the dropped rows is not the one that was signed")
        self.head = Head(seq, row.digest)

    def end(self) -> Iterator[Fault]:
        """What is wrong with where the chain ends."""
        last = max(self.signed, default=0)
        if last > self.head.seq and not self.is_part:
            yield self._missing(self.head.seq + 1, last)

    def _missing(self, first: int, last: int) -> Fault:
        what = f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
        return self._fault(FaultKind.MISSING, first, what)

    def _fault(self, kind: FaultKind, seq: int, what: str) -> Fault:
        return Fault(kind, self.chain, seq, what)


def check(rows: Iterable[AuditRow], whole: ChainCheck) -> Iterator[Fault]:
    """Every fault of one chain, in its order."""
    for row in rows:
        yield from whole.take(row)
    yield from whole.end()
