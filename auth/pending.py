"""Half sign-ins: the password was right, the second factor is still to come. In memory; pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auth import tokens

if TYPE_CHECKING:
    from auth.model import SignInKind
    from auth.records import Credentials

LIFE_S = 300.0
TRIES = 5


@dataclass(slots=True)
class Pending:
    """Somebody whose password was right. `tries_left` wrong codes end it."""

    judged: Credentials = field(repr=False)
    username: str
    kind: SignInKind
    made_at_s: float
    tries_left: int = TRIES


class PendingSignIns:
    """At most `most`, the oldest go first; found by a secret of which only the digest is kept. Steady clock."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._pending: OrderedDict[str, Pending] = OrderedDict()

    def add(self, pending: Pending) -> str:
        """Remember it; returns its secret."""
        secret = tokens.new_token()
        self._pending[tokens.digest(secret) or ""] = pending
        if len(self._pending) > self._most:
            self._pending.popitem(last=False)
        return secret

    def try_one(self, secret: str, now_s: float) -> Pending | None:
        """The half sign-in, with one try fewer from now on, whatever comes of this one; None when it is over."""
        key = tokens.digest(secret) or ""
        pending = self._pending.get(key)
        if pending is None or now_s - pending.made_at_s > LIFE_S or pending.tries_left <= 0:
            self._pending.pop(key, None)
            return None
        pending.tries_left -= 1
        return pending

    def whose(self, secret: str, now_s: float) -> str | None:
        """The username that it is for; None when it is over."""
        pending = self._pending.get(tokens.digest(secret) or "")
        return None if pending is None or now_s - pending.made_at_s > LIFE_S else pending.username

    def end(self, secret: str) -> bool:
        """Forget it: it became a sign-in. False when it had become one before."""
        return self._pending.pop(tokens.digest(secret) or "", None) is not None

    def __len__(self) -> int:
        return len(self._pending)
