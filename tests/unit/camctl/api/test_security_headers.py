"""Every kind of answer is strict with browsers, and nothing about people is kept by them."""

from __future__ import annotations

from typing import Any

import pytest

from camctl.api.security_headers import ALWAYS, hsts_host
from tests.unit.camctl.api.api_kit import FIRST, House
from tests.unit.camctl.api.asgi_socket import open_socket

ORIGIN = "http://camctl"
NAMED = {"server": {"public_url": "https://cctv.example.go.id", "trusted_proxies": ["127.0.0.1/32"]}}
ENCRYPTED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
HSTS = "strict-transport-security"

# Method, address, and the status that says which kind of answer it is.
ANSWERS = [
    ("GET", "/", {200, 503}), ("GET", "/manifest.webmanifest", {200, 404}), ("GET", "/assets/nothing.js", {404, 500}),
    ("GET", "/healthz", {200}), ("GET", "/readyz", {200}), ("GET", "/metrics", {200}), ("GET", "/nothing", {404}),
    ("GET", "/api/v1/openapi.json", {200}), ("GET", "/api/v1/me", {200}), ("GET", "/api/v1/cameras", {200}),
    ("GET", f"/api/v1/cameras/{FIRST}/snapshot.jpg", {200}), ("GET", "/api/v1/cameras/nothing", {404}),
    ("GET", "/api/v1/nothing", {404}), ("DELETE", "/api/v1/me", {405}), ("POST", "/api/v1/auth/login", {422}),
    ("POST", f"/api/v1/cameras/{FIRST}/whep", {415, 422}), ("OPTIONS", f"/api/v1/cameras/{FIRST}/whep", {204}),
    ("GET", "/api/v1/cameras/", {404}), ("HEAD", "/healthz", {200}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "statuses"), ANSWERS, ids=[f"{method} {path}" for method, path, _ in ANSWERS]
)
async def test_every_kind_of_answer_carries_them_once(house: House, method: str, path: str, statuses: set[int]) -> None:
    async with house.client("camat") as client:
        answer = await client.request(method, ORIGIN + path)
    assert answer.status_code in statuses, answer.text
    for name, value in ALWAYS:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    assert len(answer.headers.get_list("cache-control")) == 1
    if path.startswith("/api/") or path in {"/metrics", "/readyz"}:
        assert answer.headers["cache-control"] == "no-store"
    assert HSTS not in answer.headers
    assert "server" not in answer.headers


async def test_so_do_refusals_that_no_route_makes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.client() as client:
        too_large = await client.post("/auth/login", content=b"x" * 10**6)
        monkeypatch.setattr(house.services.rates._addresses, "allows", lambda *_: False)
        too_fast = await client.get("/me")
        monkeypatch.undo()
        house.people.is_broken = True
        broken = await client.get("/me", headers={"Authorization": f"Bearer {house.tokens['camat']}"})

        async def fails(*_: Any) -> None:
            raise ValueError

        house.people.is_broken = False
        monkeypatch.setattr(house.auth, "authenticate", fails)
        failed = await client.get("/me", headers={"Authorization": "Bearer x"})
    answers = (too_large, too_fast, broken, failed)
    assert [answer.status_code for answer in answers] == [413, 429, 503, 500]
    for answer in answers:
        assert all(answer.headers[name.decode()] == value.decode() for name, value in ALWAYS), answer.status_code
        assert answer.headers["cache-control"] == "no-store"


async def test_so_does_a_socket_that_is_refused(house: House) -> None:
    refused = await open_socket(house.app, f"/api/v1/cameras/{FIRST}/control", {})
    assert refused.status == 401
    assert all(refused.headers[name.decode()] == value.decode() for name, value in ALWAYS)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cctv.example.go.id", "cctv.example.go.id"),
        ("https://cctv.example.go.id:8443", "cctv.example.go.id"),
        ("http://cctv.example.go.id", None),
        ("https://203.0.113.9", None),
        ("https://[2001:db8::1]:8443", None),
        ("https://localhost:8443", None),
        ("https://camctl.localhost", None),
        ("https://camctl", None),
        (None, None),
    ],
)
def test_only_a_name_with_https_is_pinned(url: str | None, host: str | None) -> None:
    assert hsts_host(url) == host


@pytest.mark.parametrize("options", [NAMED])
async def test_browsers_are_told_to_come_encrypted_where_they_did_by_name(house: House) -> None:
    async with house.client() as client:
        for host, headers, is_told in (
            ("cctv.example.go.id", ENCRYPTED, True),
            ("CCTV.example.go.id:443", ENCRYPTED, True),
            ("cctv.example.go.id", {}, False),  # over plain HTTP anybody may have written it (RFC 6797, 7.2)
            ("203.0.113.9", ENCRYPTED, False),
            ("other.example.go.id", ENCRYPTED, False),
        ):
            answer = await client.get("/me", headers={"Host": host, **headers})
            assert (HSTS in answer.headers) is is_told, host
            if is_told:
                assert answer.headers[HSTS] == "max-age=31536000"
