"""Why the arbiter did not do it, in sentences for people and in the problems of HTTP: one table for both doors."""

from __future__ import annotations

from camctl.api.control_schemas import HolderOut
from camctl.api.problems import HELD, NOT_DONE, NOT_ON_RECORD, OUTRANKED, Kind, ProblemError
from camctl.ptz.events import Refusal

_SENTENCES: dict[Refusal, str] = {
    Refusal.HELD: "Somebody else controls this camera.",
    Refusal.RESERVED: "Somebody has reserved this camera.",
    Refusal.PRIORITY_TOO_LOW: "Taking over needs a higher priority than the holder's.",
    Refusal.FENCED: "This belongs to a time of control that has ended; it was not carried out.",
    Refusal.NOT_HOLDER: "Only the one who controls this camera may do that.",
    Refusal.NOT_WAITING: "There is no such place in the queue.",
    Refusal.QUEUE_FULL: "Too many are waiting for this camera already.",
    Refusal.NOTHING_TO_RELEASE: "You do not control this camera.",
    Refusal.RELEASED: "This gesture was stopped; lift the finger and press again.",
    Refusal.STALE: "This move was too long on its way and was not carried out.",
    Refusal.NOT_ON_RECORD: "Nothing can be written to the record now, so no camera is moved. Stop works.",
}
_KINDS: dict[Refusal, Kind] = {
    Refusal.HELD: HELD,
    Refusal.RESERVED: HELD,
    Refusal.PRIORITY_TOO_LOW: OUTRANKED,
    Refusal.NOT_ON_RECORD: NOT_ON_RECORD,
}


def sentence(refusal: Refusal, holder: HolderOut | None) -> str:
    """The refusal in words, with the holder's name where it helps."""
    if holder is not None and not holder.you:
        if refusal is Refusal.HELD:
            return f"{holder.name} controls this camera."
        if refusal is Refusal.RESERVED:
            why = f": {holder.reason}" if holder.reason else "."
            return f"{holder.name} has reserved this camera{why}"
    return _SENTENCES[refusal]


def problem(refusal: Refusal, holder: HolderOut | None) -> ProblemError:
    """The refusal over HTTP: `code` is the refusal's, `holder` as in the camera's control state."""
    return ProblemError(
        _KINDS.get(refusal, NOT_DONE),
        sentence(refusal, holder),
        code=refusal.value,
        holder=holder.model_dump() if holder else None,
        expires_in_ms=holder.expires_in_ms if holder else None,
    )
