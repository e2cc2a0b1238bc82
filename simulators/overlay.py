"""What a camera writes into its picture for people: name, number, clock and where it looks; and its wiper."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from simulators.imaging import Picture
from simulators.strip import strip_height

_FONT = cv2.FONT_HERSHEY_DUPLEX
_WHITE, _SHADE = (240, 240, 240), 0.45
WIPER_PERIOD_S = 1.6


def text(image: Picture, name: str, number: int, clock: str, pose: tuple[float, float, float]) -> None:
    """Name and clock under the strip, frame number and pose at the bottom, on shaded bars."""
    height, width = image.shape[:2]
    scale = height / 720 * 0.62 + 0.08
    bar = round(height * 0.047)
    top = strip_height(width)
    pan, tilt, zoom = pose
    where = f"PAN {pan:+07.2f}  TILT {tilt:+06.2f}  ZOOM {zoom:05.2f}x"
    _bar(image, top, bar, name, clock, scale)
    _bar(image, height - bar, bar, where, f"#{number:08d}", scale)


def effects(image: Picture, aux: Mapping[str, str], at_s: float) -> None:
    """The wiper's arm while it is on."""
    if aux.get("wiper") != "on":
        return
    height, width = image.shape[:2]
    angle = math.radians(90 + 55 * math.sin(2 * math.pi * at_s / WIPER_PERIOD_S))
    foot = (width // 2, int(height * 1.1))
    tip = (int(foot[0] + math.cos(angle) * height), int(foot[1] - math.sin(angle) * height))
    cv2.line(image, foot, tip, (28, 28, 30), max(height // 40, 3), cv2.LINE_AA)


def _bar(image: Picture, top: int, height: int, left: str, right: str, scale: float) -> None:
    width = image.shape[1]
    rows = image[top : top + height]
    rows[:] = (rows * np.float32(_SHADE)).astype(np.uint8)
    weight = 1
    baseline = top + round(height * 0.72)
    margin = round(width * 0.012)
    cv2.putText(image, left, (margin, baseline), _FONT, scale, _WHITE, weight, cv2.LINE_AA)
    (length, _), _ = cv2.getTextSize(right, _FONT, scale, weight)
    cv2.putText(image, right, (width - margin - length, baseline), _FONT, scale, _WHITE, weight, cv2.LINE_AA)
