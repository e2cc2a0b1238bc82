"""Values of the configuration that name places in networks. Each says what is wrong with one that is not."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from camctl.turn import check_turn_url


def _check_literal(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        msg = f'{text!r} is not an IP address; "::" is all of this machine, "0.0.0.0" all of IPv4'
        raise ValueError(msg) from None
    return text


def _check_origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_origin = False
    if not is_origin or text != f"{parts.scheme}://{parts.netloc}" or "@" in text or text != text.lower():
        msg = f"{text!r} is not the origin of a page, such as https://wall.example.go.id, without a path"
        raise ValueError(msg)
    return text


LiteralIp = Annotated[str, AfterValidator(_check_literal)]
Origin = Annotated[str, AfterValidator(_check_origin)]
TurnUrl = Annotated[str, AfterValidator(check_turn_url)]
