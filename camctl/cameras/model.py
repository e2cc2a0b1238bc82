"""What the service knows of a camera before it ever spoke to it, and the states it can be in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from auth.model import CameraRef
from camctl.egress import Site
from camctl.ptz.limits import Limits


@dataclass(frozen=True, slots=True)
class CameraPolicy:
    """What of a camera may change while the service runs: its name, where and whose it is, and how it is shared."""

    name: str
    area: str
    owner: str = ""
    emergency_only: bool = False


@dataclass(frozen=True, slots=True)
class CameraEntry:
    """One camera of the catalogue; exactly one of `onvif_url` and `rtsp_main` is set."""

    id: str
    name: str
    area: str
    owner: str = ""
    onvif_url: str | None = None
    rtsp_main: str | None = None
    rtsp_sub: str | None = None
    rtsp_transport: str = "auto"
    tls_fingerprint: str = ""
    audio: bool = False  # whether its sound may be heard
    username: str = ""
    password: str = field(default="", repr=False)
    steer_without_timeout: bool = False  # the owner accepts that nobody can stop it when the link to it dies
    limits: Limits = field(default_factory=Limits)
    emergency_only: bool = False  # its owner shares it in emergencies only
    site: Site | None = None  # the only networks that it may be in; None: those approved for all

    ref: CameraRef = field(init=False, repr=False, compare=False)  # what a permission needs to know of it

    def __post_init__(self) -> None:
        object.__setattr__(self, "ref", CameraRef(self.id, self.area, self.owner, self.emergency_only))

    @property
    def policy(self) -> CameraPolicy:
        """What of it may change while the service runs."""
        return CameraPolicy(self.name, self.area, self.owner, self.emergency_only)

    def under(self, policy: CameraPolicy) -> CameraEntry:
        """The same camera under another policy."""
        return replace(
            self, name=policy.name, area=policy.area, owner=policy.owner, emergency_only=policy.emergency_only
        )


class CameraState(StrEnum):
    """Whether the camera answers."""

    UNKNOWN = "unknown"  # a plain feed that nobody has watched yet
    CONNECTING = "connecting"
    LIVE = "live"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Health:
    """A camera's state and, when it is not live, why in a sentence."""

    state: CameraState
    detail: str = ""
    fault: str = ""
