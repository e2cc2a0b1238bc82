"""The egress guard: which addresses pass, to which of them a connection goes, and what a refusal says."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network

import pytest

from camctl.app import control_setup, own_machine
from camctl.config import Config
from camctl.egress import EgressPolicy, EgressRefusedError, OwnMachine, PinnedTarget, resolve_pinned

_HTTP = frozenset({"http", "https"})
_ANY = frozenset({"http", "https", "rtsp", "rtsps"})


def check(url: str, *addresses: str, approved: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> PinnedTarget:
    policy = EgressPolicy(tuple(map(ip_network, approved)), tuple(map(ip_address, own)))
    return policy.check(url, schemes=_ANY, resolve=lambda _: list(addresses))


def refusal(url: str, *addresses: str, approved: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> str:
    with pytest.raises(EgressRefusedError) as caught:
        check(url, *addresses, approved=approved, own=own)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://8.8.8.8/onvif/device_service", 80),
        ("https://8.8.8.8/", 443),
        ("rtsp://8.8.8.8/main", 554),
        ("rtsps://8.8.8.8/main", 322),
        ("http://8.8.8.8:8081/", 8081),
    ],
)
def test_a_public_address_passes_with_the_schemes_port(url: str, port: int) -> None:
    assert check(url) == PinnedTarget(url, "8.8.8.8", "8.8.8.8", port)


def test_a_name_is_pinned_to_its_first_address() -> None:
    target = check("http://cam.example.org/", "8.8.4.4", "8.8.8.8")
    assert (target.host, target.address) == ("cam.example.org", "8.8.4.4")


def test_a_mapped_address_is_pinned_as_what_it_is() -> None:
    assert check("http://cam.example.org/", "::ffff:8.8.8.8").address == "8.8.8.8"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", ("loopback", "127.0.0.0/8", "cameras.approved_networks")),
        ("10.1.2.3", ("private", "10.1.0.0/16", "cameras.approved_networks")),
        ("172.16.0.1", ("private",)),
        ("192.168.1.108", ("private", "192.168.0.0/16")),
        ("100.64.0.1", ("private",)),
        ("169.254.169.254", ("link-local",)),
        ("0.0.0.0", ("unspecified",)),
        ("224.0.0.1", ("multicast",)),
        ("255.255.255.255", ("private",)),
        ("::1", ("loopback", "::1/128")),
        ("::", ("unspecified",)),
        ("fe80::1", ("link-local",)),
        ("fd00::1", ("private", "fd00::/64")),
        ("ff02::1", ("multicast",)),
        ("::ffff:127.0.0.1", ("loopback",)),
        ("::ffff:10.0.0.1", ("private",)),
        ("64:ff9b::a00:1", ("private",)),
        ("2002:a00:1::", ("private",)),
        ("::10.0.0.1", ("an IPv4-compatible address",)),
        ("::8.8.8.8", ("an IPv4-compatible address",)),
    ],
)
def test_what_is_not_public_is_refused_with_the_rule_and_the_remedy(address: str, words: tuple[str, ...]) -> None:
    said = refusal("http://cam.example.org/", address)
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("address", "approved"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("10.1.2.3", "10.1.0.0/16"),
        ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ("fd00::1", "fd00::/64"),
        ("::1", "::1/128"),
    ],
)
def test_inside_an_approved_network_it_passes(address: str, approved: str) -> None:
    assert check("http://cam.example.org/", address, approved=(approved,)).port == 80


@pytest.mark.parametrize("address", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "fe80::1", "::8.8.8.8"])
def test_no_approval_opens_what_no_camera_has(address: str) -> None:
    assert refusal("http://cam.example.org/", address, approved=("0.0.0.0/0", "::/0"))


def test_every_address_of_a_name_must_pass() -> None:
    assert "10.9.9.9" in refusal("http://cam.example.org/", "8.8.8.8", "10.9.9.9")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "64:ff9b::a01:203"]
)
def test_ports_of_our_own_are_refused_whatever_is_approved(address: str) -> None:
    networks = tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "64:ff9b::/96")))
    policy = EgressPolicy(networks, (ip_address("10.1.2.3"),), frozenset({8080, 8200}))

    def judge(port: int) -> PinnedTarget:
        return policy.check(f"http://cam.example.org:{port}/", schemes=_ANY, resolve=lambda _: [address])

    with pytest.raises(EgressRefusedError, match=r"port 8080 of .* is this service's own"):
        judge(8080)
    assert judge(8081).port == 8081


def test_ports_of_our_own_are_free_on_other_machines() -> None:
    policy = EgressPolicy((ip_network("10.0.0.0/8"),), (ip_address("10.1.2.3"),), frozenset({8080}))
    assert policy.check("http://10.1.2.4:8080/", schemes=_ANY, resolve=lambda _: []).address == "10.1.2.4"


def test_a_policy_goes_over_the_wire() -> None:
    own = OwnMachine(("10.1.2.3", "fe80::1"), (8080,))
    policy = EgressPolicy.of(["10.0.0.0/8"], own)
    assert policy == EgressPolicy(
        (ip_network("10.0.0.0/8"),), (ip_address("10.1.2.3"), ip_address("fe80::1")), frozenset({8080})
    )


def test_this_machine_is_known_to_the_guard_of_a_service() -> None:
    config = Config.model_validate({"server": {"port": 8080}, "media": {"workers": 2, "udp_port": 8200}})
    own = own_machine(config)
    assert own.ports == (8080, 8200, 8201)
    assert "127.0.0.1" in own.addresses
    assert control_setup(config).own == own
    EgressPolicy.of([], own)


async def test_a_name_is_looked_up_once_and_the_answer_is_kept() -> None:
    """DNS rebinding: good when it is judged, loopback a moment later."""
    answers = [["8.8.4.4"], ["127.0.0.1"]]
    target = await resolve_pinned(
        EgressPolicy(), "rtsp://cam.example.org/main", schemes=_ANY, resolve=lambda _: answers.pop(0)
    )
    assert (target.address, len(answers)) == ("8.8.4.4", 1)
    with pytest.raises(EgressRefusedError, match="loopback"):
        await resolve_pinned(
            EgressPolicy(), "rtsp://cam.example.org/main", schemes=_ANY, resolve=lambda _: answers.pop(0)
        )


def test_the_services_own_addresses_are_refused() -> None:
    assert "own" in refusal("http://cam.example.org/", "8.8.8.8", own=("8.8.8.8",))


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://8.8.8.8/", "begin with"),
        ("file:///etc/passwd", "begin with"),
        ("8.8.8.8", "begin with"),
        ("http:///x", "host"),
        ("http://8.8.8.8:0/", "port"),
        ("http://8.8.8.8:65536/", "port"),
        ("http://8.8.8.8:80:80/", "port"),
        ("http://8.8.8.8\\@10.0.0.1/", "backslash"),
        ("http://8.8.8.8/\r\nHost: x", "control"),
        ("http://2130706433/", "usual form"),
        ("http://0x7f.1/", "usual form"),
        ("http://127.1/", "usual form"),
        ("http://[::1/", "URL"),
        (f"http://8.8.8.8/{'x' * 3000}", "longer"),
    ],
)
def test_odd_urls_are_refused(url: str, word: str) -> None:
    assert word in refusal(url)


@pytest.mark.parametrize("url", ["http://admin:rahasia@8.8.8.8/", "http://admin:rahasia@8.8.8.8:99999/"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    said = refusal(url)
    assert "rahasia" not in said
    assert "user name or password" in said


def test_a_name_without_an_address_says_so() -> None:
    assert "no address" in refusal("http://cam.example.org/")


async def test_a_literal_address_needs_no_name_server() -> None:
    def never(_: str) -> list[str]:
        raise AssertionError("it was looked up")

    target = await resolve_pinned(EgressPolicy(), "http://8.8.8.8/", schemes=_HTTP, resolve=never)
    assert target.address == "8.8.8.8"


async def test_an_unknown_name_is_a_refusal() -> None:
    def unknown(_: str) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(EgressRefusedError, match=r"cam\.example\.org"):
        await resolve_pinned(EgressPolicy(), "http://cam.example.org/", schemes=_HTTP, resolve=unknown)


async def test_a_slow_name_server_holds_nobody_up() -> None:
    def slow(_: str) -> list[str]:
        time.sleep(0.3)
        return ["8.8.8.8"]

    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    task = asyncio.create_task(beat())
    with pytest.raises(EgressRefusedError, match="not resolved within"):
        await resolve_pinned(EgressPolicy(), "http://cam.example.org/", schemes=_HTTP, resolve=slow, timeout_s=0.1)
    task.cancel()
    assert beats >= 5


async def test_a_name_is_looked_up_in_the_threads_that_are_given_and_a_literal_address_in_none() -> None:
    seen: list[str] = []

    def resolve(_host: str) -> list[str]:
        seen.append(threading.current_thread().name)
        return ["8.8.8.8"]

    with ThreadPoolExecutor(1, "names") as pool:
        options = {"schemes": _HTTP, "resolve": resolve, "pool": pool}
        await resolve_pinned(EgressPolicy(), "http://cam.example.org/", **options)
        await resolve_pinned(EgressPolicy(), "http://8.8.4.4/", **options)
    assert seen == ["names_0"]
