"""Reading what zeep parsed: it gives None for whatever was missing or misplaced, so every field is looked at. Pure."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from camctl.onvif.values import Range
from camctl.ptz.ports import CameraError, CameraFault


def dig(reply: Any, *path: str) -> Any:  # noqa: ANN401 - zeep's values have no static type
    """The value at the end of a path of element names, None where any of them is missing."""
    for name in path:
        if reply is None:
            return None
        reply = reply.get(name) if isinstance(reply, dict) else getattr(reply, name, None)
    return reply


def items(reply: Any, *path: str) -> list[Any]:  # noqa: ANN401
    """The elements of a list at the end of a path; none where it is missing."""
    found = dig(reply, *path)
    if found is None:
        return []
    return [each for each in found if each is not None] if isinstance(found, list) else [found]


def text(reply: Any, *path: str) -> str:  # noqa: ANN401
    """The text at the end of a path, stripped; empty where it is missing."""
    found = dig(reply, *path)
    return found.strip() if isinstance(found, str) else ""


def number(reply: Any, *path: str) -> float | None:  # noqa: ANN401
    """The finite number at the end of a path, None where it is missing or none."""
    found = dig(reply, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if math.isfinite(found) else None


def seconds(reply: Any, *path: str) -> float | None:  # noqa: ANN401
    """The duration at the end of a path, None where it is missing."""
    found = dig(reply, *path)
    return found.total_seconds() if isinstance(found, timedelta) else None


def interval(reply: Any, *path: str) -> Range | None:  # noqa: ANN401
    """The tt:FloatRange at the end of a path; None where an end of it is missing."""
    low, high = number(reply, *path, "Min"), number(reply, *path, "Max")
    return Range(low, high) if low is not None and high is not None else None


def needed(value: str, what: str, operation: str) -> str:
    """`value`, which must be there.

    Raises:
        CameraError: PROTOCOL, naming what is missing.
    """
    if not value:
        raise CameraError(CameraFault.PROTOCOL, f"the camera's answer to {operation} has no {what}")
    return value
