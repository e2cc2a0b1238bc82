"""Where a stream is pulled from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Where one stream is pulled from.

    `key` names the stream across the service (camera id and quality, "cam-1/main"). `url` is rtsp:// without
    credentials; `address` the host's IP as the egress guard pinned it, which is what gets connected to. The password is
    kept out of repr, so that no log line can carry it. `is_relay`: from another worker of ours instead of the camera.
    """

    key: str
    url: str
    address: str
    username: str = ""
    password: str = ""
    is_relay: bool = False

    def __repr__(self) -> str:
        return f"StreamSource(key={self.key!r}, url={self.url!r}, address={self.address!r})"
