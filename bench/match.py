"""Which request at a camera belongs to which message of a phone, and how long it was under way. Pure."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Said = tuple[str, float]  # "move" or "stop", and when, in monotonic seconds


@dataclass(slots=True)
class Shares:
    """Seconds from message to request of each kind, and how many messages caused none before the next message."""

    took_s: dict[str, list[float]] = field(default_factory=lambda: {"move": [], "stop": []})
    missing: dict[str, int] = field(default_factory=lambda: {"move": 0, "stop": 0})

    @property
    def all_s(self) -> list[float]:
        """Both kinds together."""
        return [*self.took_s["move"], *self.took_s["stop"]]


def match(sent: Mapping[str, Sequence[Said]], arrived: Mapping[str, Sequence[Said]]) -> Shares:
    """For each message, camera by camera, the first request of its kind that came after it and before the next message
    of that kind; a phone sends nothing before the answer could have come, so there is no other that it could be.
    """
    shares = Shares()
    for camera, said in sent.items():
        for kind in ("move", "stop"):
            came = sorted(at_s for each, at_s in arrived.get(camera, ()) if each == kind)
            asked = [at_s for each, at_s in said if each == kind]
            for at_s, until_s in itertools.pairwise([*asked, float("inf")]):
                index = bisect_left(came, at_s)
                if index < len(came) and came[index] < until_s:
                    shares.took_s[kind].append(came[index] - at_s)
                else:
                    shares.missing[kind] += 1
    return shares
