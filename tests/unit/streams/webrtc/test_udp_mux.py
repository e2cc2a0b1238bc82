from __future__ import annotations

from collections.abc import Iterator

import pytest
from aioice import stun

from streams.rtp.burst import Address
from streams.webrtc.mux import Endpoint, IceCredentials, UdpMux
from tests.unit.streams.webrtc.phone_kit import FakeConnection

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket

HOME, STREET = ("192.0.2.1", 4000), ("198.51.100.1", 4001)
KEY = IceCredentials("ours", "password" * 4)


class FakeSender:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def send(self, data: bytes, address: tuple[str, int]) -> int:
        self.sent.append((data, address))
        return 1


class FakeEndpoint(Endpoint):
    def __init__(self) -> None:
        self.checks: list[tuple[Address, bool]] = []
        self.got: list[bytes] = []

    def on_check(self, address: Address, *, nominated: bool, priority: int, now_s: float) -> None:
        self.checks.append((address, nominated))

    def on_dtls(self, record: bytes) -> None:
        self.got.append(record)

    def on_rtcp(self, packet: bytes, now_s: float) -> None:
        self.got.append(packet)


@pytest.fixture
def mux() -> Iterator[UdpMux]:
    mux = UdpMux()
    mux.sender = FakeSender()  # type: ignore[assignment]
    yield mux
    mux.close()


def check(credentials: IceCredentials = KEY, *, nominate: bool = False, user: str = "theirs") -> stun.Message:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{credentials.ufrag}:{user}"
    message.attributes["PRIORITY"] = 1
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(credentials.password.encode())
    return message


def sent(mux: UdpMux) -> list[tuple[bytes, tuple[str, int]]]:
    assert isinstance(mux.sender, FakeSender)
    return mux.sender.sent


