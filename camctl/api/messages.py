"""The control socket's messages: what a client may send, checked; what the server says, as plain JSON objects."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from camctl.api.schemas import HolderOut, Share
from camctl.cameras.session import CameraSession
from camctl.ptz.events import Source


class _Message(BaseModel):
    # Later clients may say more than this server understands; what it does understand must be right.
    model_config = ConfigDict(strict=True, extra="ignore")

    seq: Annotated[int, Field(ge=0, le=2**53)]


class MoveMessage(_Message):
    """Turn; to be repeated about ten times a second while the finger is down."""

    type: Literal["move"]
    pan: Share = 0.0
    tilt: Share = 0.0
    zoom: Share = 0.0
    gesture: Annotated[int, Field(ge=0, le=2**53)] | None = None
    at_ms: Annotated[float, Field(allow_inf_nan=False)] | None = None


class StopMessage(_Message):
    """Stop now."""

    type: Literal["stop"]
    gesture: Annotated[int, Field(ge=0, le=2**53)] | None = None


class TakeMessage(_Message):
    """Take the free camera."""

    type: Literal["take"]


class TakeOverMessage(_Message):
    """Take the camera from its holder, saying why."""

    type: Literal["take_over"]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class ReleaseMessage(_Message):
    """Give control back."""

    type: Literal["release"]


class GotoMessage(_Message):
    """Go to a preset."""

    type: Literal["goto"]
    preset: Annotated[str, Field(min_length=1, max_length=64)]


class HomeMessage(_Message):
    """Go home."""

    type: Literal["home"]


class PingMessage(_Message):
    """Measure the way; answered at once."""

    type: Literal["ping"]


Command = MoveMessage | StopMessage | TakeMessage | TakeOverMessage | ReleaseMessage | GotoMessage | HomeMessage
Message = Command | PingMessage

_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


CLOSE_RESTART, CLOSE_SIGNED_OUT, CLOSE_NO_CAMERA, CLOSE_SILENT, CLOSE_SLOW = 1012, 4401, 4404, 4408, 4413


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
    except ValueError:
        return None
    seq = value.get("seq") if isinstance(value, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def state(camera: CameraSession, source: Source, *, may_control: bool, viewers: int) -> dict[str, object]:
    """The camera's state as the owner of this socket sees it."""
    holder = HolderOut.of(camera, source.sign_in)
    position = camera.position
    return {
        "type": "state",
        "camera_id": camera.entry.id,
        "holder": holder.model_dump() if holder else None,
        "moving": camera.arbiter.is_moving,
        "may_control": may_control,
        "may_take_over": may_control and camera.arbiter.may_take_over(source),
        "stop_confirmed": camera.arbiter.stop_confirmed,
        "camera": {"state": camera.health.state.value, "detail": camera.health.detail},
        "position": asdict(position) if position else None,
        "viewers": viewers,
    }
