"""What the demo prints when everything answers: the address, a QR code for the phone, and who can sign in."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import psutil
import segno

from camctl.demo.plan import EMERGENCY_ONLY


def lan_address() -> str | None:
    """This machine's address in its local network, as far as its interfaces tell; None when it has none."""
    statistics = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        if name.startswith(("docker", "br-", "veth", "virbr")) or not statistics[name].isup:
            continue
        for address in addresses:
            if address.family is socket.AF_INET and not address.address.startswith(("127.", "169.254.")):
                return str(address.address)
    return None


def print_poster(ready: Mapping[str, Any]) -> None:
    """Print it to standard output."""
    out = sys.stdout
    address = lan_address()
    out.write(f"\n  camctl demo: {len(ready['cameras'])} cameras\n\n  On this machine   {ready['url']}\n")
    if address is not None:
        phone = f"http://{address}:{urlsplit(ready['url']).port}"
        out.write(f"  On a phone        {phone}   (same network)\n\n")
        segno.make(phone, error="m").terminal(out=out, border=2, compact=True)
    out.write("\n  Sign in as\n\n")
    for person in ready["people"]:
        out.write(f"    {person['role']:<9} {person['username']:<17} {person['password']:<15} area {person['area']}\n")
    for camera in ready["cameras"]:
        if camera["id"] == EMERGENCY_ONLY:
            out.write(f"\n  {camera['name']} is shared in emergencies only: open it as walikota-selatan,\n")
            out.write("  close it as partner, judge it as admin.\n")
    out.write("\n  Ctrl-C ends it.\n\n")
    out.flush()
