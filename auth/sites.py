"""For which site passkeys are made and used, decided purely from what a request and the configuration say."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from auth.errors import NoPasskeysHereError

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NEEDS_NAME = "Passkeys need this service to have a name such as cctv.example.go.id; sign in with your password."
_NEEDS_HTTPS = "Passkeys need HTTPS; sign in with your password."


@dataclass(frozen=True, slots=True)
class Site:
    """A relying party: its id (a host name), and the one origin whose pages may ask for its passkeys."""

    rp_id: str
    origin: str


def site_of(public_url: str | None, scheme: str, host: str, origin: str | None) -> Site:
    """The site of a request by its scheme, Host and Origin headers; the configured one, if there is one.

    Behind a proxy that ends TLS the browser's Origin says https where the request does not; it counts when it names the
    same host. A lie in these headers makes a challenge that no browser of a real person answers for another site.

    Raises:
        NoPasskeysHereError: the address is no name, has no HTTPS (localhost needs none), or is not the configured one.
    """
    configured = _site(public_url) if public_url else None
    if configured is not None:
        if origin is not None and _origin(origin) != configured.origin:
            raise NoPasskeysHereError(f"Passkeys work at {configured.origin} only; open the page there.")
        return configured
    asked = _site(f"{scheme}://{host}") if origin is None else _site(origin)
    if origin is not None and _host(origin) != _host(f"{urlsplit(origin).scheme}://{host}"):
        raise NoPasskeysHereError("This request names another site than the page that it came from.")
    return asked


def _site(url: str) -> Site:
    """The site at this address, if browsers make passkeys for it."""
    name, _ = _host(url)
    scheme = urlsplit(url).scheme.lower()
    if _is_address(name) or not _NAME.fullmatch(name):
        raise NoPasskeysHereError(_NEEDS_NAME)
    if scheme != "https" and not (scheme == "http" and (name == "localhost" or name.endswith(".localhost"))):
        raise NoPasskeysHereError(_NEEDS_HTTPS)
    return Site(name, _origin(url))


def _host(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:  # no port, or half an IPv6 address: no browser writes that
        raise NoPasskeysHereError(_NEEDS_NAME) from None


def _origin(url: str) -> str:
    """As browsers write it (RFC 6454): no default port, no path."""
    name, port = _host(url)
    scheme = urlsplit(url).scheme.lower()
    return f"{scheme}://{name}" if port in {None, _DEFAULT_PORTS.get(scheme)} else f"{scheme}://{name}:{port}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.replace(".", "").isdigit()  # 2130706433 and 127.1, which browsers read as addresses
    return True
