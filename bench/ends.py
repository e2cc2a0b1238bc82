"""How long after a change of rights each use of them ended. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.match import Said

_RUNS_S = 0.5  # a stream of 25 pictures a second that was silent for longer did not run
_TURNS_S = 1.5  # a motion is renewed every half second


@dataclass(slots=True)
class Ends:
    """Seconds from a change until each of some uses of it ended."""

    took_s: list[float] = field(default_factory=list)
    uncut: int = 0  # that went on until the end of the trial
    idle: int = 0  # that did not run when the change came: they prove nothing

    def add(self, took_s: float | None, *, ran: bool) -> None:
        """One of them; None: it went on."""
        if not ran:
            self.idle += 1
        elif took_s is None:
            self.uncut += 1
        else:
            self.took_s.append(max(0.0, took_s))


@dataclass(slots=True)
class Trial:
    """One change. `answered_s`: how long it was under way itself; `turned_again`: moves that came after the Stop.

    `bystanders`: streams of others that ran before, and how many of them still did afterwards.
    """

    name: str
    answered_s: float
    ends: dict[str, Ends]
    turned_again: int
    left: int  # leases that the service still counts as theirs afterwards
    bystanders: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen of a change at `at_s` (monotonic) until `end_s`; by place in the lists of streams and so on."""

    at_s: float
    end_s: float
    streams_s: list[float | None]  # last packet
    feeds: list[tuple[float | None, float | None]]  # last piece, closed
    holders: list[tuple[float | None, float | None]]  # told that the lease is over, closed
    commands: list[Sequence[Said]]  # of each holder's camera


def streams(lasts_s: Sequence[float | None], at_s: float, end_s: float) -> Ends:
    """Of what was still sent shortly before the change: until the last of it."""
    ends = Ends()
    for last_s in lasts_s:
        ran = last_s is not None and last_s > at_s - _RUNS_S
        is_over = last_s is not None and last_s < end_s - _RUNS_S
        ends.add(last_s - at_s if last_s is not None and is_over else None, ran=ran)
    return ends


def moments(ended_s: Sequence[float | None], at_s: float) -> Ends:
    """Of what has one end: until it; whatever ended before the change did not run."""
    ends = Ends()
    for end_s in ended_s:
        ends.add(None if end_s is None else end_s - at_s, ran=end_s is None or end_s >= at_s)
    return ends


def motors(commands: Sequence[Sequence[Said]], at_s: float) -> tuple[Ends, int]:
    """Of cameras that turned: until the Stop was there; and how many moves came after it."""
    ends, again = Ends(), 0
    for said in commands:
        ordered = sorted(said, key=lambda each: each[1])
        place = bisect_right(ordered, at_s, key=lambda each: each[1])
        last = ordered[place - 1] if place else ("stop", -math.inf)
        ran = last[0] == "move" and last[1] > at_s - _TURNS_S
        stop_s = next((when_s for kind, when_s in ordered[place:] if kind == "stop"), None)
        ends.add(None if stop_s is None else stop_s - at_s, ran=ran)
        again += sum(stop_s is not None and kind == "move" and when_s > stop_s for kind, when_s in ordered)
    return ends, again


def judge(name: str, answered_s: float, seen: Seen, left: int) -> Trial:
    """What was seen, as figures."""
    turning, again = motors(seen.commands, seen.at_s)
    first = [min((each for each in pair if each is not None), default=None) for pair in seen.holders]
    ends = {
        "WebRTC: last packet": streams(seen.streams_s, seen.at_s, seen.end_s),
        "MP4: last piece": streams([last_s for last_s, _ in seen.feeds], seen.at_s, seen.end_s),
        "MP4: socket closed": moments([closed_s for _, closed_s in seen.feeds], seen.at_s),
        "lease: its holder was told": moments(first, seen.at_s),
        "lease: Stop at the motors": turning,
    }
    return Trial(name, answered_s, ends, again, left)
