"""Who may play what from an RTSP server: the port, and the plain gate of one list of passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from streams.rtsp.auth import ServerAuth
from streams.rtsp.source import MediaSource


class Gate(Protocol):
    """Asked for every request; `username` is that of the request's verified answer, "" when nobody is asked."""

    @property
    def auth(self) -> ServerAuth | None:
        """Challenges and answers; None serves everybody."""

    def source(self, path: str, username: str) -> MediaSource | None:
        """What is played at `path`; None when there is nothing, or nothing that this user may know of."""

    def has_room(self, username: str, own: int, total: int) -> bool:
        """Whether this user, with `own` sessions of the server's `total`, may have one more."""


@dataclass(frozen=True, slots=True)
class PlainGate:
    """Everybody who knows a password may play everything; the server's limit of clients is the only one."""

    resolve: Callable[[str], MediaSource | None]
    auth: ServerAuth | None

    def source(self, path: str, username: str) -> MediaSource | None:  # noqa: ARG002  the port's signature
        """Whatever is there."""
        return self.resolve(path)

    def has_room(self, username: str, own: int, total: int) -> bool:  # noqa: ARG002  the port's signature
        """Always."""
        return True
