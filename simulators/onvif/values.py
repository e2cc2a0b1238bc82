"""XML Schema's simple values: durations, times, numbers, booleans. Pure; every error is a SOAP fault with a reason."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from lxml import etree

from simulators.onvif.soap import invalid_argument, invalid_arguments
from simulators.onvif.xml import NAMESPACES

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<days>\d{1,6})D)?"
    r"(?P<time>T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,9})?)S)?)?",
    re.ASCII,
)
_SECONDS = {"years": 365 * 86400, "months": 30 * 86400, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
_FLOAT = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds of an xs:duration such as PT1S, PT0.5S or P1DT2H; a year is 365 and a month 30 days.

    Raises:
        SoapFaultError: ter:InvalidArgVal, not of this form.
    """
    match = _DURATION.fullmatch(text.strip())
    given = {name: match[name] for name in _SECONDS if match[name] is not None} if match else {}
    if not match or not given or match["time"] == "T":
        raise invalid_argument("not an xs:duration")
    seconds = sum(float(value) * _SECONDS[name] for name, value in given.items())
    return -seconds if match["sign"] else seconds


def format_duration(seconds: float) -> str:
    """Seconds as xs:duration, whole where they are whole."""
    text = f"{seconds:.3f}".rstrip("0").rstrip(".")
    return f"PT{text}S"


def parse_time(text: str) -> float:
    """Seconds since 1970 of an xs:dateTime; without a zone it is UTC.

    Raises:
        SoapFaultError: ter:InvalidArgVal, not of this form.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise invalid_argument("not an xs:dateTime") from error


def format_time(wall_s: float) -> str:
    """Seconds since 1970 as xs:dateTime in UTC, to the millisecond."""
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_float(text: str) -> float:
    """An xs:float that is a number.

    Raises:
        SoapFaultError: ter:InvalidArgVal; NaN and infinity, which the type allows, too.
    """
    if not _FLOAT.fullmatch(text.strip()) or not math.isfinite(value := float(text)):
        raise invalid_argument("not a number")
    return value


def parse_bool(text: str) -> bool:
    """An xs:boolean.

    Raises:
        SoapFaultError: ter:InvalidArgVal, none of true, false, 1, 0.
    """
    known = {"true": True, "1": True, "false": False, "0": False}.get(text.strip())
    if known is None:
        raise invalid_argument("not an xs:boolean")
    return known


def child(parent: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of prefixed names, such as "tptz:Velocity/tt:PanTilt"."""
    return parent.find(path, NAMESPACES)


def optional_text(parent: etree._Element, path: str) -> str | None:
    """The stripped text at a path; None when the element is not there, "" when it is empty."""
    text: str | None = parent.findtext(path, None, NAMESPACES)
    return text.strip() if text is not None else None


def required_text(parent: etree._Element, path: str) -> str:
    """The stripped text at a path.

    Raises:
        SoapFaultError: ter:InvalidArgs, the element is not there.
    """
    text = optional_text(parent, path)
    if text is None:
        raise invalid_arguments(f"{path.rpartition(':')[2]} is missing")
    return text


def required_child(parent: etree._Element, path: str) -> etree._Element:
    """The element at a path.

    Raises:
        SoapFaultError: ter:InvalidArgs, it is not there.
    """
    found = child(parent, path)
    if found is None:
        raise invalid_arguments(f"{path.rpartition(':')[2]} is missing")
    return found
