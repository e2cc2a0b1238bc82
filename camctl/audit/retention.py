"""Which checkpoint comes next, and what is too old to keep. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from camctl.audit.chain import Head
from camctl.audit.checkpoint import Checkpoint, Dropped
from camctl.audit.entry import stamp


def next_checkpoint(
    last: Checkpoint | None,
    heads: Mapping[str, Head],
    now: datetime,
    key: str,
    dropped: Mapping[str, Dropped] | None = None,
) -> Checkpoint:
    """The one after `last`; whatever was dropped once stays said, and so does the head of a chain that has ended."""
    if last is None:
        return Checkpoint(1, stamp(now), dict(heads), dict(dropped or {}), key=key)
    return Checkpoint(
        last.number + 1,
        stamp(now),
        {**last.heads, **heads},
        {**last.dropped, **(dropped or {})},
        last.digest,
        key,
    )


def too_old_before(now: datetime, retention_days: int) -> str:
    """The stamp before which rows are too old."""
    return stamp(now - timedelta(days=retention_days))


def newly_dropped(
    last: Mapping[str, Dropped], oldest_kept: Mapping[str, Head], signed: Mapping[str, Head], before: str
) -> dict[str, Dropped]:
    """What goes now: of each chain rows up to `oldest_kept`, the last too old one, if they were signed before."""
    found = {}
    for chain, head in oldest_kept.items():
        known = last.get(chain)
        is_signed = chain in signed and head.seq <= signed[chain].seq
        if is_signed and (known is None or known.through < head.seq):
            found[chain] = Dropped(head.seq, head.digest, before)
    return found
