"""Which of a viewer's addresses it is sent to: it roams, rebinds and tries several at once. Pure."""

from __future__ import annotations

from streams.rtp.burst import Address

MIGRATE_S = 3.0  # an unnominated address takes over when the old one has been silent for so long
SETTLE_S = 1.0
_NONE = -1


class ChosenPath:
    """The address that a viewer is sent to, chosen by its connectivity checks; `address` is None before the first.

    The viewer is the controlling agent: where it nominates, it is followed at once. Agents that nominate whatever
    works (aggressive nomination, RFC 5245 section 8.1.1.2) mean the best of it: a lesser path than the present one has
    to wait until that one has been silent for `SETTLE_S`. A connection that has ended is no path.
    """

    def __init__(self) -> None:
        self.address: Address | None = None
        self._heard_s = 0.0
        self._nominated = _NONE  # priority of the present path if its last check nominated it

    def heard(self, address: Address, *, nominated: bool, priority: int, now_s: float) -> bool:
        """Note a valid check; whether the viewer is to be sent to this address and was not before."""
        is_new = address != self.address
        if is_new and not self._gives_way(nominated, priority, now_s):
            return False
        self.address, self._heard_s = address, now_s
        self._nominated = priority if nominated else _NONE
        return is_new

    def _gives_way(self, nominated: bool, priority: int, now_s: float) -> bool:
        if self.address is None or (not isinstance(self.address, tuple) and self.address.is_closed):
            return True
        silent_s = now_s - self._heard_s
        if not nominated:
            return silent_s > MIGRATE_S
        return priority >= self._nominated or silent_s > SETTLE_S
