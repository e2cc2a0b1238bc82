"""What happens to a camera's arbiter (events) and what it wants done (actions). Plain data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from camctl.ptz.model import Velocity


class SourceKind(StrEnum):
    """What a source is. Patrols and events give way to any person of higher priority, who need not take over."""

    PERSON = "person"
    EVENT = "event"  # a preset shown because something happened
    PATROL = "patrol"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a command comes from: one sign-in (a person on one device) over one channel.

    `channel` is unique per socket ("ws-7"); plain HTTP commands of a sign-in share one. `person` is stable per person.
    A patrol or event is a source too: its `sign_in`, `person` and `channel` are "patrol:ID" or "event:ID".
    """

    sign_in: str
    person: str
    name: str
    role: str
    priority: int
    channel: str
    kind: SourceKind = SourceKind.PERSON
    may_break: bool = False  # may take a reserved camera
    organisation: str = ""  # the person's, for the record


class StopReason(StrEnum):
    """Why a Stop was sent; goes to the log, the metrics and the page."""

    ASKED = "asked"  # the holder lifted the finger or pressed STOP
    SILENCE = "silence"  # the command's life ran out: phone or network gone
    CHANNEL_CLOSED = "channel-closed"
    TAKEN_OVER = "taken-over"
    RELEASED = "released"
    REVOKED = "revoked"  # signed out, or the right was withdrawn
    HANGING_MOVE = "hanging-move"  # a move answered after the Stop: said once more
    RETRY = "retry"  # the last Stop was not confirmed
    TRAVEL_LIMIT = "travel-limit"  # a preset was not reached in time
    TRAVEL_REFUSED = "travel-refused"  # a preset was refused, and the camera may still do what it did before
    LEASE_ENDED = "lease-ended"  # the cap while others wait, or the end of a reservation
    HANDED_OVER = "handed-over"
    PREEMPTED = "preempted"  # a person's first touch on a camera that a patrol or event held
    STILL_TURNING = "still-turning"  # the camera confirmed a Stop, but its position goes on changing
    NOT_ON_RECORD = "not-on-record"  # nothing can be written to the record any more
    LIMIT = "limit"  # a soft limit or forbidden sector is reached
    START = "start"  # whatever the last life of this process left moving
    SHUTDOWN = "shutdown"


class Refusal(StrEnum):
    """Why a command was not carried out; the values are the `code` of the control socket's errors."""

    HELD = "held"
    PRIORITY_TOO_LOW = "priority-too-low"
    RESERVED = "reserved"  # taking it needs the right to break reservations
    FENCED = "fenced"  # a late command of a lease that has ended
    NOT_HOLDER = "not-holder"  # reserving and handing over are the holder's
    NOT_WAITING = "not-waiting"  # there is no such place in the queue
    QUEUE_FULL = "queue-full"
    NOTHING_TO_RELEASE = "nothing-to-release"
    RELEASED = "released"  # the gesture was stopped already
    STALE = "stale"  # too old when it arrived
    NOT_ON_RECORD = "not-on-record"  # nothing can be written to the record now


# Events -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """Turn with this velocity for `life_s`, unless something newer comes. `gesture` numbers one press of the finger.

    `fence`, here and below: the lease that the sender believes in; a command of an older one is refused. None: unknown.
    """

    source: Source
    velocity: Velocity
    life_s: float
    gesture: int | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Travel:
    """Go to a preset (its token) or home (None): a move that ends by itself at its target. `speed`: 0 to 1."""

    source: Source
    preset: str | None
    speed: float | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop now; the channel's newest gesture (or `gesture`) is over with it."""

    source: Source
    gesture: int | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Take the free camera, or keep the lease one has."""

    source: Source


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Take the camera from its holder: by higher priority, or by the right to break when it is reserved."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give control back; a reservation ends with it."""

    source: Source


@dataclass(frozen=True, slots=True)
class Request:
    """Wait in the queue for control (asks the holder for it); again: keeps the place, takes the new reason."""

    source: Source
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Leave the queue."""

    source: Source


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give control to the one who waits with this `ticket`."""

    source: Source
    ticket: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep the camera for `limit_s`, used or not; takes a free camera. Again: a new limit and reason."""

    source: Source
    reason: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class Unreserve:
    """End one's reservation; the lease goes on as any other."""

    source: Source


@dataclass(frozen=True, slots=True)
class Adjust:
    """Go on with this velocity instead (a limit is near); zero stops. Neither lease nor life change."""

    velocity: Velocity


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """The socket is gone."""

    channel: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """The sign-in may no longer control this camera."""

    sign_in: str


@dataclass(frozen=True, slots=True)
class MoveAnswered:
    """The camera answered the move or travel number `number`; `refused` when it certainly did not carry it out."""

    number: int
    ok: bool
    refused: bool = False


@dataclass(frozen=True, slots=True)
class StopAnswered:
    """The camera answered the Stop number `number`."""

    number: int
    ok: bool


@dataclass(frozen=True, slots=True)
class StandstillSeen:
    """The camera's own status says that it no longer turns."""


@dataclass(frozen=True, slots=True)
class TurningSeen:
    """The camera's position goes on changing although it confirmed our Stop."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline of the arbiter has come."""


@dataclass(frozen=True, slots=True)
class ForceStop:
    """The service itself wants the camera still (start, shutdown)."""

    reason: StopReason


Event = (
    Move
    | Travel
    | Stop
    | Take
    | TakeOver
    | Release
    | Request
    | Withdraw
    | HandOver
    | Reserve
    | Unreserve
    | Adjust
    | ChannelClosed
    | Revoke
    | MoveAnswered
    | StopAnswered
    | StandstillSeen
    | TurningSeen
    | Tick
    | ForceStop
)


# What begins control or a motion: nothing of it without a record. What ends something needs none.
Beginning = Move | Travel | Take | TakeOver | Request | HandOver | Reserve


# Actions ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendMove:
    """Send ContinuousMove; answer with MoveAnswered(number)."""

    number: int
    velocity: Velocity
    timeout_s: int


@dataclass(frozen=True, slots=True)
class SendTravel:
    """Send GotoPreset or GotoHomePosition (`preset` None); answer with MoveAnswered(number)."""

    number: int
    preset: str | None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class SendStop:
    """Send Stop on its own path; answer with StopAnswered(number).

    `attempt` counts up while this standstill is not confirmed: the driver goes on to the next way of stopping.
    """

    number: int
    reason: StopReason
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the source of the event why not."""

    code: Refusal


@dataclass(frozen=True, slots=True)
class Publish:
    """Holder, motion or Stop's outcome changed: tell everyone watching."""


Action = SendMove | SendTravel | SendStop | Refuse | Publish
