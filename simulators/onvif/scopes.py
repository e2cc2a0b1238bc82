"""Names that a camera announces of itself: scopes, endpoint reference, hardware address. Pure."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from simulators.config import CameraConfig
from simulators.onvif.device import CameraEndpoint

_SPACE = uuid.UUID("3d2f0a4e-6f0b-5a58-9f27-6a1f5d1c7b10")  # any constant: makes uuid5 names our own


def scopes(config: CameraConfig) -> tuple[str, ...]:
    """The scope URIs of GetScopes and discovery (ONVIF Core, 7.3.2.2)."""
    kinds = ("video_encoder", "ptz") if config.steerable else ("video_encoder",)
    base = "onvif://www.onvif.org"
    return (
        f"{base}/Profile/Streaming",
        *(f"{base}/type/{kind}" for kind in kinds),
        f"{base}/hardware/simulator",
        f"{base}/name/{quote(config.name)}",
        f"{base}/location/jakarta",
    )


def endpoint_uuid(endpoint: CameraEndpoint) -> str:
    """A stable urn:uuid of a camera at its address."""
    config = endpoint.camera.config
    return f"urn:uuid:{uuid.uuid5(_SPACE, f'{config.name}@{endpoint.host}:{endpoint.onvif_port}')}"


def mac_address(config: CameraConfig) -> str:
    """A stable, locally administered hardware address."""
    octets = uuid.uuid5(_SPACE, f"{config.name}/{config.seed}").bytes[:5]
    return ":".join(f"{octet:02x}" for octet in (0x02, *octets))
