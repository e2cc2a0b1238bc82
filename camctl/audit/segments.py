"""The spool's files: segments of JSON lines, each beginning with the head that its first row hangs on.

A segment is called CHAIN-FIRSTROW.jsonl. One process writes a chain (a lock says so); others may read. Beside them
CHAIN.shipped says which row was the newest that had reached the database: what is cut off there does not only wait.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from camctl.audit.chain import AuditRow, Head, digest_of, read_json, read_line

_SUFFIX, _SHIPPED = ".jsonl", ".shipped"


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A segment by its first row's number."""

    first: int
    path: Path


def segment_path(folder: Path, chain: str, first: int) -> Path:
    """Where the segment that begins with this row is."""
    return folder / f"{chain}-{first:012d}{_SUFFIX}"


def segments(folder: Path, chain: str) -> list[Segment]:
    """The chain's segments, oldest first; none when there is no folder."""
    found = []
    for path in folder.glob(f"{chain}-*{_SUFFIX}"):
        number = path.name[len(chain) + 1 : -len(_SUFFIX)]
        if number.isdigit():
            found.append(Segment(int(number), path))
    return sorted(found)


def chains(folder: Path) -> list[str]:
    """The chains that have segments here."""
    names = (path.name.removesuffix(_SUFFIX).rpartition("-") for path in folder.glob(f"*-*{_SUFFIX}"))
    return sorted({chain for chain, _, number in names if chain and number.isdigit()})


def header_line(chain: str, head: Head) -> bytes:
    """A segment's first line."""
    return json.dumps({"chain": chain, "seq": head.seq, "digest": head.digest}).encode() + b"\n"


def read_header(line: bytes, chain: str) -> Head:
    """The head in a segment's first line; ValueError when it is none of this chain."""
    fields = read_json(line)
    if not isinstance(fields, dict) or fields.keys() != {"chain", "seq", "digest"} or fields["chain"] != chain:
        raise ValueError(f"not the first line of a segment of {chain}")
    seq, digest = fields["seq"], fields["digest"]
    if type(seq) is not int or type(digest) is not str:
        raise ValueError(f"not the first line of a segment of {chain}")
    return Head(seq, digest)


def shipped_chains(folder: Path) -> list[str]:
    """The chains of which it is said here up to where they have reached the database."""
    return sorted(path.name.removesuffix(_SHIPPED) for path in folder.glob(f"*{_SHIPPED}"))


def shipped_path(folder: Path, chain: str) -> Path:
    """The file that says up to where the chain has reached the database."""
    return folder / f"{chain}{_SHIPPED}"


def read_shipped(folder: Path, chain: str) -> Head | None:
    """The newest row that is known to have reached the database; None when nothing says so.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    try:
        text = shipped_path(folder, chain).read_bytes()
    except FileNotFoundError:
        return None
    return read_header(text, chain)


def write_shipped(folder: Path, chain: str, head: Head) -> None:
    """Say that this row has reached the database; OSError. Not synced: an older one is true as well."""
    path = shipped_path(folder, chain)
    draft = path.with_name(path.name + ".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(header_line(chain, head))
    draft.replace(path)


@dataclass(frozen=True, slots=True)
class Content:
    """What is whole in a segment: its rows, the head after them, and how many bytes that is."""

    head: Head
    size: int
    rows: tuple[AuditRow, ...]


def whole_lines(text: bytes) -> Iterator[bytes]:
    """The lines that have their end."""
    begin = 0
    while (end := text.find(b"\n", begin)) >= 0:
        yield text[begin : end + 1]
        begin = end + 1


def parse(text: bytes, chain: str) -> Content:
    """A segment up to the first line that is torn or does not follow; ValueError without a first line."""
    lines = whole_lines(text)
    header = next(lines, None)
    if header is None:
        raise ValueError("not the first line of a segment")
    head, size = read_header(header, chain), len(header)
    rows = []
    for line in lines:
        row = follows(line, chain, head)
        if row is None:
            break
        rows.append(row)
        head, size = Head(row.seq, row.digest), size + len(line)
    return Content(head, size, tuple(rows))


def follows(line: bytes, chain: str, head: Head) -> AuditRow | None:
    """The line's row if it is right and hangs on `head`; None otherwise."""
    try:
        row = read_line(line)
    except ValueError:
        return None
    hangs = row.chain == chain and row.seq == head.seq + 1 and row.previous == head.digest
    return row if hangs and digest_of(row) == row.digest else None


def spool_head(folder: Path, chain: str) -> Head | None:
    """The newest row in the spool, or what the next one will hang on; None without a spool that can be read."""
    while found := segments(folder, chain):
        try:
            return parse(found[-1].path.read_bytes(), chain).head
        except FileNotFoundError:
            continue  # a newer one was begun, and this one shipped, since the folder was read
        except (OSError, ValueError):
            return None
    return None


def total_size(found: Iterable[Segment]) -> int:
    """Bytes of these segments; one that is being removed counts nothing."""
    size = 0
    for segment in found:
        try:
            size += segment.path.stat().st_size
        except FileNotFoundError:
            continue
    return size
