"""Whom the service calls to ask the city's directory: nobody else, without redirects, and not for ever."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import oidc_client
from auth.oidc import parse_object, provider_of
from auth.oidc_client import MAX_BYTES, OidcClient
from auth.oidc_settings import DirectoryRefusedError, OidcError, is_safe_issuer
from tests.support.directory import ADDRESS, ISSUER, Directory, Guarding
from tests.unit.auth.city_kit import Browser, settings

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Clocks


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"}, {"issuer": ISSUER + "/"}, {"issuer": None},
        {"token_endpoint": "https://evil.example/token"}, {"jwks_uri": "http://login.example.go.id/keys"},
        {"jwks_uri": "https://login.example.go.id:8443/keys"}, {"token_endpoint": "https://login.example.go.id@evil.example/"},
        {"token_endpoint": "https://x:y@login.example.go.id/token"}, {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None}, {"token_endpoint": 7}, {"jwks_uri": "https://["},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    ],
)  # fmt: skip
async def test_a_directory_that_names_others_is_not_followed(
    invited: Browser, directory: Directory, document: dict[str, Any]
) -> None:
    directory.document = document
    with pytest.raises(OidcError):
        await invited.city.start()
    assert len(directory.asked) == 1


@given(st.dictionaries(st.sampled_from(["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"]),
                       st.text() | st.none() | st.integers() | st.just(ISSUER)))  # fmt: skip
def test_no_document_names_another_origin(document: dict[str, Any]) -> None:
    try:
        provider = provider_of(document, ISSUER)
    except OidcError:
        return
    for endpoint in (provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri):
        assert urlsplit(endpoint).hostname == "login.example.go.id"


@given(st.binary(max_size=300))
def test_no_answer_is_a_fault(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except OidcError:
        return


def test_a_deep_answer_is_refused() -> None:
    with pytest.raises(OidcError):
        parse_object(b"[" * 200_000)


def test_issuers_are_https_or_on_this_machine() -> None:
    for good in (ISSUER, "https://login.example.go.id/realms/city", "http://127.0.0.1:9400", "http://localhost"):
        assert is_safe_issuer(good), good
    for bad in (
        "http://login.example.go.id",
        "ftp://x",
        "https://",
        "",
        "https://a?b",
        "https://a#b",
        "https://u:p@a",
        "https://[",
    ):
        assert not is_safe_issuer(bad), bad


async def test_neither_redirects_nor_failures_nor_long_answers_are_followed(
    invited: Browser, directory: Directory, clocks: Clocks
) -> None:
    path = "/.well-known/openid-configuration"
    answers = (
        httpx.Response(302, headers={"Location": "https://evil.example/"}), httpx.Response(500),
        httpx.Response(200, text="["),
        httpx.Response(200, json=[]), httpx.Response(200, content=b" " * (MAX_BYTES + 1)),
    )  # fmt: skip
    for answer in answers:
        directory.answers[path] = lambda _request, answer=answer: answer
        with pytest.raises(OidcError):
            await invited.city.start()
        clocks.advance(6)
    del directory.answers[path]
    assert await invited.signs_in()


async def test_one_that_is_down_is_not_asked_by_everybody_who_presses_the_button(
    invited: Browser, directory: Directory
) -> None:
    def down(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    directory.answers["/.well-known/openid-configuration"] = down
    for _ in range(20):
        with pytest.raises(OidcError):
            await invited.city.start()
    assert len(directory.asked) == 1


async def test_every_call_is_judged_and_goes_where_the_guard_says_then(
    invited: Browser, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    asked, cookie = await invited.leaves()
    directory.guard.address = "2001:db8::80"  # `Directory` holds each request against it
    await invited.arrives({"code": "a-code", "state": asked["state"]}, cookie)
    paths = ["/.well-known/openid-configuration", "/token", "/keys"]
    assert directory.guard.judged == [f"{ISSUER}{path}" for path in paths]
    assert [path for path, _ in directory.asked] == paths


async def test_what_the_guard_refuses_is_not_called(invited: Browser, directory: Directory, clocks: Clocks) -> None:
    directory.guard.refusal = DirectoryRefusedError("Add it.")
    for _ in range(3):
        with pytest.raises(DirectoryRefusedError, match=r"Add it\."):
            await invited.city.start()
    assert (directory.asked, len(directory.guard.judged)) == ([], 1)
    clocks.advance(6)
    directory.guard.refusal = None
    assert await invited.signs_in()


async def test_the_guard_ends_with_the_client() -> None:
    guard = Guarding(ADDRESS)
    await OidcClient(settings(), guard).close()
    assert guard.is_closed


async def test_one_that_drips_is_given_up(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip() -> Any:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    async def respond(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drip())

    monkeypatch.setattr(oidc_client, "TIMEOUT_S", 0.1)
    client = OidcClient(settings(), Guarding(), transport=httpx.MockTransport(respond))
    started = time.monotonic()
    with pytest.raises(OidcError, match="does not answer"):
        await client.provider()
    assert time.monotonic() - started < 2.0
    await client.close()
