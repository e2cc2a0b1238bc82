"""Mending the addresses that cameras give: wrong hosts, wrong, doubled or missing ports, bare paths, nothing. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from camctl.egress import DEFAULT_PORTS, PinnedTarget, format_host
from camctl.ptz.ports import CameraError, CameraFault

# scheme, then whatever stands for host and port (even "10.0.0.5:80:80"), then path and query
_LOOSE = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?(?P<rest>[^#]*)")


def service_urls(xaddr: str, reached: PinnedTarget) -> tuple[str, ...]:
    """Where to call a service, in order of preference; never another host than the one that was reached.

    A camera behind a port forwarding names its own network, some name 127.0.0.1, a path, or nothing. Only when the
    host is the one that was reached may another port be meant; then it is tried first.
    """
    given = (xaddr.split() or [""])[0]
    scheme, authority, rest = _loose(given)
    base = urlsplit(reached.url)
    if not given or (not rest.strip("/") and not authority):
        return (reached.url,)
    path = rest if rest.startswith("/") else f"/{rest}"
    mended = _join(base.scheme, reached.host, reached.port, path)
    host, port = _host_and_port(authority, scheme or base.scheme)
    is_same_host = host.lower() in {reached.host.lower(), reached.address.lower()}
    if is_same_host and scheme in ("", base.scheme) and port not in (None, reached.port):
        return (_join(base.scheme, reached.host, port or 0, path), mended)
    return (mended,)


def stream_url(uri: str, reached: PinnedTarget) -> str:
    """The RTSP address of a stream on the host that was reached, by its pinned address; scheme and port as returned.

    Raises:
        CameraError: PROTOCOL, it is no RTSP address.
    """
    scheme, authority, rest = _loose(uri.strip())
    scheme = scheme or "rtsp"
    if scheme not in ("rtsp", "rtsps") or not uri.strip():
        raise CameraError(CameraFault.PROTOCOL, "the camera's stream address does not begin with rtsp:// or rtsps://")
    _, port = _host_and_port(authority, scheme)
    return _join(scheme, reached.address, port or DEFAULT_PORTS[scheme], rest if rest.startswith("/") else f"/{rest}")


def _loose(text: str) -> tuple[str, str, str]:
    match = _LOOSE.fullmatch(text)
    if match is None:
        return "", "", ""
    return (match["scheme"] or "").lower(), match["authority"] or "", match["rest"] or ""


def _host_and_port(authority: str, scheme: str) -> tuple[str, int | None]:
    """Host and port, the scheme's default where none is named; the port is None where it is no port."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port if parts.port is not None else DEFAULT_PORTS.get(scheme)
    except ValueError:
        return "", None
    return parts.hostname or "", port or None


def _join(scheme: str, host: str, port: int, rest: str) -> str:
    return f"{scheme}://{format_host(host)}:{port}{rest}"
