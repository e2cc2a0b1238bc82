from __future__ import annotations

import pytest

from streams.rtp.burst import Address
from streams.webrtc.paths import MIGRATE_S, SETTLE_S, ChosenPath
from tests.unit.streams.webrtc.phone_kit import FakeConnection

WIFI, MOBILE = ("192.0.2.1", 4000), ("198.51.100.1", 4001)
HIGH, LOW = 1_845_501_695, 1_342_185_215


def check(path: ChosenPath, address: Address, now_s: float, *, nominated: bool = True, priority: int = HIGH) -> bool:
    return path.heard(address, nominated=nominated, priority=priority, now_s=now_s)


def test_the_first_check_is_followed_and_the_same_address_is_no_move() -> None:
    path = ChosenPath()
    assert check(path, WIFI, 0.0, nominated=False)
    assert not check(path, WIFI, 1.0)
    assert path.address == WIFI


def test_a_nominated_address_is_followed_at_once_from_one_that_is_not() -> None:
    path = ChosenPath()
    check(path, WIFI, 0.0, nominated=False)
    assert check(path, MOBILE, 0.1, priority=LOW)
    assert path.address == MOBILE


def test_a_viewer_that_nominates_everything_stays_on_the_best() -> None:
    path = ChosenPath()
    check(path, WIFI, 0.0, priority=LOW)
    assert check(path, MOBILE, 0.1, priority=HIGH)
    assert not check(path, WIFI, 0.2, priority=LOW)
    check(path, MOBILE, 5.0, priority=HIGH)
    assert not check(path, WIFI, 5.0 + SETTLE_S, priority=LOW)
    assert check(path, WIFI, 5.1 + SETTLE_S, priority=LOW)


def test_a_viewer_that_takes_its_nomination_back_is_followed_to_a_lesser_path() -> None:
    path = ChosenPath()
    check(path, WIFI, 0.0)
    check(path, WIFI, 0.1, nominated=False)
    assert check(path, MOBILE, 0.2, priority=LOW)


@pytest.mark.parametrize(("silent_s", "moves"), [(MIGRATE_S, False), (MIGRATE_S + 0.1, True)])
def test_an_address_without_nomination_waits_until_the_old_one_is_silent(silent_s: float, *, moves: bool) -> None:
    path = ChosenPath()
    check(path, WIFI, 7.0)
    assert check(path, MOBILE, 7.0 + silent_s, nominated=False) is moves


def test_a_connection_that_has_ended_is_left_at_once() -> None:
    path, connection = ChosenPath(), FakeConnection()
    check(path, connection, 0.0)
    assert not check(path, WIFI, 0.1, nominated=False)
    connection.is_closed = True
    assert check(path, WIFI, 0.2, nominated=False)
