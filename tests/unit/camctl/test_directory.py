"""The guard in front of the city's directory: what is refused, and what it tells an administrator to write."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest
import yaml

from auth.oidc_settings import DirectoryRefusedError
from camctl.config import Config
from camctl.directory import DirectoryGuard
from camctl.egress import OwnMachine

ISSUER = "https://login.example.go.id"
OWN = OwnMachine(("10.1.2.3", "198.51.100.4"), (8080,))


async def judged(
    monkeypatch: pytest.MonkeyPatch, *addresses: str, networks: tuple[str, ...] = (), issuer: str = ISSUER
) -> str:
    monkeypatch.setattr("camctl.egress.system_resolve", lambda _host: list(addresses))
    with closing(DirectoryGuard(issuer, networks, OWN)) as guard:
        return await guard.judge(f"{issuer}/token")


async def refusal(monkeypatch: pytest.MonkeyPatch, *addresses: str, **more: object) -> str:
    with pytest.raises(DirectoryRefusedError) as caught:
        await judged(monkeypatch, *addresses, **more)  # type: ignore[arg-type]
    return str(caught.value)


async def test_a_public_address_needs_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await judged(monkeypatch, "8.8.8.8") == "8.8.8.8"
    assert await judged(monkeypatch, "::ffff:8.8.8.8") == "8.8.8.8"
    assert await judged(monkeypatch, issuer="https://8.8.4.4") == "8.8.4.4"


@pytest.mark.parametrize(
    ("address", "word", "network"),
    [
        ("10.20.5.7", "private", "10.20.5.7/32"), ("127.0.0.1", "loopback", "127.0.0.1/32"),
        ("::1", "loopback", "::1/128"), ("fd00::7", "private", "fd00::7/128"), ("10.1.2.3", "own", "10.1.2.3/32"),
        ("198.51.100.4", "own", "198.51.100.4/32"), ("64:ff9b::a14:507", "private", "10.20.5.7/32"),
        ("100.64.0.1", "private", "100.64.0.1/32"),
    ],
)  # fmt: skip
async def test_what_may_be_approved_is_refused_with_the_line_that_does_it(
    monkeypatch: pytest.MonkeyPatch, address: str, word: str, network: str
) -> None:
    said = await refusal(monkeypatch, address)
    assert f"login.example.go.id ({address})" in said
    assert word in said
    assert "cameras" not in said
    line = said.partition("under oidc: ")[2].partition(";")[0]
    networks = yaml.safe_load(line)["approved_networks"]
    assert networks == [network]
    assert Config.model_validate({"oidc": {"approved_networks": networks}})
    assert await judged(monkeypatch, address, networks=tuple(networks))


async def test_the_line_keeps_what_was_approved_and_has_every_address_of_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = await refusal(monkeypatch, "10.20.5.7", "8.8.8.8", "10.20.6.7", networks=("10.9.0.0/16",))
    assert 'approved_networks: ["10.9.0.0/16", "10.20.5.7/32", "10.20.6.7/32"]' in said


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "::a00:1", "ff02::1"])
async def test_nothing_is_proposed_where_nothing_helps(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for found in ((address,), ("8.8.8.8", address), ("10.20.5.7", address)):
        said = await refusal(monkeypatch, *found)
        assert address in said
        assert "approved_networks" not in said
        assert await refusal(monkeypatch, *found, networks=("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "198.51.100.4"])
async def test_our_own_ports_are_never_the_directory(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    everything, issuer = ("0.0.0.0/0", "::/0"), "https://login.example.go.id"
    said = await refusal(monkeypatch, address, networks=everything, issuer=f"{issuer}:8080")
    assert "this service's own" in said
    assert await judged(monkeypatch, address, networks=everything, issuer=f"{issuer}:8081")


async def test_only_the_issuers_scheme_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camctl.egress.system_resolve", lambda _host: ["8.8.8.8"])
    with closing(DirectoryGuard(ISSUER, (), OWN)) as guard:
        for url in ("http://login.example.go.id/", "ftp://login.example.go.id/", "file:///etc/passwd"):
            with pytest.raises(DirectoryRefusedError, match="https://"):
                await guard.judge(url)


async def test_without_tls_it_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"issuer": "http://localhost:9400", "networks": ("127.0.0.0/8", "10.0.0.0/8")}
    assert await judged(monkeypatch, "127.0.0.1", **here) == "127.0.0.1"  # type: ignore[arg-type]
    for elsewhere in ("8.8.8.8", "10.20.5.7"):
        assert "use https" in await refusal(monkeypatch, elsewhere, **here)


async def test_secrets_in_an_address_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camctl.egress.system_resolve", lambda _host: ["10.20.5.7"])
    with closing(DirectoryGuard(ISSUER, (), OWN)) as guard:
        for url in ("https://u:rahasia@login.example.go.id/", "https://login.example.go.id/token?code=rahasia"):
            with pytest.raises(DirectoryRefusedError) as caught:
                await guard.judge(url)
            assert "rahasia" not in str(caught.value)


def after(release: threading.Event) -> Callable[[str], list[str]]:
    def look_up(_host: str) -> list[str]:
        release.wait(5)
        return ["8.8.8.8"]

    return look_up


async def test_a_dead_name_server_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask: the look-ups have threads of their own, and each is given up in time."""
    release = threading.Event()
    monkeypatch.setattr("camctl.egress.system_resolve", after(release))
    before = threading.active_count()
    with closing(DirectoryGuard(ISSUER, (), OWN, resolve_s=0.2)) as guard:
        started = time.monotonic()
        asking = [asyncio.create_task(guard.judge(ISSUER)) for _ in range(50)]
        await asyncio.sleep(0.01)
        assert threading.active_count() - before <= 2
        assert await asyncio.to_thread(lambda: "free") == "free"
        for task in asking:
            with pytest.raises(DirectoryRefusedError, match="not resolved within"):
                await task
        assert time.monotonic() - started < 3.0
    release.set()
