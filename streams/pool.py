"""The parent's handle on its media workers: one interface whatever the number of processes behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Where one stream is pulled from.

    `key` names the stream across the service (camera id and quality, "cam-1/main"). `url` is rtsp:// without
    credentials; `address` the host's IP as the egress guard pinned it, which is what gets connected to. The password is
    kept out of repr, so that no log line can carry it.
    """

    key: str
    url: str
    address: str
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"StreamSource(key={self.key!r}, url={self.url!r}, address={self.address!r})"


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """The answer to a viewer's offer."""

    sdp: str
    etag: str


@dataclass(frozen=True, slots=True)
class PatchResult:
    """The answer to a PATCH: `sdp_fragment` is empty for plain trickle (204), filled after an ICE restart (200)."""

    etag: str
    sdp_fragment: str = ""
