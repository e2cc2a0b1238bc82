"""Challenges of passkey ceremonies: kept in memory, each good for one answer, five minutes and one purpose. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.throttle import network_of

if TYPE_CHECKING:
    from auth.sites import Site

LIFE_S = 300.0


class Purpose(StrEnum):
    """What a challenge was made for; an answer to one is none to another."""

    SIGN_IN = "sign-in"
    ADD = "add"
    STEP_UP = "step-up"


@dataclass(frozen=True, slots=True)
class Challenge:
    """`session_id`: the sign-in that asked; empty when nobody is signed in yet."""

    value: bytes
    purpose: Purpose
    site: Site
    session_id: str
    made_at_s: float


class Challenges:
    """At most `most` open ones, and `most_per_network` from one network: the oldest there go first.

    So that whoever asks for many from one address ends only those of that address. Times of a steady clock.
    """

    def __init__(self, most: int = 20_000, most_per_network: int = 500) -> None:
        self._most = most
        self._most_per_network = most_per_network
        self._open: OrderedDict[bytes, tuple[Challenge, str]] = OrderedDict()
        self._by_network: dict[str, deque[bytes]] = {}

    def add(self, challenge: Challenge, address: str) -> None:
        """Remember a challenge that goes out now."""
        self._expire(challenge.made_at_s)
        network = network_of(address)
        theirs = self._by_network.setdefault(network, deque())
        self._open[challenge.value] = (challenge, network)
        theirs.append(challenge.value)
        if len(theirs) > self._most_per_network:
            self._drop(theirs[0])
        if len(self._open) > self._most:
            self._drop(next(iter(self._open)))

    def take(self, value: bytes, purpose: Purpose, session_id: str, now_s: float) -> Challenge | None:
        """The open challenge, which is used up by this, also when purpose or sign-in are not its own (None then)."""
        found = self._open.get(value)
        if found is None:
            return None
        self._drop(value)
        challenge = found[0]
        is_good = challenge.purpose is purpose and challenge.session_id == session_id
        return challenge if is_good and now_s - challenge.made_at_s <= LIFE_S else None

    def _expire(self, now_s: float) -> None:
        while self._open:
            value, (oldest, _) = next(iter(self._open.items()))
            if now_s - oldest.made_at_s <= LIFE_S:
                return
            self._drop(value)

    def _drop(self, value: bytes) -> None:
        _, network = self._open.pop(value)
        theirs = self._by_network[network]
        theirs.remove(value)
        if not theirs:
            del self._by_network[network]

    def __len__(self) -> int:
        return len(self._open)
