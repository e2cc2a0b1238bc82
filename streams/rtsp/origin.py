"""Where a stream is pulled from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """What carries a camera's RTP."""

    AUTO = "auto"  # TCP, and UDP when the camera refuses that
    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Where one stream is pulled from.

    `key` names the stream across the service (camera id and quality, "cam-1/main"). `url` is rtsp:// or rtsps://
    without credentials; `address` the host's IP as the egress guard pinned it, which is what gets connected to.
    `transport` is a value of `Transport`, `tls_fingerprint` that of the certificate to trust (see `TlsTrust`);
    `audio`: whether its sound may be heard; `is_relay`: from another worker of ours instead of the camera. The password
    is kept out of repr, so that no log line can carry it.
    """

    key: str
    url: str
    address: str
    username: str = ""
    password: str = ""
    transport: str = "auto"
    tls_fingerprint: str = ""
    audio: bool = False
    is_relay: bool = False

    def __repr__(self) -> str:
        return f"StreamSource(key={self.key!r}, url={self.url!r}, address={self.address!r})"
