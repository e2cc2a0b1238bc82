"""Control of one camera as data: whose it is, and until when. Time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from camctl.ptz.events import Source
from camctl.ptz.rules import Rules
from camctl.ptz.view import HolderView


@dataclass(frozen=True, slots=True)
class Lease:
    """Control of one camera. `fence` grows with every change of holder or channel."""

    source: Source
    fence: int
    used_at: float
    since: float
    reason: str = ""
    reserved_until: float | None = None
    first_fence: int = 0  # the one it began with

    def knows(self, source: Source, fence: int) -> bool:
        """Whether a command of `source` that believes in `fence` is one of this lease.

        The holder's own channel may still say the fence of before its change of channel: the news is on its way.
        """
        return fence >= self.fence or (source.channel == self.source.channel and fence >= self.first_fence)

    @property
    def is_reserved(self) -> bool:
        """Whether only the right to break takes it."""
        return self.reserved_until is not None

    def capped_at(self, rules: Rules, waiting_since: float) -> float:
        """When it ends because others wait, the first of them since `waiting_since`; inf when nobody does."""
        if waiting_since == math.inf:
            return math.inf
        cap = max(self.since + rules.lease_cap_s, waiting_since + rules.cap_notice_s)
        return cap if self.reserved_until is None else max(cap, self.reserved_until)

    def ends_at(self, rules: Rules, waiting_since: float, wanted_until: float) -> float:
        """When it ends if nothing more is done with it; a motion that is wanted until then keeps it."""
        idle_since = self.used_at if self.reserved_until is None else self.reserved_until
        return min(max(idle_since + rules.lease_idle_s, wanted_until), self.capped_at(rules, waiting_since))

    def without_reservation(self, now: float) -> Lease:
        """An ordinary lease, fresh at `now`."""
        return replace(self, reserved_until=None, used_at=now)

    def view(self, rules: Rules, waiting_since: float, wanted_until: float) -> HolderView:
        """What everybody may know of it."""
        capped_at = self.capped_at(rules, waiting_since)
        return HolderView(
            source=self.source,
            fence=self.fence,
            first_fence=self.first_fence,
            since=self.since,
            ends_at=self.ends_at(rules, waiting_since, wanted_until),
            reason=self.reason,
            reserved_until=self.reserved_until,
            capped_at=None if capped_at == math.inf else capped_at,
        )


def restored(holder: HolderView, rules: Rules, now: float) -> Lease | None:
    """The lease that `holder` was, with what is left of it at `now`; None when nothing is.

    Whatever the record says, no more is left than a fresh lease or reservation would have.
    """
    reserved_until = holder.reserved_until
    if reserved_until is not None:
        reserved_until = min(reserved_until, now + rules.reserve_max_s) if now < reserved_until else None
    if reserved_until is None and now >= holder.ends_at:
        return None
    used_at = min(now, holder.ends_at - rules.lease_idle_s)
    return Lease(holder.source, holder.fence, used_at, min(now, holder.since), holder.reason, reserved_until)
