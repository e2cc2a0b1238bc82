from __future__ import annotations

import pytest

from streams.errors import StreamFault
from streams.rtsp.reconnect import ReconnectPolicy, ReconnectSettings


def policy(chance: float = 1.0) -> ReconnectPolicy:
    return ReconnectPolicy(ReconnectSettings(), lambda: chance)


def test_the_back_off_doubles_up_to_its_cap() -> None:
    subject = policy()
    delays = [subject.failed(StreamFault.UNREACHABLE, 0.0) for _ in range(8)]
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]


def test_jitter_takes_up_to_half_off() -> None:
    assert policy(0.0).failed(StreamFault.TIMEOUT, 0.0) == 0.5


def test_a_stable_pull_starts_the_back_off_anew_and_a_short_one_does_not() -> None:
    subject = policy()
    for _ in range(4):
        subject.failed(StreamFault.UNREACHABLE, 0.0)
    subject.succeeded()
    assert subject.failed(StreamFault.UNREACHABLE, 0.0, lived_s=5) == 16
    assert subject.failed(StreamFault.UNREACHABLE, 0.0, lived_s=60) == 1


def test_bad_credentials_pause_long_and_no_viewer_shortens_it() -> None:
    subject = policy(0.0)
    assert subject.failed(StreamFault.BAD_CREDENTIALS, 100.0) >= 60
    assert not subject.nudge(150.0)
    assert subject.wait_s(150.0) == 40
    assert subject.nudge(191.0)


def test_a_busy_camera_is_left_alone_for_a_while() -> None:
    subject = policy(0.0)
    assert subject.failed(StreamFault.BUSY, 0.0) >= 10
    assert not subject.nudge(5.0)


@pytest.mark.parametrize("fault", [StreamFault.UNREACHABLE, StreamFault.CODEC])
def test_a_new_viewer_may_cause_a_try_out_of_turn_but_not_many(fault: StreamFault) -> None:
    subject = policy()
    for _ in range(6):
        subject.failed(fault, 100.0)
    assert not subject.nudge(101.0)
    assert subject.nudge(104.0)
    assert subject.wait_s(104.0) == 0


def test_before_any_failure_and_after_a_success_nothing_waits() -> None:
    subject = policy()
    assert subject.nudge(0.0)
    subject.failed(StreamFault.UNREACHABLE, 0.0)
    subject.succeeded()
    assert subject.wait_s(0.0) == 0
    assert subject.fault is None


def test_new_credentials_forget_the_old_ones_failures() -> None:
    subject = policy()
    subject.failed(StreamFault.BAD_CREDENTIALS, 0.0)
    assert subject.fresh().nudge(1.0)
