"""What goes between the API process and the control process, and its bytes: plain data, over their socket only.

Messages are those of streams.wire: a kind, a small payload, and typed data as JSON in the blob.

To control: `setup`, `camera` for each one, `go`; then `command` {camera, event, id?}, `revoke` {sign_in} (on all
cameras), `policy` {camera}, `patrols` {camera} and `key-frame` {camera}; requests `status`, `presets`, `event`,
`metrics`, `ping`, `shutdown`. From control: `ready`, `views`, `answer` {id, ...}, `state`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.control.view import CameraView, Outcome
from camctl.egress import OwnMachine
from camctl.ptz import events as ev
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.rules import Rules
from streams.wire import Payload

SETUP, CAMERA, POLICY, PATROLS, GO = "setup", "camera", "policy", "patrols", "go"
COMMAND, REVOKE, KEY_FRAME = "command", "revoke", "key-frame"
STATUS, PRESETS, EVENT, METRICS, PING, SHUTDOWN = "status", "presets", "event", "metrics", "ping", "shutdown"
READY, VIEWS, ANSWER, STATE = "ready", "views", "answer", "state"

FIELDS = ("health", "facts", "control", "position", "hidden", "round")
_NOTHING = CameraView(Health(CameraState.CONNECTING))

T = TypeVar("T")


class CodecError(ValueError):
    """What came is not what was said it was; the message shows no values, they may be secret."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The control process's configuration. `journal`: a path, or None to remember holders in memory only.

    `audit`: the folder of the audit log's spool; None: nothing is recorded (tests only).

    `cameras` are all of the catalogue; only those with an ONVIF address are told to the control process.
    """

    cameras: tuple[CameraEntry, ...]
    rules: Rules
    networks: tuple[str, ...] = ()
    stop_on_start: bool = True
    patrol_idle_s: float = 30.0
    time_zone: str = "Asia/Jakarta"
    journal: str | None = None
    audit: str | None = None
    own: OwnMachine = field(default_factory=OwnMachine)


@dataclass(frozen=True, slots=True)
class ViewChange:
    """The `fields` of one camera's view that changed; the others of `view` say nothing."""

    camera: str
    fields: tuple[str, ...]
    view: CameraView

    @classmethod
    def between(cls, camera: str, before: CameraView | None, now: CameraView) -> ViewChange | None:
        """What to tell to somebody who knows `before`; None when there is nothing to tell."""
        known = before or _NOTHING
        fields = tuple(name for name in FIELDS if before is None or getattr(known, name) != getattr(now, name))
        if not fields:
            return None
        return cls(camera, fields, replace(_NOTHING, **{name: getattr(now, name) for name in fields}))

    def onto(self, known: CameraView) -> CameraView:
        """What is known after this. Facts that were known once stay known."""
        told = {name: getattr(self.view, name) for name in self.fields}
        if told.get("facts", known) is None:
            del told["facts"]
        return replace(known, **told)


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401  any type that pydantic can describe
    adapter = _ADAPTERS.get(kind)
    if adapter is None:
        adapter = _ADAPTERS[kind] = TypeAdapter(kind)
    return adapter


def encode(value: object, kind: Any = None) -> bytes:  # noqa: ANN401  # any of the types above
    """A value's bytes; `kind` is needed for collections, whose class does not say what they hold."""
    return _adapter(type(value) if kind is None else kind).dump_json(value)


def decode(kind: Any, data: bytes) -> Any:  # noqa: ANN401  # any of the types above
    """The value of type `kind` that these bytes are.

    Raises:
        CodecError: they are none.
    """
    try:
        return _adapter(kind).validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_context=False, include_url=False)
        said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults[:3])
        raise CodecError(f"not a {getattr(kind, '__name__', kind)}: {said}") from None


_EVENTS: dict[str, type] = {kind.__name__: kind for kind in get_args(ev.Event)}


def decode_event(name: str, data: bytes) -> ev.Event:
    """The event whose class is called `name`.

    Raises:
        CodecError: it is none of the arbiter's events.
    """
    kind = _EVENTS.get(name)
    if kind is None:
        raise CodecError(f"there is no event {name!r}")
    event: ev.Event = decode(kind, data)
    return event


def outcome_payload(outcome: Outcome) -> Payload:
    """The answer to a command."""
    refusal = outcome.refusal.value if outcome.refusal else None
    return {"refusal": refusal, "camera_s": outcome.camera_s, "server_s": outcome.server_s}


def fault_payload(error: CameraError) -> Payload:
    """The answer to a command that failed."""
    return {"fault": error.fault.value, "detail": error.detail}


def read_answer(payload: Payload) -> Outcome:
    """The outcome in an answer.

    Raises:
        CameraError: it says that the camera failed.
    """
    if "fault" in payload:
        raise CameraError(CameraFault(payload["fault"]), str(payload["detail"]))
    refusal = payload["refusal"]
    return Outcome(ev.Refusal(refusal) if refusal else None, payload["camera_s"], float(payload["server_s"]))


def warm_up() -> None:
    """Build the adapters of the hot path, so that the first command does not wait for them."""
    for kind in (*_EVENTS.values(), tuple[ViewChange, ...]):
        _adapter(kind)
