from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.onvif import values
from simulators.onvif.soap import SoapFaultError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1S", 1.0),
        ("PT0.5S", 0.5),
        ("PT0S", 0.0),
        (" PT60S ", 60.0),
        ("PT1M", 60.0),
        ("PT1H1M1.25S", 3661.25),
        ("P1D", 86400.0),
        ("P1DT2H", 93600.0),
        ("P1Y2M", 365 * 86400.0 + 60 * 86400.0),
        ("-PT5S", -5.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "PT",
        "P",
        "P1",
        "PT1",
        "1S",
        "PTS",
        "PT1S1S",
        "PT-1S",
        "pt1s",
        "PT1.S",
        "PT1,5S",
        "P1S",
        "P1DT",
        "PTNaNS",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(SoapFaultError):
        values.parse_duration(text)


@given(st.integers(0, 10**9))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert values.parse_duration(values.format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


@given(st.integers(0, 4_000_000_000_000))
def test_a_written_time_is_read_back(milliseconds: int) -> None:
    text = values.format_time(milliseconds / 1000)
    assert values.parse_time(text) == pytest.approx(milliseconds / 1000, abs=0.0011)


def test_a_time_without_zone_is_utc_and_others_are_converted() -> None:
    assert values.parse_time("1970-01-01T00:01:00") == 60.0
    assert values.parse_time("1970-01-01T07:01:00+07:00") == 60.0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SoapFaultError):
        values.parse_time(text)


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("1.", 1.0), ("1E-05", 1e-5), ("+1", 1.0)]
)
def test_numbers(text: str, number: float) -> None:
    assert values.parse_float(text) == number


@pytest.mark.parametrize("text", ["", "NaN", "nan", "INF", "-INF", "1e999", "0x1", "1_0", "1,5", "one", "٣"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(SoapFaultError):
        values.parse_float(text)


def test_booleans() -> None:
    assert [values.parse_bool(text) for text in ("true", "1", " false ", "0")] == [True, True, False, False]
    for text in ("", "True", "yes", "2"):
        with pytest.raises(SoapFaultError):
            values.parse_bool(text)
