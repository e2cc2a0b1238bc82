"""How long it takes to prove a million audit rows, beside the limit that was set."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import report
from camctl.audit.chain import AuditRow, Head, seal
from camctl.audit.checkpoint import key_id
from camctl.audit.entry import Action, Actor, AuditEntry, Reason, ReasonCategory
from camctl.audit.log import AuditLog
from camctl.audit.sealer import Sealer
from camctl.audit.verify import verify_database
from camctl.store import migrate, open_store

_ROWS, _QUICK_ROWS = 1_000_000, 20_000
_LIMIT_S = 60.0
_BATCH = 1_000
_CHAINS = ("control", "service")
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def _entry(number: int) -> AuditEntry:
    return AuditEntry(
        _BEGIN + timedelta(seconds=number),
        Actor(f"person-{number % 400}", "Ibu Lurah Menteng", "official", "Kelurahan Menteng"),
        Action.GESTURE,
        f"camera-{number % 3000}",
        "31.71.06.1001",
        reason=Reason(ReasonCategory.RULE, "asked"),
        details={"moves": number % 90, "lasted_s": number % 90 / 10},
    )


def _fill(log: AuditLog, rows: int) -> float:
    """Put the rows there as the sink does; seconds."""
    began_s = time.perf_counter()
    for chain in _CHAINS:
        head = Head()
        for first in range(0, rows // len(_CHAINS), _BATCH):
            batch: list[AuditRow] = []
            for number in range(first, first + _BATCH):
                batch.append(seal(_entry(number), chain, head))
                head = Head(batch[-1].seq, batch[-1].digest)
            log.add(batch)
    return time.perf_counter() - began_s


def _measure(folder: Path, rows: int) -> str:
    url = f"sqlite:///{folder / 'audit.db'}"
    migrate(url)
    store = open_store(url)
    try:
        log = AuditLog(store.sessions)
        key = Ed25519PrivateKey.generate()
        fill_s = _fill(log, rows)
        Sealer(log, key, folder).checkpoint()
        began_s = time.perf_counter()
        found = verify_database(log, {key_id(key.public_key()): key.public_key()})
        verify_s = time.perf_counter() - began_s
    finally:
        store.close()
    if not found.is_right or sum(found.rows.values()) != rows:
        raise RuntimeError(f"the record is not right: {found.faults[:3]}")
    limit_s = _LIMIT_S * rows / _ROWS
    return report.table(
        f"audit: {rows:,} rows in SQLite",
        ("", "seconds", "us a row", "limit"),
        [
            ("seal and store, 1,000 a transaction", report.number(fill_s), report.number(fill_s / rows * 1e6), "-"),
            ("verify", report.number(verify_s), report.number(verify_s / rows * 1e6), f"{limit_s:.1f} s"),
        ],
    )


async def run(folder: Path, *, quick: bool) -> str:
    """Measure."""
    return await asyncio.to_thread(_measure, folder, _QUICK_ROWS if quick else _ROWS)
