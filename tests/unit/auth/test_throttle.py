from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.throttle import Limit, Throttle, ThrottleRules, network_of

HOME, ATTACKER = "203.0.113.9", "198.51.100.1"


def guess_as_fast_as_allowed(throttle: Throttle, account: str, address: str, start_s: float, until_s: float) -> int:
    """How many guesses a patient program gets through between two times."""
    now_s, guesses = start_s, 0
    while now_s < until_s:
        wait_s = throttle.wait_s(account, address, now_s)
        if wait_s:
            now_s += wait_s
            continue
        throttle.failed(account, address, now_s)
        guesses += 1
    return guesses


def test_the_first_mistakes_are_free_and_then_the_delay_doubles() -> None:
    throttle, now_s, waits = Throttle(), 0.0, []
    for _ in range(16):
        throttle.failed("sari", HOME, now_s)
        waits.append(throttle.wait_s("sari", HOME, now_s))
        now_s += waits[-1]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_patient_attacker_gets_a_few_hundred_guesses_a_day() -> None:
    day_s = 24 * 3600.0
    assert guess_as_fast_as_allowed(Throttle(), "sari", ATTACKER, 0.0, day_s) < 320


def test_many_addresses_on_one_account_gain_nothing() -> None:
    throttle = Throttle()
    guesses = sum(
        guess_as_fast_as_allowed(throttle, "sari", f"198.51.{n}.1", 60.0 * n, 60.0 * n + 60) for n in range(240)
    )
    assert guesses < 80  # in four hours


def test_one_address_spraying_many_accounts_is_slowed() -> None:
    throttle, now_s = Throttle(), 0.0
    for number in range(100):
        now_s += throttle.wait_s(f"person{number}", ATTACKER, now_s)
        throttle.failed(f"person{number}", ATTACKER, now_s)
    assert now_s > 3600 * 12
    assert throttle.wait_s("sari", HOME, now_s) == 0.0


def test_guesses_from_elsewhere_never_close_the_owner_s_own_door() -> None:
    throttle = Throttle()
    throttle.succeeded("sari", HOME, 0.0)
    guess_as_fast_as_allowed(throttle, "sari", ATTACKER, 0.0, 3600.0)
    assert throttle.wait_s("sari", "192.0.2.1", 3600.0) > 0.0
    assert throttle.wait_s("sari", HOME, 3600.0) == 0.0


def test_an_attacker_s_own_account_does_not_clear_the_address() -> None:
    throttle = Throttle()
    for number in range(40):
        throttle.failed(f"person{number}", ATTACKER, 0.0)
        throttle.succeeded("mallory", ATTACKER, 0.0)
    assert throttle.wait_s("sari", ATTACKER, 0.0) > 60.0


def test_behind_the_owner_s_address_guesses_are_slowed_and_the_owner_waits_half_a_minute_at_most() -> None:
    throttle = Throttle()
    throttle.succeeded("sari", HOME, 0.0)
    guesses = guess_as_fast_as_allowed(throttle, "sari", HOME, 0.0, 24 * 3600.0)
    assert guesses < 3000
    assert throttle.wait_s("sari", HOME, 24 * 3600.0) <= 30.0


def test_what_was_refused_does_not_prolong_the_wait() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.failed("sari", HOME, 0.0)
    waits = [throttle.wait_s("sari", HOME, second / 10) for second in range(81)]
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == 0.0


def test_mistakes_are_forgotten_after_an_hour() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.failed("sari", HOME, 0.0)
    throttle.failed("sari", HOME, 3601.0)
    assert throttle.wait_s("sari", HOME, 3601.0) == 0.0


def test_an_address_is_known_for_thirty_days() -> None:
    throttle, day_s = Throttle(), 24 * 3600.0
    throttle.succeeded("sari", HOME, 0.0)
    for n in range(50):
        throttle.failed("sari", f"198.51.100.{n}", 29 * day_s)
    assert throttle.wait_s("sari", HOME, 29 * day_s) == 0.0
    for n in range(50):
        throttle.failed("sari", f"198.51.100.{n}", 31 * day_s)
    assert throttle.wait_s("sari", HOME, 31 * day_s) > 0.0


def test_memory_is_bounded_and_forgets_the_quietest() -> None:
    throttle = Throttle(ThrottleRules(max_keys=100))
    for _ in range(10):
        throttle.failed("old", "192.0.2.1", 0.0)
    for number in range(1000):
        throttle.succeeded(f"person{number}", f"10.0.{number // 250}.{number % 250}", 0.0)
        throttle.failed(f"person{number}", f"10.1.{number // 250}.{number % 250}", 0.0)
        throttle.failed("busy", f"10.2.{number // 250}.{number % 250}", 0.0)
    assert len(throttle) <= 400
    assert throttle.wait_s("busy", "192.0.2.9", 0.0) == 300.0
    assert throttle.wait_s("old", "192.0.2.9", 0.0) == 0.0


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8:1:2:3::6", "2001:db8:1:2::/64"),
     ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("testclient", "testclient"), ("", ""),
     ("x" * 500, "x" * 64)],
)  # fmt: skip
def test_the_key_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.integers(0, 50), st.floats(0.1, 100), st.floats(0.1, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_failures_never_wait_less_and_never_past_the_cap(
    free: int, first_s: float, cap_s: float, few: int, more: int
) -> None:
    limit = Limit(free=free, first_s=first_s, cap_s=cap_s)
    few, more = sorted((few, more))
    assert limit.delay_s(few) <= limit.delay_s(more) <= cap_s
    assert (limit.delay_s(few) == 0.0) == (few < free)


@given(st.text(max_size=100))
def test_any_text_may_be_an_address(address: str) -> None:
    assert len(network_of(address)) <= 64
