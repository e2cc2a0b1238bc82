from __future__ import annotations

import pytest

from streams.datagrams import Allowance, fits


@pytest.mark.parametrize(
    ("text", "is_fit"),
    [
        ("", True),
        ("x" * 4096, True),
        ("x" * 4097, False),
        ("é" * 2048, True),
        ("é" * 2049, False),
        ("\ud800", False),  # half a surrogate pair: JSON can carry it, UTF-8 cannot
    ],
)
def test_what_fits(text: str, is_fit: bool) -> None:
    assert fits(text) is is_fit


def test_an_allowance_gives_a_burst_and_then_its_rate() -> None:
    allowance = Allowance(10)
    assert [allowance.take(100.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert not allowance.take(100.05)
    assert allowance.take(100.11)
    assert not allowance.take(100.12)
    assert allowance.take(200.0, 10)
    assert not allowance.take(200.0)
    assert not allowance.take(199.0), "a clock that steps back gives nothing"
