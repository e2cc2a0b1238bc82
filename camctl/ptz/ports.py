"""The port through which the control part reaches a camera; camctl.onvif implements it, tests fake it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from camctl.ptz.model import Position, Preset, PtzAbilities, PtzStatus, Velocity

StreamName = Literal["main", "sub"]  # which of a camera's streams; as `StreamUris` has them


class CameraFault(StrEnum):
    """Why a camera did not do what it was asked; the values are stable and shown to people."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BAD_CREDENTIALS = "bad-credentials"
    PROTOCOL = "protocol"  # what came back is not the SOAP we asked for
    REFUSED = "refused"  # a SOAP fault: the camera said no
    UNSUPPORTED = "unsupported"
    NOT_ON_RECORD = "not-on-record"  # it was not asked: what it was to do could not be written to the record


class CameraError(Exception):
    """A camera call failed. `detail` is one sentence for a person and carries no secret."""

    def __init__(self, fault: CameraFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class StreamUris:
    """The camera's RTSP addresses, mended and without credentials; `sub` is None where there is one profile."""

    main: str
    sub: str | None = None


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What connecting to a camera found out."""

    manufacturer: str
    model: str
    firmware: str
    abilities: PtzAbilities
    streams: StreamUris
    clock_offset_s: float  # camera's clock minus ours


class CameraDriver(Protocol):
    """One camera's commands. Every call has a timeout of its own and raises CameraError.

    `stop` uses connections of its own and waits for no other call, so that it goes out beside a hanging move.
    """

    async def connect(self) -> CameraFacts:
        """Find out what the camera is and can do; may be called again after a failure."""

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        """Turn until `stop`, another move, or `timeout_s` (whole seconds) has passed."""

    async def stop(self, attempt: int = 0) -> None:
        """Stop every axis.

        `attempt` counts the Stops of one standstill that did not end the motion: 0 is the way that this camera is known
        to honour, each further one the next way, round again after the last. One call says it in one way at least; it
        raises when the camera confirmed none.
        """

    async def absolute_move(self, position: Position) -> None:
        """Go to a position; axes that are None stay."""

    async def relative_move(self, pan: float, tilt: float, zoom: float) -> None:
        """Go by a translation in the generic spaces, -1 to 1 each."""

    async def status(self) -> PtzStatus:
        """Where it looks and whether it turns."""

    async def presets(self) -> list[Preset]:
        """The stored views."""

    async def goto_preset(self, token: str, speed: float | None = None) -> None:
        """Go to a stored view; `speed` is a share of the fastest, 0 to 1, and None the camera's own."""

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """Store the present view (over `token` if given); returns its token."""

    async def remove_preset(self, token: str) -> None:
        """Forget a stored view."""

    async def goto_home(self) -> None:
        """Go to the home position."""

    async def set_home(self) -> None:
        """Make the present view the home position."""

    async def request_key_frame(self, stream: StreamName) -> None:
        """Ask this stream's encoder for a key frame (Media SetSynchronizationPoint)."""

    async def close(self) -> None:
        """Give back connections; idempotent."""


class MotionGuard(Protocol):
    """Whoever stops a camera when this process is gone; told before every first move."""

    def arm(self, camera_id: str) -> None:
        """A move goes out right after this; must not wait for anything. Repeated calls cost nothing."""

    def disarm(self, camera_id: str) -> None:
        """The camera stands, confirmed."""


class NoGuard:
    """For cameras that cannot be steered, and for tests of something else."""

    def arm(self, camera_id: str) -> None:
        """Nobody is told."""

    def disarm(self, camera_id: str) -> None:
        """Nobody is told."""
