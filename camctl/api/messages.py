"""The control socket's messages: what a client may send, checked; what the server answers, as plain JSON objects."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from camctl.api.control_schemas import HolderOut
from camctl.api.schema_base import OptionalReason, Reason, ReserveSeconds, Share, Ticket

Whole = Annotated[int, Field(ge=0, le=2**53)]


class _Message(BaseModel):
    # Later clients may say more than this server understands; what it does understand must be right.
    model_config = ConfigDict(strict=True, extra="ignore")

    seq: Whole


class _Fenced(_Message):
    fence: Whole | None = None


class MoveMessage(_Fenced):
    """Turn; to be repeated about ten times a second while the finger is down."""

    type: Literal["move"]
    pan: Share = 0.0
    tilt: Share = 0.0
    zoom: Share = 0.0
    gesture: Whole | None = None
    at_ms: Annotated[float, Field(allow_inf_nan=False)] | None = None
    delay_ms: Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)] | None = None


class StopMessage(_Fenced):
    """Stop now."""

    type: Literal["stop"]
    gesture: Whole | None = None


class TakeMessage(_Message):
    """Take the free camera."""

    type: Literal["take"]


class TakeOverMessage(_Message):
    """Take the camera from its holder, saying why."""

    type: Literal["take_over"]
    reason: Reason


class ReleaseMessage(_Message):
    """Give control back."""

    type: Literal["release"]


class RequestMessage(_Message):
    """Wait for control."""

    type: Literal["request"]
    reason: OptionalReason = ""


class WithdrawMessage(_Message):
    """Wait no longer."""

    type: Literal["withdraw"]


class HandOverMessage(_Message):
    """Give control to one who waits."""

    type: Literal["hand_over"]
    ticket: Ticket


class ReserveMessage(_Message):
    """Keep the camera for a while, used or not."""

    type: Literal["reserve"]
    reason: Reason
    limit_s: ReserveSeconds


class UnreserveMessage(_Message):
    """End one's reservation."""

    type: Literal["unreserve"]


class GotoMessage(_Fenced):
    """Go to a preset."""

    type: Literal["goto"]
    preset: Annotated[str, Field(min_length=1, max_length=64)]


class HomeMessage(_Fenced):
    """Go home."""

    type: Literal["home"]


class DatagramsMessage(_Message):
    """Hear moves and Stops over the data channel of this video session too."""

    type: Literal["datagrams"]
    video: Annotated[str, Field(min_length=1, max_length=128)]


class PingMessage(_Message):
    """Measure the way; answered at once."""

    type: Literal["ping"]


Wish = (
    StopMessage
    | TakeMessage
    | TakeOverMessage
    | ReleaseMessage
    | RequestMessage
    | WithdrawMessage
    | HandOverMessage
    | ReserveMessage
    | UnreserveMessage
    | GotoMessage
    | HomeMessage
)
Command = MoveMessage | Wish
Message = Command | DatagramsMessage | PingMessage

_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


CLOSE_RESTART, CLOSE_SIGNED_OUT, CLOSE_NO_CAMERA, CLOSE_SILENT, CLOSE_SLOW = 1012, 4401, 4404, 4408, 4413
CLOSE_NO_PICTURE = 4409
MAX_BYTES = 4096


class MessageError(ValueError):
    """A message that cannot be used; `seq` is the client's number when it could be read."""

    def __init__(self, detail: str, seq: int | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.seq = seq


def parse(text: str | bytes) -> Message:
    """One message from its JSON.

    Raises:
        MessageError: what is wrong with it, for the client.
    """
    if len(text) > MAX_BYTES:
        raise MessageError(f"A message has at most {MAX_BYTES} bytes here.", None)
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"][1:])
        detail = f"{where}: {first['msg']}" if where else first["msg"]
        raise MessageError(detail, _seq(text)) from None


def _seq(text: str | bytes) -> int | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    seq = value.get("seq") if isinstance(value, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def ack(message: Message, server_s: float, camera_s: float | None) -> dict[str, Any]:
    """The answer to a message that was carried out."""
    return {
        "type": "ack",
        "seq": message.seq,
        "kind": message.type,
        "server_ms": round(max(0.0, server_s) * 1000, 2),
        "camera_ms": None if camera_s is None else round(camera_s * 1000, 2),
    }


def error(seq: int | None, code: str, detail: str, holder: HolderOut | None) -> dict[str, Any]:
    """The answer to a message that was not."""
    shown = holder.model_dump() if holder else None
    return {"type": "error", "seq": seq, "code": code, "detail": detail, "holder": shown}


def video_ended(video: str) -> dict[str, Any]:
    """A video session of this person on this camera is over without their doing; a new one may be asked for at once."""
    return {"type": "video_ended", "video": video}
