"""Percentiles and the tables that the benchmarks print. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHARES = (0.5, 0.95, 0.99)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank); NaN without values."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio(ours: float, peer: float) -> str:
    """How many times the peer's figure ours is: below 1 is better."""
    if not math.isfinite(ours) or not math.isfinite(peer) or peer <= 0:
        return "-"
    share = ours / peer
    return f"{share:.2f}x" if share < 10 else f"{share:.0f}x"


def number(value: float, digits: int = 1) -> str:
    """A figure for a cell; "-" where there is none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def spread(values: Sequence[float], digits: int = 1) -> list[str]:
    """The cells p50, p95 and p99."""
    return [number(percentile(values, share), digits) for share in SHARES]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A table in plain text: the first column to the left, figures to the right; notes below it."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  " + "  ".join([cells[0].ljust(widths[0]), *rest]).rstrip()

    rule = "  " + "  ".join("-" * width for width in widths)
    return "\n".join(["", title, "", line(head), rule, *map(line, rows), *(f"  {note}" for note in notes), ""])
