"""The egress guard: which addresses the service may connect to, for a camera or for the city's directory.

Cameras are hostile hosts. Their addresses, and every URI that they return, are resolved once, judged, and pinned: who
connects uses `PinnedTarget.address`, never the name again, so that a name server cannot change its mind in between.
The directory is believed more, but its name comes from the same name servers.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
Resolve = Callable[[str], Sequence[str]]

DEFAULT_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
RESOLVE_TIMEOUT_S = 3.0
_MAX_URL = 2048
_MAX_ADDRESSES = 32
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?")
_NEVER = frozenset({"a multicast", "an unspecified", "a link-local", "an IPv4-compatible"})
# Under this prefix an IPv6 address carries an IPv4 one that routers deliver to.
_NAT64 = IPv6Network("64:ff9b::/96")
# As well, once; deprecated since 2006 (RFC 4291), so who names one means no camera. Holds :: and ::1, judged before.
_IPV4_COMPATIBLE = IPv6Network("::/96")


class EgressRefusedError(Exception):
    """An address is not allowed or cannot be had; the message says which rule and what to do, and carries no secret.

    `to_approve`: networks that would have to be approved first; none where approval does not help.
    """

    def __init__(self, message: str, to_approve: tuple[IpNetwork, ...] = ()) -> None:
        super().__init__(message)
        self.to_approve = to_approve


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom a policy lets be called: their name in its refusals, and the key that approves their networks.

    `is_one_host`: no more is proposed for approval than the addresses that were found.
    """

    name: str
    key: str
    is_one_host: bool = False


CAMERAS = Callee("cameras", "cameras.approved_networks")
DIRECTORY = Callee("the directory", "oidc.approved_networks", is_one_host=True)


