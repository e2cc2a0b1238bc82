"""Values of the configuration that are more than numbers and words. Each says what is wrong with one that is not."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from camctl.sealing import NotSealedError, key_id_of
from camctl.turn import check_turn_url

# Strict, so that "yes" is no port and 1 no switch; extra keys are faults, so that a typing error is never ignored.
STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)


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


def _check_sealed(text: str) -> str:
    try:
        key_id_of(text)
    except NotSealedError as error:
        raise ValueError(str(error)) from None
    return text


Port = Annotated[int, Field(ge=0, le=65535)]
LiteralIp = Annotated[str, AfterValidator(_check_literal)]
Origin = Annotated[str, AfterValidator(_check_origin)]
Sealed = Annotated[str, AfterValidator(_check_sealed)]
TurnUrl = Annotated[str, AfterValidator(check_turn_url)]


def _check_advertised(text: str) -> str:
    if text != "auto":
        try:
            ip_address(text)
        except ValueError:
            msg = f'{text!r} is neither an IP address, which is all that browsers take here, nor "auto"'
            raise ValueError(msg) from None
    return text


Advertised = Annotated[str, AfterValidator(_check_advertised)]


AreaCode = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]


def network(text: str) -> IPv4Network | IPv6Network:
    """A network such as 10.1.0.0/16; raises ValueError."""
    try:
        return ip_network(text)
    except ValueError as error:
        msg = f"{text!r} is not a network such as 10.1.0.0/16 ({error})"
        raise ValueError(msg) from None


def _check_network(text: str) -> str:
    network(text)
    return text


Network = Annotated[str, AfterValidator(_check_network)]


def _check_address(text: str, *schemes: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:  # not said which: it may hold a password
        raise ValueError(f"not an address such as {schemes[0]}://10.20.0.5/...")
    return text


OnvifAddress = Annotated[str, AfterValidator(lambda text: _check_address(text, "http", "https"))]
RtspAddress = Annotated[str, AfterValidator(lambda text: _check_address(text, "rtsp", "rtsps"))]
Fingerprint = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$"),
]


def _check_time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f'{text!r} is not a time zone such as "Asia/Jakarta"'
        raise ValueError(msg) from None
    return text


TimeZone = Annotated[str, AfterValidator(_check_time_zone)]


def _check_range(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        msg = "give the smaller number first"
        raise ValueError(msg)
    return pair


# Lists in YAML, so not strict here; the numbers are.
Span = Annotated[
    tuple[Annotated[float, Field(ge=-1, le=1)], Annotated[float, Field(ge=-1, le=1)]],
    Field(strict=False),
    AfterValidator(_check_range),
]
