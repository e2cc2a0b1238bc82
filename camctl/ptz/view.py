"""What everybody may know of who controls a camera: the arbiter's state as plain, immutable data.

Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

from dataclasses import dataclass

from camctl.ptz.events import Source, SourceKind


def may_take_over(holder: Source, source: Source, *, is_reserved: bool) -> bool:
    """Whether a take-over from `holder` by `source`, another sign-in, succeeds."""
    if holder.person == source.person:
        return True
    return source.may_break if is_reserved else source.priority > holder.priority


def gives_way(holder: Source, source: Source, *, is_reserved: bool) -> bool:
    """Whether a plain move or take by `source` gets the camera from `holder`: their own, or a patrol's or event's."""
    if holder.sign_in == source.sign_in:
        return True
    return holder.kind is not SourceKind.PERSON and not is_reserved and source.priority > holder.priority


@dataclass(frozen=True, slots=True)
class HolderView:
    """The holder. `ends_at`: when the lease ends if nothing more is done with it."""

    source: Source
    fence: int
    since: float
    ends_at: float
    reason: str = ""  # why it was taken over or reserved
    reserved_until: float | None = None
    first_fence: int = 0  # the one that the lease began with; `fence` grows when its channel changes
    capped_at: float | None = None  # others wait: the lease ends then, used or not


@dataclass(frozen=True, slots=True)
class WaiterView:
    """One place in the queue; `ticket` names it to the holder, who may hand over."""

    ticket: int
    source: Source
    since: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ControlView:
    """One camera's control state. `queue` is in the order in which it will be served."""

    holder: HolderView | None = None
    queue: tuple[WaiterView, ...] = ()
    is_moving: bool = False
    stop_confirmed: bool | None = None  # False: a Stop was sent and nothing confirms it yet

    def may_take_over(self, source: Source) -> bool:
        """Whether a take-over by `source` would succeed now."""
        holder = self.holder
        if holder is None or holder.source.sign_in == source.sign_in:
            return False
        return may_take_over(holder.source, source, is_reserved=holder.reserved_until is not None)

    def gives_way_to(self, source: Source) -> bool:
        """Whether a plain move or take by `source` gets the camera: it is free, theirs, or a patrol's or event's."""
        holder = self.holder
        return holder is None or gives_way(holder.source, source, is_reserved=holder.reserved_until is not None)
