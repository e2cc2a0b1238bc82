from __future__ import annotations

import ipaddress
from collections import Counter

import pytest

from streams.errors import StreamError, StreamFault
from streams.launch import _environment
from streams.pool import (
    MediaPool,
    PortInUseError,
    SessionNotFoundError,
    StaleEtagError,
    StreamSource,
    local_addresses,
    place,
)
from streams.process import _translate
from streams.wire import WireError

KEYS = [f"cam-{number}/main" for number in range(1000)]


def test_a_stream_always_has_the_same_worker() -> None:
    assert [place(key, 4) for key in KEYS] == [place(key, 4) for key in KEYS]
    assert {place(key, 1) for key in KEYS} == {0}


def test_streams_are_spread_evenly() -> None:
    counts = Counter(place(key, 4) for key in KEYS)
    assert all(180 < counts[worker] < 320 for worker in range(4))


def test_few_streams_move_when_a_worker_is_added() -> None:
    moved = [key for key in KEYS if place(key, 4) != place(key, 5)]
    assert len(moved) < 300
    assert {place(key, 5) for key in moved} == {4}


def test_errors_cross_the_wire_as_what_they_are() -> None:
    error = _translate(WireError("codec", "the camera sends H265", {"codec": "H265"}))
    assert isinstance(error, StreamError)
    assert (error.fault, error.codec) == (StreamFault.CODEC, "H265")
    assert isinstance(_translate(WireError("stale-etag", "")), StaleEtagError)
    assert isinstance(_translate(WireError("no-session", "")), SessionNotFoundError)
    internal = _translate(WireError("internal", "open_session failed"))
    assert isinstance(internal, StreamError)
    assert internal.fault is StreamFault.OVERLOADED


def test_all_addresses_of_this_machine_are_advertised_loopback_last() -> None:
    addresses = local_addresses()
    assert addresses[-1] == "127.0.0.1"
    assert len(set(addresses)) == len(addresses)
    assert not any(ipaddress.ip_address(address).is_loopback for address in addresses[:-1])


def test_a_name_cannot_be_advertised() -> None:
    with pytest.raises(ValueError, match="not-an-ip"):
        MediaPool(1, "127.0.0.1", 0, ["not-an-ip"])


def test_no_secret_reaches_a_workers_environment_or_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMCTL_MASTER_KEY", "rahasia")
    assert "rahasia" not in str(_environment())
    assert "rahasia" not in repr(StreamSource("k", "rtsp://x/", "192.0.2.1", "u", "rahasia"))


def test_the_port_in_use_is_named() -> None:
    error = PortInUseError("0.0.0.0", 8555, "Address already in use")
    assert error.port == 8555
    assert "8555" in str(error)