@dataclass(frozen=True, slots=True)
class PinnedTarget:
    """A URL that passed: connect to `address`:`port`, and name `host` in headers and TLS."""

    url: str
    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class OwnMachine:
    """The addresses of this machine, and the ports on which this service listens. Plain data, for the wire."""

    addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """The networks in which some cameras may be, and they alone; and the key that says so. Plain data, for the wire."""

    networks: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The rules. Public addresses pass; private, shared and loopback ones only inside `approved_networks`.

    `own_addresses` are those of this service and its neighbours (a database, a metadata service); they are refused
    unless an approved network holds them. `own_ports` are refused there, and on loopback, whatever is approved: a
    camera that is reached through a forwarded port of this machine must not send us to ourselves.
    """

    approved_networks: tuple[IpNetwork, ...] = ()
    own_addresses: tuple[IpAddress, ...] = ()
    own_ports: frozenset[int] = frozenset()
    callee: Callee = CAMERAS

    @classmethod
    def of(cls, networks: Iterable[str], own: OwnMachine, callee: Callee = CAMERAS) -> EgressPolicy:
        """From what was sent over the wire; ValueError when it is no network or address."""
        return cls(
            tuple(ip_network(text) for text in networks),
            tuple(ip_address(text) for text in own.addresses),
            frozenset(own.ports),
            callee,
        )

    def at(self, site: Site | None) -> EgressPolicy:
        """The rules for cameras of a site, whose networks stand in place of all others; None: of no site."""
        if site is None:
            return self
        networks = tuple(ip_network(text) for text in site.networks)
        return replace(self, approved_networks=networks, callee=Callee("cameras of this site", site.key))

    def check(self, url: str, *, schemes: frozenset[str], resolve: Resolve) -> PinnedTarget:
        """Judge `url` and pin it to the first of its addresses, all of which must be allowed.

        Args:
            url: absolute, without user information.
            schemes: lower-case names that are allowed here.
            resolve: gives all addresses of a host name; not called for a literal address. May raise OSError.

        Raises:
            EgressRefusedError: a rule refuses it, or the name has no address.
        """
        parts, port = _split(url, schemes)
        host = parts.hostname or ""
        addresses = _addresses(host, resolve)
        lacking: dict[IpNetwork, str] = {}
        for address in addresses:
            shown = _shown(host, address)
            for each in _meanings(address):
                rule = self._judge(each, shown, port)
                if rule is not None:
                    lacking.setdefault(self._network_around(each), f"{shown} is {rule} address")
        if lacking:
            networks = ", ".join(map(str, lacking))
            raise EgressRefusedError(
                f"{next(iter(lacking.values()))} outside the approved networks; if {self.callee.name} may be there, "
                f"add {networks} to {self.callee.key}",
                tuple(lacking),
            )
        return PinnedTarget(url, host, str(_plain(addresses[0])), port)

    def _judge(self, address: IpAddress, shown: str, port: int) -> str | None:
        """Which rule wants approval for it, if any; EgressRefusedError where none would help."""
        rule = self._rule_against(address)
        if rule in _NEVER:
            raise EgressRefusedError(f"{shown} is {rule} address; nobody is ever called there")
        if port in self.own_ports and (address.is_loopback or address in self.own_addresses):
            raise EgressRefusedError(f"port {port} of {shown} is this service's own; it never calls itself")
        return rule

    def _network_around(self, address: IpAddress) -> IpNetwork:
        """What an administrator most likely means: of cameras 10.1.0.0/16, 127.0.0.0/8, a /64."""
        if self.callee.is_one_host:
            return ip_network(address)
        if isinstance(address, IPv4Address):
            return IPv4Network((int(address), 8 if address.is_loopback else 16), strict=False)
        return IPv6Network((int(address), 128 if address.is_loopback else 64), strict=False)

    def _rule_against(self, address: IpAddress) -> str | None:
        if address.is_multicast:
            return "a multicast"
        if address.is_unspecified:
            return "an unspecified"
        if address.is_link_local:
            return "a link-local"
        if not address.is_loopback and _is_in(address, (_IPV4_COMPATIBLE,)):
            return "an IPv4-compatible"
        if _is_in(address, self.approved_networks):
            return None
        if address in self.own_addresses:
            return "this service's own"
        if address.is_loopback:
            return "a loopback"
        return None if address.is_global else "a private"


async def resolve_pinned(
    policy: EgressPolicy,
    url: str,
    *,
    schemes: frozenset[str],
    resolve: Resolve | None = None,
    timeout_s: float = RESOLVE_TIMEOUT_S,
    pool: Executor | None = None,
) -> PinnedTarget:
    """`EgressPolicy.check` with the name looked up in a thread, so that a slow name server never holds up the loop.

    `pool`: threads that may all hang at a dead name server; None takes the loop's own. A literal address needs none.

    Raises:
        EgressRefusedError: a rule refuses it, or the name has no address within `timeout_s`.
    """
    lookup = resolve or system_resolve
    if _is_literal(url):
        return policy.check(url, schemes=schemes, resolve=lookup)
    try:
        async with asyncio.timeout(timeout_s):
            check = partial(policy.check, url, schemes=schemes, resolve=lookup)
            return await asyncio.get_running_loop().run_in_executor(pool, check)
    except TimeoutError:
        raise EgressRefusedError(
            f"the name in the address was not resolved within {timeout_s:g} s; check the name and the name server"
        ) from None


def system_resolve(host: str) -> list[str]:
    """All addresses of a host name, in the system's order. Blocks.

    Raises:
        OSError: there is none.
    """
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def split_port(parts: SplitResult) -> int | None:
    """The port that a URL names, None when it names none.

    Raises:
        ValueError: it is no number from 1 to 65535, or there is more than one.
    """
    port = parts.port
    if port == 0:
        raise ValueError("port 0")
    return port


def format_host(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _split(url: str, schemes: frozenset[str]) -> tuple[SplitResult, int]:
    if len(url) > _MAX_URL:
        raise EgressRefusedError(f"the address is longer than {_MAX_URL} characters")
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in url):
        raise EgressRefusedError("the address contains a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        userinfo = parts.netloc.rpartition("@")[1]
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        raise EgressRefusedError("the address is not a URL such as http://192.0.2.7/onvif/device_service") from None
    if scheme not in schemes:
        raise EgressRefusedError(f"the address must begin with {' or '.join(f'{name}://' for name in sorted(schemes))}")
    if userinfo:
        raise EgressRefusedError(
            "the address contains a user name or password before an @; take it out and give the account on its own"
        )
    if not host:
        raise EgressRefusedError("the address names no host")
    try:
        port = split_port(parts)
    except ValueError:
        raise EgressRefusedError("the port in the address is not a number from 1 to 65535") from None
    return parts, port if port is not None else DEFAULT_PORTS[scheme]


def _addresses(host: str, resolve: Resolve) -> list[IpAddress]:
    literal = _literal(host)
    if literal is not None:
        return [literal]
    if not _HOST.fullmatch(host) or _is_odd_ipv4(host):
        raise EgressRefusedError(f"{host!r} is neither a host name nor an IP address in its usual form")
    try:
        found = resolve(host)
    except (OSError, UnicodeError):
        raise EgressRefusedError(f"the name {host!r} has no address; check its spelling and the name server") from None
    addresses = _parsed(found, host)
    if not addresses:
        raise EgressRefusedError(f"the name {host!r} has no address; check its spelling and the name server")
    if len(addresses) > _MAX_ADDRESSES:
        raise EgressRefusedError(f"the name {host!r} has more than {_MAX_ADDRESSES} addresses")
    return addresses


def _parsed(texts: Iterable[str], host: str) -> list[IpAddress]:
    try:
        return [ip_address(text) for text in texts]
    except ValueError:
        raise EgressRefusedError(f"the name {host!r} resolved to something that is not an address") from None


def _literal(host: str) -> IpAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_literal(url: str) -> bool:
    try:
        return _literal(urlsplit(url).hostname or "") is not None
    except ValueError:
        return True  # refused without a look-up


def _is_odd_ipv4(host: str) -> bool:
    """Whether inet_aton would read it as an address: 127.1, 0x7f000001, 2130706433, 0177.0.0.1."""
    return re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", host.rstrip(".").rpartition(".")[2], re.IGNORECASE) is not None


def _plain(address: IpAddress) -> IpAddress:
    """An IPv4-mapped address as the IPv4 address that the kernel connects to."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _meanings(address: IpAddress) -> list[IpAddress]:
    """The address, and the IPv4 addresses that it may stand for: every one of them must be allowed."""
    plain = _plain(address)
    if isinstance(plain, IPv4Address):
        return [plain]
    meanings: list[IpAddress] = [plain]
    if plain.sixtofour is not None:
        meanings.append(plain.sixtofour)
    if plain.teredo is not None:
        meanings.extend(plain.teredo)
    if plain in _NAT64:
        meanings.append(IPv4Address(int(plain) & 0xFFFFFFFF))
    return meanings


def _is_in(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _shown(host: str, address: IpAddress) -> str:
    return str(address) if host == str(address) else f"{host} ({address})"
