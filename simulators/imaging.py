"""Picture settings of the ONVIF Imaging service, and what they do to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImagingSettings:
    """Levels run from 0 to 100, 50 changes nothing. `focus_position` 0..1 counts in manual focus only; 0.5 is sharp."""

    brightness: float = 50.0
    contrast: float = 50.0
    saturation: float = 50.0
    sharpness: float = 50.0
    focus_mode: Literal["AUTO", "MANUAL"] = "AUTO"
    focus_position: float = 0.5
    ir_cut_filter: Literal["ON", "OFF", "AUTO"] = "AUTO"


DEFAULTS = ImagingSettings()


def apply(settings: ImagingSettings, picture: Picture) -> Picture:
    """The picture (BGR) as these settings show it; the same object when they change nothing."""
    if settings == DEFAULTS:
        return picture
    picture = _focus(settings, picture)
    gain = 2.0 ** ((settings.contrast - 50.0) / 50.0)
    offset = 128.0 * (1 - gain) + (settings.brightness - 50.0) * 2.2
    if gain != 1.0 or offset != 0.0:
        levels = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
        picture = np.asarray(cv2.LUT(picture, levels), dtype=np.uint8)
    colour = 0.0 if settings.ir_cut_filter == "OFF" else settings.saturation / 50.0
    if colour != 1.0:
        grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        picture = np.asarray(cv2.addWeighted(picture, colour, grey, 1.0 - colour, 0.0), dtype=np.uint8)
    return picture


def _focus(settings: ImagingSettings, picture: Picture) -> Picture:
    """Blur by a focus that is off, sharpen or soften by the sharpness level."""
    height = picture.shape[0]
    blur = abs(settings.focus_position - 0.5) * height / 30 if settings.focus_mode == "MANUAL" else 0.0
    if blur > 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), dtype=np.uint8)
    if settings.sharpness != 50.0:
        amount = (settings.sharpness - 50.0) / 50.0
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = np.asarray(cv2.addWeighted(picture, 1.0 + amount, soft, -amount, 0.0), dtype=np.uint8)
    return picture
