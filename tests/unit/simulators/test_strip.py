from __future__ import annotations

import cv2
import numpy as np
import pytest

from simulators.strip import Reading, burn, crc16, pack, read, strip_height, unpack

READING = Reading(4_000_000_123, 1_763_926_000_123, -169.87, -59.99, 19.99)


def picture(width: int, height: int, reading: Reading = READING) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    burn(noise, reading)
    return noise


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (320, 180), (1920, 1080), (854, 480), (1000, 562)])
def test_what_was_burnt_is_read(size: tuple[int, int]) -> None:
    assert read(picture(*size)) == READING


@pytest.mark.parametrize("width", [360, 390, 512, 640, 800, 1024, 1919])
def test_it_survives_scaling_by_a_page(width: int) -> None:
    scaled = cv2.resize(picture(1280, 720), (width, round(width * 9 / 16)), interpolation=cv2.INTER_LINEAR)
    assert read(scaled) == READING


def test_grey_and_four_channels_read_alike() -> None:
    image = picture(640, 360)
    assert read(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) == READING
    assert read(cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)) == READING


def test_one_wrong_cell_is_noticed() -> None:
    image = picture(1280, 720)
    image[0:16, 40 * 16 : 41 * 16] = 255 - image[0:16, 40 * 16 : 41 * 16]
    assert read(image) is None


def test_pictures_without_a_strip_read_as_nothing() -> None:
    assert read(np.zeros((720, 1280, 3), np.uint8)) is None
    assert read(np.random.default_rng(3).integers(0, 256, (360, 640, 3), dtype=np.uint8)) is None
    assert read(np.zeros((1, 640, 3), np.uint8)) is None
    assert read(np.zeros((40, 40), np.uint8)) is None


def test_bytes_are_those_of_the_description() -> None:
    assert crc16(b"123456789") == 0x29B1  # the published check value of CRC-16/CCITT-FALSE
    data = pack(Reading(1, 2, -0.01, 0.02, 1.0))
    assert data[:16].hex() == "00000001000000000002ffff00020064"
    assert unpack(data) == Reading(1, 2, -0.01, 0.02, 1.0)
    assert unpack(data[:-1] + bytes([data[-1] ^ 1])) is None


def test_the_strip_is_two_of_80_cells_high() -> None:
    assert (strip_height(1280), strip_height(640)) == (32, 16)
