"""What the pictures that a browser showed tell: how old they were, when it stood still, which stream it was. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

FREEZE_MS = 200.0  # two pictures further apart than this are a freeze (Chromium: 190 ms at 25 pictures a second)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture: when it was shown and, as its strip says, taken (ms since 1970; None when unreadable); its height."""

    shown_ms: float
    height: int
    taken_ms: float | None = None


def ages_ms(frames: Sequence[Frame]) -> list[float]:
    """From taking to showing, of all pictures whose strip could be read."""
    return [frame.shown_ms - frame.taken_ms for frame in frames if frame.taken_ms is not None]


def behind_ms(frames: Sequence[Frame], at_ms: float) -> float:
    """How far behind live the screen is at a moment: the age of the picture that it shows; NaN if it shows none."""
    for frame in reversed(frames):
        if frame.shown_ms <= at_ms and frame.taken_ms is not None:
            return at_ms - frame.taken_ms
    return math.nan


def frozen_share(frames: Sequence[Frame], from_ms: float, until_ms: float) -> float:
    """The share of a span that lay in freezes: in gaps of more than FREEZE_MS between pictures, which count whole."""
    shown = [frame.shown_ms for frame in frames if from_ms <= frame.shown_ms <= until_ms]
    moments = [from_ms, *shown, until_ms]
    gaps = (late - early for early, late in itertools.pairwise(moments))
    return sum(gap for gap in gaps if gap > FREEZE_MS) / (until_ms - from_ms)


def first_of_height(frames: Sequence[Frame], height: int, since_ms: float) -> float:
    """Ms from a moment until a picture of this height was shown; NaN when none was."""
    return next((f.shown_ms - since_ms for f in frames if f.shown_ms >= since_ms and f.height == height), math.nan)