def test_a_signed_check_is_answered_and_signed(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    request = check(nominate=True)
    mux.receive(bytes(request), HOME)
    ((data, address),) = sent(mux)
    response = stun.parse_message(data)
    assert address == HOME
    assert response.message_class is stun.Class.RESPONSE
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert response.check_message_integrity(KEY.password.encode())
    assert endpoint.checks == [(HOME, True)]


def test_media_is_found_by_address_only_after_a_check(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    mux.receive(b"\x16early", HOME)
    mux.receive(bytes(check()), HOME)
    mux.receive(b"\x16dtls", HOME)
    mux.receive(b"\x81rtcp", HOME)
    mux.receive(b"\x16other", STREET)
    assert endpoint.got == [b"\x16dtls", b"\x81rtcp"]
    assert mux.counters.strangers == 2


def test_a_phone_that_roams_is_followed(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    mux.receive(bytes(check()), HOME)
    mux.receive(bytes(check(nominate=True)), STREET)
    mux.receive(b"\x16dtls", STREET)
    assert endpoint.checks == [(HOME, False), (STREET, True)]
    assert endpoint.got == [b"\x16dtls"]


def test_forged_and_foreign_checks_get_no_answer(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    mux.receive(bytes(check(IceCredentials("ours", "wrong"))), HOME)
    mux.receive(bytes(check(IceCredentials("nobody", "wrong"))), HOME)
    unsigned = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    unsigned.attributes["USERNAME"] = "ours:theirs"
    mux.receive(bytes(unsigned), HOME)
    assert sent(mux) == []
    assert endpoint.checks == []
    assert (mux.counters.forged, mux.counters.strangers) == (2, 1)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 19, 20, 40])
def test_truncated_checks_are_counted(mux: UdpMux, length: int) -> None:
    mux.register(KEY, FakeEndpoint())
    mux.receive(bytes(check())[:length], HOME)
    assert sent(mux) == []
    assert mux.counters.malformed + mux.counters.strangers == 1


def test_addresses_of_one_viewer_are_bounded(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    for port in range(5000, 5020):
        mux.receive(bytes(check()), ("192.0.2.1", port))
    mux.receive(b"\x16old", ("192.0.2.1", 5000))
    mux.receive(b"\x16new", ("192.0.2.1", 5019))
    assert endpoint.got == [b"\x16new"]


def test_a_flood_of_one_viewers_checks_is_cut_off_before_it_costs_a_signature(
    mux: UdpMux, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [50.0]
    monkeypatch.setattr("streams.webrtc.mux.time.monotonic", lambda: now_s[0])
    mux.register(KEY, FakeEndpoint())
    other = IceCredentials("other", "password" * 4)
    mux.register(other, FakeEndpoint())
    mux.receive(bytes(check()), HOME)
    for _ in range(500):
        mux.receive(bytes(check()), STREET)
    assert (mux.counters.checks, mux.counters.excess) == (1 + 1 + 50, 449)
    for port in range(200):
        mux.receive(bytes(check(IceCredentials("ours", "wrong"))), ("203.0.113.1", 1024 + port))
    assert (mux.counters.forged, mux.counters.excess) == (48, 449 + 152)
    mux.receive(bytes(check()), HOME)  # where the viewer was before the flood it is still served
    mux.receive(bytes(check(other)), STREET)
    assert mux.counters.checks == 52 + 2
    now_s[0] += 0.5
    for _ in range(100):
        mux.receive(bytes(check()), STREET)
    assert mux.counters.checks == 54 + 25
    for credentials, endpoint in tuple(mux._by_ufrag.values()):
        mux.unregister(endpoint, [credentials])
    assert (mux._allowances, mux._addresses) == ({}, {})


def test_who_is_gone_is_forgotten(mux: UdpMux) -> None:
    endpoint = FakeEndpoint()
    mux.register(KEY, endpoint)
    mux.receive(bytes(check()), HOME)
    mux.unregister(endpoint, [KEY])
    mux.unregister(endpoint, [KEY])
    mux.receive(bytes(check()), HOME)
    mux.receive(b"\x16dtls", HOME)
    assert len(sent(mux)) == 1
    assert endpoint.got == []


def test_a_connection_is_an_address_that_is_proved_and_closed_with_its_viewer(mux: UdpMux) -> None:
    endpoint, connection = FakeEndpoint(), FakeConnection()
    mux.register(KEY, endpoint)
    mux.receive(b"\x16early", connection)
    assert not connection.is_proved
    mux.receive(bytes(check()), connection)
    mux.receive(b"\x16dtls", connection)
    assert (connection.is_proved, endpoint.checks, endpoint.got) == (True, [(connection, False)], [b"\x16dtls"])
    ((data, address),) = sent(mux)
    assert address is connection
    assert stun.parse_message(data).attributes["XOR-MAPPED-ADDRESS"] == HOME
    mux.unregister(endpoint, [KEY])
    assert connection.closed == 1


def test_a_connection_that_ended_is_forgotten_and_its_viewer_is_not(mux: UdpMux) -> None:
    endpoint, connection = FakeEndpoint(), FakeConnection()
    mux.register(KEY, endpoint)
    mux.receive(bytes(check()), connection)
    mux.receive(bytes(check()), HOME)
    mux.lose(connection)
    mux.lose(connection)
    mux.receive(b"\x16late", connection)
    mux.receive(b"\x16dtls", HOME)
    assert endpoint.got == [b"\x16dtls"]
    mux.unregister(endpoint, [KEY])
    assert connection.closed == 0


def test_connections_of_one_viewer_are_bounded(mux: UdpMux) -> None:
    endpoint, connections = FakeEndpoint(), [FakeConnection() for _ in range(9)]
    mux.register(KEY, endpoint)
    for connection in connections:
        mux.receive(bytes(check()), connection)
    assert [item.closed for item in connections] == [1, *[0] * 8]


def test_a_connection_that_another_viewer_has_taken_over_stays_open(mux: UdpMux) -> None:
    other = IceCredentials("other", KEY.password)
    first, second, connection = FakeEndpoint(), FakeEndpoint(), FakeConnection()
    mux.register(KEY, first)
    mux.register(other, second)
    mux.receive(bytes(check()), connection)
    mux.receive(bytes(check(other)), connection)
    mux.unregister(first, [KEY])
    assert connection.closed == 0
    mux.receive(b"\x16dtls", connection)
    assert second.got == [b"\x16dtls"]


def test_an_ipv4_viewer_of_a_socket_for_both_is_told_its_ipv4_address(mux: UdpMux) -> None:
    mux.register(KEY, FakeEndpoint())
    mux.receive(bytes(check()), ("::ffff:192.0.2.1", 4000, 0, 0))
    mux.receive(bytes(check()), ("2001:db8::9", 4000, 0, 0))
    told = [stun.parse_message(data).attributes["XOR-MAPPED-ADDRESS"] for data, _ in sent(mux)]
    assert told == [HOME, ("2001:db8::9", 4000)]
