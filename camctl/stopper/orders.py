"""What the stopper has to know, as its parent tells it: plain data, over the wire only, never in an argument."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from camctl.egress import OwnMachine, Site

KNOW = "know"  # here is a camera that may be moved: find out how it is stopped
ARM = "arm"  # a move goes out now; stop this camera if I die
DISARM = "disarm"  # it stands, confirmed


@dataclass(frozen=True, slots=True)
class StopOrder:
    """How one camera is reached."""

    camera_id: str
    onvif_url: str
    username: str
    password: str = field(repr=False)
    networks: tuple[str, ...] = ()  # the approved networks: the stopper's egress guard is the service's
    own: OwnMachine = field(default_factory=OwnMachine)
    site: Site | None = None

    def payload(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> StopOrder:
        """As it came."""
        own = OwnMachine(tuple(payload["own"]["addresses"]), tuple(payload["own"]["ports"]))
        site = payload["site"] and Site(tuple(payload["site"]["networks"]), payload["site"]["key"])
        return cls(**{**payload, "networks": tuple(payload["networks"]), "own": own, "site": site})
