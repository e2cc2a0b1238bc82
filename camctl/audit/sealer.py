"""Making checkpoints, and dropping what is too old behind one; synchronous, for one thread at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from camctl.audit.chain import ChainCheck, Fault, FaultKind, Head, check, stranger
from camctl.audit.checkpoint import Checkpoint, SignedCheckpoint, check_signature, key_id, sign
from camctl.audit.log import AuditLog
from camctl.audit.retention import newly_dropped, next_checkpoint, too_old_before

CHECKPOINTS = "checkpoints.jsonl"


class BrokenChainError(Exception):
    """Rows since the last checkpoint are not right, so that nothing is signed; `fault` says which."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"the audit log is not whole, so no checkpoint is signed: {fault}; run `camctl audit verify`")
        self.fault = fault


class Sealer:
    """Signs the heads of all chains, each time after looking at every row since the last time.

    A checkpoint goes to the database and, as a line, to checkpoints.jsonl in the folder: a file to copy elsewhere.
    """

    def __init__(
        self,
        log: AuditLog,
        key: Ed25519PrivateKey,
        folder: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log = log
        self._key = key
        self._id = key_id(key.public_key())
        self._folder = folder
        self._clock = clock

    def checkpoint(self) -> SignedCheckpoint | None:
        """Sign what is new; None when nothing is.

        Raises:
            BrokenChainError: what is new is not right; nothing is signed.
            StoreError, OSError: it could not be read or kept.
        """
        last = self._last()
        heads = self._new_heads(last)
        if not heads and last is not None:
            return None
        return self._keep(next_checkpoint(last, heads, self._clock(), self._id))

    def purge(self, retention_days: int) -> int:
        """Drop rows that are older, behind a checkpoint that says so; returns how many went.

        Raises: as `checkpoint`.
        """
        self.checkpoint()
        last = self._last()
        if last is None:
            return 0
        before = too_old_before(self._clock(), retention_days)
        old = {chain: self._log.last_before(chain, before) for chain in last.heads}
        oldest = {chain: head for chain, head in old.items() if head is not None}
        dropped = newly_dropped(last.dropped, oldest, last.heads, before)
        if dropped:
            last = self._keep(next_checkpoint(last, {}, self._clock(), self._id, dropped)).checkpoint
        gone = 0
        for chain, told in last.dropped.items():  # those of an earlier purge that was cut short too
            while piece := self._log.delete_through(chain, told.through):
                gone += piece
        return gone

    def _last(self) -> Checkpoint | None:
        try:
            signed = self._log.newest_checkpoint()
        except ValueError:
            raise BrokenChainError(_fault("the newest checkpoint cannot be read")) from None
        if signed is None:
            return None
        if signed.checkpoint.key == self._id:
            wrong = check_signature(signed, {self._id: self._key.public_key()})
            if wrong:
                raise BrokenChainError(_fault(f"the newest checkpoint: {wrong}"))
        return signed.checkpoint

    def _new_heads(self, last: Checkpoint | None) -> dict[str, Head]:
        known: Mapping[str, Head] = last.heads if last is not None else {}
        found = {}
        for chain, head in self._log.heads().items():
            unknown = stranger(chain)
            if unknown is not None:
                raise BrokenChainError(unknown)
            start = known.get(chain, Head())
            if head == start:
                continue
            judged = ChainCheck(chain, start)
            for fault in check(self._log.rows(chain, after=start.seq, through=head.seq), judged):
                raise BrokenChainError(fault)
            if judged.head != head:
                raise BrokenChainError(Fault(FaultKind.MISSING, chain, head.seq, "the chain is shorter than it was"))
            found[chain] = head
        return found

    def _keep(self, checkpoint: Checkpoint) -> SignedCheckpoint:
        signed = sign(checkpoint, self._key)
        self._log.add_checkpoint(signed)
        _append(self._folder / CHECKPOINTS, signed.line().encode())
        return signed


def _append(path: Path, line: bytes) -> None:
    """Put the line on the disk, on its own also behind one that was cut short."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "ab") as out:
        size = os.fstat(file).st_size
        is_torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        out.write((b"\n" if is_torn else b"") + line + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _fault(what: str) -> Fault:
    return Fault(FaultKind.CHECKPOINT, "checkpoint", 0, what)
