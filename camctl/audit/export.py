"""Rows as files: JSON Lines that `camctl audit verify --file` judges, and CSV for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from camctl.audit.chain import COLUMNS, AuditRow, line_of
from camctl.audit.checkpoint import SignedCheckpoint

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_lines(rows: Iterable[AuditRow], checkpoints: Iterable[SignedCheckpoint], *, is_all: bool) -> Iterator[bytes]:
    """The file, line by line: what it is, the checkpoints, the rows chain by chain in their order."""
    yield json.dumps({"export": "all" if is_all else "part"}).encode() + b"\n"
    for signed in checkpoints:
        yield signed.line().encode() + b"\n"
    yield from map(line_of, rows)


def csv_lines(rows: Iterable[AuditRow]) -> Iterator[bytes]:
    """The file, line by line; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    yield _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([_harmless(value) for value in row])


def _csv_line(cells: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()


def _harmless(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
