"""What the control process tells the API process of a camera, and what becomes of a command."""

from __future__ import annotations

from dataclasses import dataclass, field

from camctl.cameras.model import Health
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden
from camctl.ptz.model import Position
from camctl.ptz.ports import CameraFacts
from camctl.ptz.rounds import RoundView
from camctl.ptz.view import ControlView


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera as the control process last told. `hidden`: why viewers get a card instead of the picture."""

    health: Health
    facts: CameraFacts | None = None
    control: ControlView = field(default_factory=ControlView)
    position: Position | None = None
    hidden: Hidden | None = None
    round: RoundView | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command. `camera_s`: how long the camera took; None when nothing was sent for this command."""

    refusal: ev.Refusal | None = None
    camera_s: float | None = None
    server_s: float = 0.0  # from the command's arrival in the control process to its being given to the camera's lane
