"""What the stopper has to know, as its parent tells it: plain data, over the wire only, never in an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

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

    @classmethod
    def of(
        cls, camera_id: str, url: str, username: str, password: str, networks: Sequence[IPv4Network | IPv6Network]
    ) -> StopOrder:
        """The order for one camera."""
        return cls(camera_id, url, username, password, tuple(map(str, networks)))

    def payload(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {**asdict(self), "networks": list(self.networks)}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> StopOrder:
        """As it came."""
        return cls(**{**payload, "networks": tuple(payload["networks"])})

    def parsed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The approved networks."""
        return tuple(ip_network(text) for text in self.networks)
