from __future__ import annotations

from streams.rtp.clock import is_jump
from streams.rtp.order import PictureOrder


def noticed(order: PictureOrder, timestamps: list[int], start_s: float = 0.0) -> list[int]:
    """At which pictures it was said."""
    return [index for index, time in enumerate(timestamps) if order.note(time * 3600, start_s + index / 25)]


def test_b_frames_are_noticed_once_after_a_few() -> None:
    order = PictureOrder()
    assert noticed(order, [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]) == [8]
    assert order.has_b_frames


def test_pictures_in_order_and_a_clock_that_is_set_back_are_none() -> None:
    order = PictureOrder()
    assert noticed(order, [0, 1, 2, 3, 3, 4, 2, 3, 4, 5]) == []
    assert noticed(order, [-90000, -89999, -89998]) == []
    assert not order.has_b_frames


def test_a_clock_that_is_corrected_now_and_then_is_none() -> None:
    order = PictureOrder()
    for minute in range(10):
        assert noticed(order, [0, 1, 2, 1, 2, 3], minute * 60.0) == []


def test_a_clock_was_set_when_time_steps_by_more_than_what_passed() -> None:
    assert is_jump((0, 1.0), (90_000 * 3, 1.04))
    assert is_jump((90_000 * 3, 1.0), (0, 1.04))
    assert not is_jump((0, 1.0), (90_000 * 3, 4.0)), "a slow camera"
    assert not is_jump((0, 1.0), (3600, 9.0)), "late, for the network stood still"
    assert not is_jump((10800, 1.0), (3600, 1.04)), "a B-frame"
