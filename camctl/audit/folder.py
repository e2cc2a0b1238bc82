"""What the audit folder says beside the database: signed checkpoints, spools, and up to where they have arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from camctl.audit.chain import Fault, FaultKind, Head
from camctl.audit.checkpoint import CHAIN, SignedCheckpoint, read_checkpoint
from camctl.audit.keys import PRIVATE, PUBLIC
from camctl.audit.sealer import CHECKPOINTS
from camctl.audit.segments import chains, read_shipped, segments, shipped_chains, spool_head


@dataclass(frozen=True, slots=True)
class Sight:
    """A look at the folder, to be taken before the database is read: what is said here, the database must have by then.

    Of each chain `shipped` is what had reached the database, `oldest` the first row that the spool still held.
    """

    folder: Path
    checkpoints: Sequence[SignedCheckpoint]
    unreadable: Mapping[int, str]  # lines of checkpoints.jsonl
    has_key: bool
    has_checkpoints: bool
    shipped: Mapping[str, Head]
    oldest: Mapping[str, int]
    faults: Sequence[Fault]

    @property
    def chains(self) -> set[str]:
        """Every chain of which there is a file."""
        return self.shipped.keys() | self.oldest.keys()


def look(folder: Path) -> Sight:
    """The folder as it is now; OSError when its checkpoints cannot be read."""
    checkpoints, unreadable = _checkpoints(folder / CHECKPOINTS)
    shipped: dict[str, Head] = {}
    faults = []
    for chain in shipped_chains(folder):
        try:
            head = read_shipped(folder, chain)
        except (OSError, ValueError):
            what = "what says up to where the spool has reached the database cannot be read"
            faults.append(Fault(FaultKind.SPOOL, chain, 0, what))
            continue
        if head is not None:
            shipped[chain] = head
    return Sight(
        folder,
        checkpoints,
        unreadable,
        any((folder / name).exists() for name in (PRIVATE, PUBLIC)),
        (folder / CHECKPOINTS).exists(),
        shipped,
        {chain: found[0].first for chain in chains(folder) if (found := segments(folder, chain))},
        faults,
    )


def _checkpoints(path: Path) -> tuple[list[SignedCheckpoint], dict[int, str]]:
    found, unreadable = [], {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], {}
    for number, line in enumerate(lines, 1):
        try:
            found.append(read_checkpoint(line))
        except ValueError:
            unreadable[number] = line.decode(errors="replace")
    return found, unreadable


def checkpoint_faults(sight: Sight, lines: Sequence[str], has_rows: bool) -> Iterator[Fault]:
    """What the folder's checkpoints and key say against the database's checkpoints, `lines`, as a whole."""
    for number, text in sight.unreadable.items():
        if not any(line.startswith(text) for line in lines):  # one that was cut short, and is in the database whole
            yield Fault(FaultKind.UNREADABLE, CHECKPOINTS, number, "the line is no signed checkpoint")
    if not lines and (sight.has_checkpoints or (sight.has_key and not has_rows)):
        what = f"the database has none, though {sight.folder} was signed in: removed, or the database is another"
        yield Fault(FaultKind.MISSING, CHAIN, 1, what)


def spool_faults(sight: Sight, heads: Mapping[str, Head]) -> Iterator[Fault]:
    """Rows come from the spool: the database has what had arrived, no more, and what it lacks the spool still holds."""
    yield from sight.faults
    for chain in sorted(sight.chains | set(chains(sight.folder))):
        here = heads.get(chain, Head())
        yield from _newest_faults(chain, here, sight.folder)
        shipped, oldest = sight.shipped.get(chain, Head()), sight.oldest.get(chain, 1)
        if here.seq < shipped.seq:
            what = f"rows {here.seq + 1} to {shipped.seq} had reached the database and are not in it: removed"
            yield Fault(FaultKind.MISSING, chain, here.seq + 1, what)
        elif here.seq == shipped.seq and here.digest != shipped.digest:
            yield Fault(FaultKind.SPOOL, chain, here.seq, "another row had reached the database in this place")
        elif here.seq < oldest - 1:
            what = f"rows {here.seq + 1} to {oldest - 1} have left the spool and are not in the database: removed"
            yield Fault(FaultKind.MISSING, chain, here.seq + 1, what)


def _newest_faults(chain: str, here: Head, folder: Path) -> Iterator[Fault]:
    """Read after the database: the spool is always ahead of it."""
    newest = spool_head(folder, chain)
    if newest is None:
        if segments(folder, chain):
            yield Fault(FaultKind.SPOOL, chain, here.seq, "the spool cannot be read")
    elif here.seq > newest.seq:
        what = f"the database goes on after row {newest.seq}, the last one of the spool: inserted"
        yield Fault(FaultKind.SPOOL, chain, newest.seq + 1, what)
    elif here.seq == newest.seq and here.digest != newest.digest:
        yield Fault(FaultKind.SPOOL, chain, here.seq, "the spool has another row in this place")
