"""Whose request it is behind a proxy: nobody's word counts but a trusted proxy's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from camctl.api.forwarded import Forwarded, client_address, parse_address
from camctl.config_types import network
from tests.unit.camctl.api.api_kit import House

TRUSTED = tuple(map(network, ("127.0.0.1/32", "10.1.0.0/16", "fd00::/8")))


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),  # the left one is what the client claims
        ("127.0.0.1", ["192.0.2.1", "203.0.113.9"], "203.0.113.9"),  # in lines of their own too
        ("127.0.0.1", ["203.0.113.9, 10.1.2.3"], "203.0.113.9"),  # two proxies, both ours
        ("127.0.0.1", ["192.0.2.1, 203.0.113.9, 10.1.2.3, 10.1.9.9"], "203.0.113.9"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),  # the proxy's own question
        ("127.0.0.1", ["203.0.113.9, nonsense"], "127.0.0.1"),  # not passed over: nobody knows who wrote what is behind
        ("127.0.0.1", ["203.0.113.9, "], "127.0.0.1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),  # a socket on "::" has IPv4 so
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("203.0.113.9", ["192.0.2.1"], "203.0.113.9"),  # a stranger's claim
        ("203.0.113.9", ["127.0.0.1"], "203.0.113.9"),
        ("10.2.0.1", ["192.0.2.1"], "10.2.0.1"),  # next door to the trusted network
        ("a unix socket", ["192.0.2.1"], "a unix socket"),
    ],
)
def test_the_right_most_stranger_counts(peer: str, lines: list[str], client: str) -> None:
    assert client_address(peer, lines, TRUSTED) == client


@given(st.lists(st.text(max_size=40), max_size=5), st.ip_addresses().map(str))
def test_whatever_a_stranger_writes_the_client_is_the_stranger(claims: list[str], stranger: str) -> None:
    address = parse_address(stranger)
    if address is None or any(address in each for each in TRUSTED):
        return
    assert client_address(stranger, claims, TRUSTED) == str(address)
    assert client_address("127.0.0.1", [*claims, stranger], TRUSTED) == str(address)


def test_a_header_without_end_is_not_read_to_its_end() -> None:
    assert client_address("127.0.0.1", [",".join(["10.1.0.1"] * 100_000)], TRUSTED) == "10.1.0.1"


async def scope_behind(
    peer: str | None, *headers: tuple[str, str], kind: str = "http", scheme: str = "http"
) -> dict[str, Any]:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "scheme": scheme, "client": (peer, 4711) if peer else None, "headers": raw}
    await Forwarded(app, TRUSTED)(scope, receive, send)
    return dict(seen[0])


@pytest.mark.parametrize(
    ("said", "kind", "scheme"),
    [
        ("https", "http", "https"), ("HTTPS", "http", "https"), ("https", "websocket", "wss"),
        ("http", "websocket", "ws"),
        ("http, https", "http", "https"), ("https, http", "http", "http"), ("gopher", "http", "http"),
        ("", "http", "http"), ("https://evil", "http", "http"),
    ],
)  # fmt: skip
async def test_the_scheme_of_a_trusted_proxy(said: str, kind: str, scheme: str) -> None:
    plain = "ws" if kind == "websocket" else "http"
    found = await scope_behind("127.0.0.1", ("X-Forwarded-Proto", said), kind=kind, scheme=plain)
    assert found["scheme"] == scheme


async def test_a_strangers_headers_change_nothing() -> None:
    claims = (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"))
    found = await scope_behind("203.0.113.9", *claims)
    assert (found["client"], found["scheme"]) == (("203.0.113.9", 4711), "http")
    assert (await scope_behind(None, *claims))["client"] is None


PROXIED = {"server": {"trusted_proxies": ["127.0.0.1/32"]}}  # httpx's transport says that it is 127.0.0.1


@pytest.mark.parametrize("options", [PROXIED, {}], ids=["trusted", "untrusted"])
async def test_the_cookie_is_secure_when_the_clients_own_connection_is(house: House, options: dict[str, Any]) -> None:
    async with house.client() as client:
        answer = await client.post(
            "/auth/login",
            json={"username": "camat", "password": "kuda lumping 7"},
            headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Origin": "https://camctl"},
        )
        assert answer.status_code == 200, answer.text
        assert ("secure" in answer.headers["set-cookie"].lower()) is bool(options)
        wrong = {"username": "camat", "password": "wrong"}
        await client.post("/auth/login", json=wrong, headers={"X-Forwarded-For": "203.0.113.9"})
    addresses = [str(entry.details.get("address")) for entry in house.recorder.entries if "address" in entry.details]
    assert addresses == ["203.0.113.9" if options else "127.0.0.1"] * 2


@pytest.mark.parametrize("options", [PROXIED])
async def test_metrics_are_not_this_machines_own_when_a_proxy_asks_for_somebody(house: House) -> None:
    async with house.client() as client:
        for claims in ({"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=x"}):
            assert (await client.get("http://camctl/metrics", headers=claims)).status_code == 401
        assert (await client.get("http://camctl/metrics")).status_code == 200


@pytest.mark.parametrize("options", [PROXIED])
async def test_a_page_that_came_unencrypted_is_not_ours_where_we_are_encrypted(house: House) -> None:
    async with house.client() as client:
        client.cookies.set("camctl_session", house.tokens["camat"])
        behind = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        weaker = await client.post("/auth/logout", headers=behind | {"Origin": "http://camctl"})
        assert weaker.status_code == 403
        own = await client.post("/auth/logout", headers=behind | {"Origin": "https://camctl"})
        assert own.status_code == 204
