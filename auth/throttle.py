"""Slows those who guess, not the owner: delays by account and by address, decided purely.

Wrong sign-ins are counted for the account (against many addresses guessing one account) and for the address (against
one address guessing many accounts). Past a free number each further one doubles a delay, up to a cap. A pair of account
and address that signed in correctly before is judged only by its own, gentler count: guesses from elsewhere never close
the owner's own door. Attempts refused during a delay do not prolong it, and success never clears the address, so that
an attacker's own account buys nothing. Memory is bounded; who was quiet longest is forgotten first.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` wrong ones without delay, then `first_s` doubling up to `cap_s`; forgotten `forget_s` after the last."""

    free: int
    first_s: float = 1.0
    cap_s: float = 300.0
    forget_s: float = 3600.0

    def delay_s(self, failures: int) -> float:
        """The pause after that many failures."""
        over = failures - self.free
        if over < 0:
            return 0.0
        return min(self.cap_s, self.first_s * 2.0 ** min(over, 40))


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """The three limits, and for how many keys and how long memory is kept."""

    account: Limit = field(default_factory=lambda: Limit(free=5))
    address: Limit = field(
        default_factory=lambda: Limit(free=20, cap_s=900.0)
    )  # an office behind one address mistypes too
    known_pair: Limit = field(default_factory=lambda: Limit(free=10, cap_s=30.0))
    max_keys: int = 20_000
    known_for_s: float = 30 * 24 * 3600.0


@dataclass(slots=True)
class _Count:
    failures: int
    last_s: float


class _Counter(Generic[K]):
    """Failures by key, least recently failed first, at most `max_keys`."""

    def __init__(self, limit: Limit, max_keys: int) -> None:
        self._limit = limit
        self._max_keys = max_keys
        self._counts: OrderedDict[K, _Count] = OrderedDict()

    def wait_s(self, key: K, now_s: float) -> float:
        count = self._counts.get(key)
        if count is None or self._forgotten(count, now_s):
            return 0.0
        return max(0.0, count.last_s + self._limit.delay_s(count.failures) - now_s)

    def failed(self, key: K, now_s: float) -> None:
        count = self._counts.get(key)
        if count is None or self._forgotten(count, now_s):
            count = _Count(0, now_s)
        self._counts[key] = _Count(count.failures + 1, now_s)
        self._counts.move_to_end(key)
        if len(self._counts) > self._max_keys:
            self._counts.popitem(last=False)

    def clear(self, key: K) -> None:
        self._counts.pop(key, None)

    def _forgotten(self, count: _Count, now_s: float) -> bool:
        return now_s - count.last_s > max(self._limit.forget_s, self._limit.delay_s(count.failures))

    def __len__(self) -> int:
        return len(self._counts)


class Throttle:
    """Ask `wait_s` before judging a password, then tell `failed` or `succeeded`; times in seconds of a steady clock."""

    def __init__(self, rules: ThrottleRules | None = None) -> None:
        self._rules = rules or ThrottleRules()
        keys = self._rules.max_keys
        self._accounts: _Counter[str] = _Counter(self._rules.account, keys)
        self._addresses: _Counter[str] = _Counter(self._rules.address, keys)
        self._pairs: _Counter[tuple[str, str]] = _Counter(self._rules.known_pair, keys)
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def wait_s(self, account: str, address: str, now_s: float) -> float:
        """How long this account must wait at this address; 0 when it may try now."""
        pair = (account, network_of(address))
        if self._is_known(pair, now_s):
            return self._pairs.wait_s(pair, now_s)
        return max(self._accounts.wait_s(account, now_s), self._addresses.wait_s(pair[1], now_s))

    def failed(self, account: str, address: str, now_s: float) -> None:
        """A wrong sign-in. From a known pair it counts there and for the address, not against the account elsewhere."""
        pair = (account, network_of(address))
        if self._is_known(pair, now_s):
            self._pairs.failed(pair, now_s)
        else:
            self._accounts.failed(account, now_s)
        self._addresses.failed(pair[1], now_s)

    def succeeded(self, account: str, address: str, now_s: float) -> None:
        """A correct sign-in: the pair is known from now on and its own count is cleared."""
        pair = (account, network_of(address))
        self._pairs.clear(pair)
        self._known[pair] = now_s
        self._known.move_to_end(pair)
        if len(self._known) > self._rules.max_keys:
            self._known.popitem(last=False)

    def _is_known(self, pair: tuple[str, str], now_s: float) -> bool:
        at_s = self._known.get(pair)
        return at_s is not None and now_s - at_s <= self._rules.known_for_s

    def __len__(self) -> int:
        """How many keys are held in all; bounded by four times `max_keys`."""
        return len(self._accounts) + len(self._addresses) + len(self._pairs) + len(self._known)


class AddressThrottle:
    """Slows guesses at one-time secrets by address alone, so that nobody's guesses close the door for others."""

    def __init__(self, limit: Limit | None = None, max_keys: int = 20_000) -> None:
        self._addresses: _Counter[str] = _Counter(limit or Limit(free=10), max_keys)

    def wait_s(self, address: str, now_s: float) -> float:
        """How long this address must wait; 0 when it may try now."""
        return self._addresses.wait_s(network_of(address), now_s)

    def failed(self, address: str, now_s: float) -> None:
        """A wrong secret from there."""
        self._addresses.failed(network_of(address), now_s)


def shown_network(address: str) -> str:
    """Where an address is, without saying which machine: 203.0.113.0/24, or the /48 of IPv6; empty for none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


@lru_cache(maxsize=4096)  # it is asked for each request, and parsing takes longer than all else that is done with it
def network_of(address: str) -> str:
    """The key of an address: IPv4 as it is (mapped ones too), IPv6 by its /64, which one household or server owns."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
