"""Who is at the other end behind a reverse proxy: believed from proxies that the configuration names, nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

Networks = Sequence[IPv4Network | IPv6Network]

_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}
_MOST_HOPS = 32


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, with or without a port; an IPv4-mapped one as IPv4. None: it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_within(address: IPv4Address | IPv6Address | None, networks: Networks) -> bool:
    """Whether one of the networks has it."""
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded_for: Iterable[str], trusted: Networks) -> str:
    """Whose request it is: the right-most address that is not a trusted proxy's.

    Each proxy adds on the right whom it saw. What stands left of the first stranger was written by that stranger, and
    what is no address by nobody we trust: both count for nothing.

    Args:
        peer: whose connection it is.
        forwarded_for: the values of all X-Forwarded-For lines, in their order.
        trusted: the proxies' networks.
    """
    nearest = parse_address(peer)
    if nearest is None:
        return peer
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops[-_MOST_HOPS:]):
        if not is_within(nearest, trusted):
            break
        said = parse_address(hop)
        if said is None:
            break
        nearest = said
    return str(nearest)


class Forwarded:
    """Puts the real client and scheme into the scope of what trusted proxies forward. Plain ASGI, the outermost."""

    def __init__(self, app: ASGIApp, trusted: Networks) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its client looked up."""
        if scope["type"] in _SCHEMES and scope.get("client") and self._trusted:
            peer = scope["client"][0]
            if is_within(parse_address(peer), self._trusted):
                self._believe(scope, peer)
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, peer: str) -> None:
        client = client_address(peer, _values(scope, b"x-forwarded-for"), self._trusted)
        if client != str(parse_address(peer)):
            scope["client"] = (client, 0)  # a proxy does not say which port
        said = [each.strip().lower() for line in _values(scope, b"x-forwarded-proto") for each in line.split(",")]
        schemes = _SCHEMES[scope["type"]]
        if said and said[-1] in schemes:
            scope["scheme"] = schemes[said[-1]]


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
