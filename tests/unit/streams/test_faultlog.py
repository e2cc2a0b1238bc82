from __future__ import annotations

import logging

import pytest

from streams.faultlog import FaultLog, FaultRate


def test_a_fault_is_said_at_once_and_then_with_how_many_were_left_out() -> None:
    rate = FaultRate(every_s=10)
    assert rate.note("forged", "a", 100.0) == 0
    assert [rate.note("forged", "a", 100.0 + step) for step in range(1, 10)] == [None] * 9
    assert rate.note("forged", "a", 110.0) == 9
    assert rate.note("forged", "a", 111.0) is None


def test_kinds_and_subjects_are_told_apart() -> None:
    rate = FaultRate()
    said = [rate.note(kind, who, 0.0) for kind in ("x", "y") for who in ("a", "b")]
    assert said == [0, 0, 0, 0]


def test_all_together_are_few_lines_a_second_and_little_memory() -> None:
    rate = FaultRate(lines_per_s=5, max_kept=16)
    said = [rate.note("strange", f"peer {number}", 50.0 + number / 1000) for number in range(3000)]
    lines = [number for number in said if number is not None]
    assert len(lines) <= 5 + 3 * 5
    assert len(rate) == 16
    rate.note("strange", "the last", 100.0)
    assert sum(lines) + len(lines) <= 3000


def test_what_was_left_out_of_the_forgotten_is_said_with_another_line() -> None:
    rate = FaultRate(every_s=10, max_kept=1)
    rate.note("x", "a", 0.0)
    for _ in range(4):
        rate.note("x", "a", 1.0)
    assert rate.note("x", "b", 1.0) == 4
    assert rate.note("x", "c", 2.0) == 0


def test_a_clock_that_steps_back_silences_nothing_for_ever() -> None:
    rate = FaultRate(lines_per_s=1)
    assert rate.note("x", "a", 100.0) == 0
    assert rate.note("x", "b", 50.0) is None
    assert rate.note("x", "c", 51.5) is not None


def test_a_line_says_who_what_and_where(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("streams.test")
    caplog.set_level("INFO", "streams.test")
    now_s = [0.0]
    faults = FaultLog(log, FaultRate(every_s=10), lambda: now_s[0])
    for number in range(3):
        faults("no RTP", ("192.0.2.1", 9), f"at offset {number}")
    now_s[0] = 10.0
    faults("no RTP", ("192.0.2.1", 9), "at offset 3")
    assert caplog.messages == [
        "dropped a packet of ('192.0.2.1', 9): no RTP, at offset 0",
        "dropped a packet of ('192.0.2.1', 9): no RTP, at offset 3; 2 more since the last such line",
    ]
