"""Which directory signs people in, and what it makes of whom: settings, without the libraries that talk to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from auth.errors import AuthError

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class OidcError(AuthError):
    """The directory, or somebody in its name, answered what cannot be believed, or nothing; the message says which."""


class DirectoryRefusedError(OidcError):
    """The guard lets no connection go to the directory; its message tells an administrator why and what to do."""


class Guard(Protocol):
    """Says where a call to the directory goes; what it is judged by is the service's affair."""

    async def judge(self, url: str) -> str:
        """The one IP address to which a connection for this URL may go, judged anew; DirectoryRefusedError."""

    def close(self) -> None:
        """End what it holds; nothing is judged afterwards."""


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """Who has this value in the claim becomes a person with this role and these areas."""

    value: str
    role: str
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The one directory that is asked. `rules` make people of whom it knows; none of them where `invite_only`."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    invite_only: bool = True
    claim: str = "groups"
    rules: tuple[ClaimRule, ...] = ()


def is_safe_issuer(issuer: str) -> bool:
    """Whether an issuer is an https address without query or fragment; on this very machine http will do."""
    try:
        parts = urlsplit(issuer)
        is_http_here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        plain = not parts.query and not parts.fragment and parts.username is None and parts.port != 0
    except ValueError:
        return False
    return bool(parts.hostname) and plain and (parts.scheme == "https" or is_http_here)
