"""Links that are used once: their address, with the secret where no server and no log sees it, and their QR code."""

from __future__ import annotations

import io
from typing import TextIO

import segno

from camctl.config import Config


def service_address(config: Config, reached_at: str | None = None) -> str:
    """How a browser reaches the service: as configured, else as `reached_at`, else this machine's own port."""
    scheme = "http" if config.server.tls.certificate is None else "https"
    address = config.server.public_url or reached_at or f"{scheme}://localhost:{config.server.port}"
    return address.rstrip("/")


def invitation_link(address: str, secret: str) -> str:
    """The page's address for this secret: in the fragment, which browsers never send (RFC 3986, 3.5)."""
    return f"{address}/#/invitation/{secret}"


def qr_svg(link: str) -> str:
    """The link as a QR code, in SVG."""
    out = io.BytesIO()
    segno.make(link, error="m").save(out, kind="svg", scale=4, border=4, xmldecl=False, light="#fff")
    return out.getvalue().decode()


def print_qr(link: str, out: TextIO) -> None:
    """The link as a QR code on a terminal."""
    segno.make(link, error="m").terminal(out=out, border=2, compact=True)
