"""The strip: two rows of black and white cells at the top of a picture that a program reads back from decoded pixels.

Layout, for a picture W pixels wide. A cell is a square with sides of W/80 pixels, so a row has 80 cells and the strip
covers the picture's full width and its uppermost W/40 pixels (32 of 720, 16 of 360). A bright cell is 1, a dark cell 0.
Cell (row r, column c) has its centre at x = (c + 0.5) * W / 80, y = (r + 0.5) * W / 80; read the mean of the grey
values in the middle half of the cell (any luma formula will do).

The first 8 cells of each row are fixed: row 0 is 1 0 1 0 1 1 0 0, row 1 is 0 1 0 1 0 0 1 1. They tell the levels:
threshold = (mean of the eight 1 cells + mean of the eight 0 cells) / 2 over both rows. The fixed cells must read as
given, and bright must be above dark by at least 24 of 255; otherwise there is no strip.

The other 72 + 72 cells, row 0 first and each from left to right, are 144 bits, most significant bit first:

    bits     field
    0-31     frame number, unsigned
    32-79    wall clock, milliseconds since 1970 UTC, unsigned
    80-95    pan, hundredths of a degree, two's complement, right is positive
    96-111   tilt, hundredths of a degree, two's complement, up is positive
    112-127  zoom, hundredths of a magnification (100 is 1x), unsigned
    128-143  CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, no reflection, no final xor) of the 16 bytes before
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 80
ROWS = 2
_SYNC = np.array([[1, 0, 1, 0, 1, 1, 0, 0], [0, 1, 0, 1, 0, 0, 1, 1]], dtype=bool)
_FIELDS = struct.Struct(">I6shhHH")
_DARK, _BRIGHT = (46, 34, 30), (214, 206, 200)  # BGR; near black and near white, gentler to the eye than both
_LEAST_CONTRAST = 24


@dataclass(frozen=True, slots=True)
class Reading:
    """What the strip says; pan and tilt are exact to 0.01 degrees, zoom to 0.01x."""

    frame: int
    wall_ms: int
    pan_deg: float
    tilt_deg: float
    zoom_x: float


def pack(reading: Reading) -> bytes:
    """The 18 bytes of a reading, CRC included. Values beyond their field are clipped; frame and clock wrap."""
    head = _FIELDS.pack(
        reading.frame & 0xFFFF_FFFF,
        (reading.wall_ms & 0xFFFF_FFFF_FFFF).to_bytes(6, "big"),
        _hundredths(reading.pan_deg, -32_768, 32_767),
        _hundredths(reading.tilt_deg, -32_768, 32_767),
        _hundredths(reading.zoom_x, 0, 65_535),
        0,
    )[:16]
    return head + crc16(head).to_bytes(2, "big")


def unpack(data: bytes) -> Reading | None:
    """The opposite of pack; None when the CRC does not fit."""
    if crc16(data[:16]) != int.from_bytes(data[16:18], "big"):
        return None
    frame, wall, pan, tilt, zoom, _ = _FIELDS.unpack(data)
    return Reading(frame, int.from_bytes(wall, "big"), pan / 100, tilt / 100, zoom / 100)


def burn(image: NDArray[np.uint8], reading: Reading) -> None:
    """Draw the strip into a BGR picture (height x width x 3, at least 160 wide), in place."""
    width = image.shape[1]
    bits = np.unpackbits(np.frombuffer(pack(reading), dtype=np.uint8)).astype(bool).reshape(ROWS, -1)
    cells = np.hstack([_SYNC, bits])
    columns = (np.arange(width) * COLUMNS) // width
    height = strip_height(width)
    rows = np.minimum((np.arange(height) * COLUMNS) // width, ROWS - 1)
    palette = np.array([_DARK, _BRIGHT], dtype=np.uint8)
    line = palette[cells[:, columns].astype(np.uint8)]
    image[:height] = line[rows]


def read(image: NDArray[Any]) -> Reading | None:
    """The reading in a picture (grey, or 3 or 4 channels in any order), of any size; None if there is none to trust."""
    width = image.shape[1]
    height = strip_height(width)
    if image.shape[0] < height or width < COLUMNS:
        return None
    top = image[:height].astype(np.float32)
    grey = top if top.ndim == 2 else top[:, :, :3].mean(axis=2)
    cells = _cell_means(grey, width)
    sync = cells[:, : _SYNC.shape[1]]
    bright, dark = float(sync[_SYNC].mean()), float(sync[~_SYNC].mean())
    if bright - dark < _LEAST_CONTRAST:
        return None
    bits = cells > (bright + dark) / 2
    if not np.array_equal(bits[:, : _SYNC.shape[1]], _SYNC):
        return None
    return unpack(np.packbits(bits[:, _SYNC.shape[1] :].reshape(-1)).tobytes())


def strip_height(width: int) -> int:
    """Rows of pixels that the strip takes in a picture of this width."""
    return max(ROWS, round(ROWS * width / COLUMNS))


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _cell_means(grey: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Mean of the middle half of each cell: ROWS x COLUMNS."""
    size = width / COLUMNS
    starts = (np.arange(COLUMNS) + 0.25) * size
    lefts = np.floor(starts).astype(int)
    rights = np.minimum(np.maximum(np.ceil(starts + size / 2).astype(int), lefts + 1), width)
    out = np.empty((ROWS, COLUMNS), dtype=np.float32)
    for row in range(ROWS):
        top = int((row + 0.25) * size)
        bottom = max(int(np.ceil((row + 0.75) * size)), top + 1)
        sums = np.concatenate([[0.0], np.cumsum(grey[top : min(bottom, grey.shape[0])].mean(axis=0))])
        out[row] = (sums[rights] - sums[lefts]) / (rights - lefts)
    return out


def _hundredths(value: float, low: int, high: int) -> int:
    return min(max(round(value * 100), low), high)
