"""The egress guard against anything: it never lets a forbidden address through, and never fails otherwise."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import example, given
from hypothesis import strategies as st

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget

SCHEMES = frozenset({"http", "rtsp"})
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
# Where the special addresses are, more often than chance would find them.
special = st.sampled_from(
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "100.64.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
    ]
)


def mapped(text: str) -> str:
    address = ip_address(text)
    return f"::ffff:{address}" if isinstance(address, IPv4Address) else text


def compatible(text: str) -> str:
    address = ip_address(text)
    return f"::{address}" if isinstance(address, IPv4Address) else text


some_address = st.one_of(
    addresses, special, special.map(mapped), addresses.map(mapped), special.map(compatible), addresses.map(compatible)
)


def as_connected(text: str) -> IPv4Address | IPv6Address:
    """The address to which the kernel connects; an IPv4-mapped one may be written in two ways."""
    address = ip_address(text)
    return address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address


def check(policy: EgressPolicy, url: str, found: list[str]) -> PinnedTarget | None:
    try:
        return policy.check(url, schemes=SCHEMES, resolve=lambda _: found)
    except EgressRefusedError:
        return None


@given(st.text(max_size=80) | st.text(max_size=40).map("http://{}".format))
@example("http://[::1")
@example("http://[v1.x]/")
@example("http://a:٣/")
@example("http://①②⑦.0.0.1/")
@example("http://127。0。0。1/")
def test_any_text_is_judged_or_refused(url: str) -> None:
    target = check(EgressPolicy(), url, ["127.0.0.1"])
    assert target is None or ip_address(target.address).is_global


@given(st.lists(some_address, min_size=1, max_size=4))
@example(["::ffff:100:0"])  # 1.0.0.0, mapped, as some systems write it
@example(["::100:0"])  # 1.0.0.0 in the deprecated IPv4-compatible form
def test_what_passes_without_approval_is_public(found: list[str]) -> None:
    target = check(EgressPolicy(), "http://cam.example/", found)
    if target is None:
        return
    for text in found:
        address = as_connected(text)
        assert address.is_global
        assert not address.is_multicast
        assert address not in ip_network("::/96")
    assert ip_address(target.address) in {as_connected(text) for text in found}


@given(some_address, st.integers(0, 32))
def test_an_approved_network_opens_nothing_outside_itself(text: str, width: int) -> None:
    network = ip_network(f"10.0.0.0/{width}", strict=False)
    plain = as_connected(text)
    if check(EgressPolicy((network,)), "http://cam.example/", [text]) is not None:
        assert plain.is_global or plain in network


@given(some_address)
def test_a_literal_is_judged_as_a_name_with_that_address_is(text: str) -> None:
    host = f"[{text}]" if ":" in text else text
    literal = check(EgressPolicy(), f"http://{host}/", [])
    named = check(EgressPolicy(), "http://cam.example/", [text])
    assert (literal is None) == (named is None)
    if literal is not None and named is not None:
        assert literal.address == named.address


@given(st.integers(-5, 70_000))
def test_ports(port: int) -> None:
    target = check(EgressPolicy(), f"http://8.8.8.8:{port}/", [])
    assert (target is not None) == (1 <= port <= 65535)
    assert target is None or target.port == port
