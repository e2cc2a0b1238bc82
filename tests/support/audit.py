"""Audit rows and logs for tests: chains as processes write them, in a database as the service migrates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from camctl.audit.chain import AuditRow, Head, seal
from camctl.audit.checkpoint import key_id
from camctl.audit.entry import Action, Actor, AuditEntry, Reason, ReasonCategory
from camctl.audit.log import AuditLog
from camctl.audit.sealer import Sealer
from camctl.audit.verify import Keys, Report, verify_database
from camctl.store import migrate, open_store
from camctl.store.engine import Store

BEGIN = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
SARI = Actor("p-sari", "Ibu Sari", "official", "Kelurahan Menteng")
GENESIS_HEAD = Head()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS: Keys = {key_id(KEY.public_key()): KEY.public_key()}


def entry(number: int = 0, action: Action = Action.GESTURE, **fields: object) -> AuditEntry:
    given: dict[str, object] = {
        "camera": f"cam-{number % 3}",
        "area": f"31.71.0{number % 3}",
        "reason": Reason(ReasonCategory.STATED, f"kecelakaan {number}"),
        "details": {"moves": number, "seconds": number / 4},
    }
    return AuditEntry(BEGIN + timedelta(minutes=number), SARI, action, **{**given, **fields})  # type: ignore[arg-type]


def chain_of(count: int, chain: str = "control", head: Head = GENESIS_HEAD) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for _ in range(count):
        rows.append(seal(entry(head.seq + 1), chain, head))
        head = Head(rows[-1].seq, rows[-1].digest)
    return rows


@dataclass
class Record:
    """A database with its signing key and a clock that a test turns."""

    store: Store
    log: AuditLog
    folder: Path
    now: datetime = field(default=BEGIN + timedelta(days=1))

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.log, KEY, self.folder, clock=lambda: self.now)

    def verify(self) -> Report:
        return verify_database(self.log, KEYS, spool=self.folder)


@contextmanager
def record(folder: Path, *, is_copy: bool = False) -> Iterator[Record]:
    """A record in this folder; `is_copy`: its database is there already."""
    url = f"sqlite:///{folder / 'audit.db'}"
    if not is_copy:
        migrate(url)
    store = open_store(url)
    try:
        yield Record(store, AuditLog(store.sessions), folder)
    finally:
        store.close()
