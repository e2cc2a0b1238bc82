from __future__ import annotations

import errno
import socket
from ipaddress import IPv6Address
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from streams.webrtc import addresses
from streams.webrtc.addresses import BindError, bind_ports, ip_and_port, local_addresses, unfit_addresses

# From proc(5)'s format: address, interface, prefix length, scope, flags, name.
TABLE = """\
fd000000000000000000000000000002 04 40 00 80     eth0
20010db8000000000000000000000001 04 40 00 00     eth0
20010db8000000000000000000000bad 04 40 00 01     eth0
20010db8000000000000000000000dad 04 40 00 a0     eth0
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def item(family: int, address: str) -> Any:
        return SimpleNamespace(family=family, address=address)

    found = {
        "lo": [item(socket.AF_INET, "127.0.0.1"), item(socket.AF_INET6, "::1")],
        "eth0": [
            item(socket.AF_INET, "169.254.7.7"), item(socket.AF_INET, "10.20.0.5"),
            item(socket.AF_INET6, "fd00::2"), item(socket.AF_INET6, "2001:db8::1"),
            item(socket.AF_INET6, "2001:db8::bad"), item(socket.AF_INET6, "2001:db8::dad"),
            item(socket.AF_INET6, "fe80::fc:ff:fe00:1%eth0"),
        ],
    }  # fmt: skip
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    monkeypatch.setattr(addresses, "_FLAGS", SimpleNamespace(exists=lambda: True, read_text=lambda: TABLE))


@pytest.mark.usefixtures("machine")
def test_what_is_told_to_viewers_depends_on_what_the_socket_serves() -> None:
    assert local_addresses("0.0.0.0") == ["10.20.0.5", "169.254.7.7", "127.0.0.1"]
    assert local_addresses("::") == ["10.20.0.5", "169.254.7.7", "fd00::2", "2001:db8::1", "127.0.0.1"]
    assert local_addresses("fd00::2") == ["fd00::2"]
    assert local_addresses("10.20.0.5") == ["10.20.0.5"]


def test_temporary_and_deprecated_addresses_are_unfit() -> None:
    assert unfit_addresses(TABLE) == {IPv6Address("2001:db8::bad"), IPv6Address("2001:db8::dad")}
    assert unfit_addresses("") == set()


def test_an_ipv4_viewer_of_a_socket_for_both_is_an_ipv4_viewer() -> None:
    assert ip_and_port(("::ffff:192.0.2.1", 9, 0, 0)) == ("192.0.2.1", 9)
    assert ip_and_port(("2001:db8::1", 9, 0, 0)) == ("2001:db8::1", 9)
    assert ip_and_port(("192.0.2.1", 9)) == ("192.0.2.1", 9)


@pytest.mark.enable_socket
def test_both_sockets_have_the_same_free_number() -> None:
    udp, tcp = bind_ports("127.0.0.1", 0, tcp=True)
    assert tcp
    assert udp.getsockname() == tcp.getsockname()
    with pytest.raises(BindError) as caught:
        bind_ports("127.0.0.1", udp.getsockname()[1], tcp=False)
    assert (caught.value.transport, caught.value.errno) == ("UDP", errno.EADDRINUSE)
    number = udp.getsockname()[1]
    udp.close()
    tcp.listen()
    with pytest.raises(BindError) as caught:
        bind_ports("127.0.0.1", number, tcp=True)
    assert caught.value.transport == "TCP"
    tcp.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_serves_ipv4(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = addresses._open

    def without_ipv6(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if ":" in host:
            raise OSError(code, "told so")
        return plain("127.0.0.1", port, kind)

    monkeypatch.setattr(addresses, "_open", without_ipv6)
    udp, tcp = bind_ports("::", 0, tcp=False)
    assert (udp.family, tcp) == (socket.AF_INET, None)
    udp.close()
    with pytest.raises(BindError):
        bind_ports("::1", 0, tcp=False)
