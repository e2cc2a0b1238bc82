"""For which site passkeys are made, by what a request says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import NoPasskeysHereError
from auth.sites import Site, site_of

PUBLIC = "https://cctv.example.id"


@pytest.mark.parametrize(
    ("public_url", "scheme", "host", "origin", "site"),
    [
        (None, "https", "cctv.example.id", None, Site("cctv.example.id", PUBLIC)),
        (None, "https", "CCTV.example.id:443", PUBLIC, Site("cctv.example.id", PUBLIC)),
        (None, "https", "cctv.example.id:8443", PUBLIC + ":8443", Site("cctv.example.id", PUBLIC + ":8443")),
        (None, "http", "cctv.example.id", PUBLIC, Site("cctv.example.id", PUBLIC)),  # a proxy ended TLS
        (None, "http", "localhost:8080", "http://localhost:8080", Site("localhost", "http://localhost:8080")),
        (PUBLIC + "/", "http", "10.0.0.5:8080", PUBLIC, Site("cctv.example.id", PUBLIC)),
        (PUBLIC, "http", "10.0.0.5:8080", None, Site("cctv.example.id", PUBLIC)),
    ],
)
def test_the_site(public_url: str | None, scheme: str, host: str, origin: str | None, site: Site) -> None:
    assert site_of(public_url, scheme, host, origin) == site


@pytest.mark.parametrize(
    ("public_url", "scheme", "host", "origin", "word"),
    [
        (None, "https", "10.20.0.5", None, "name"),
        (None, "https", "[2001:db8::1]:8443", None, "name"),
        (None, "https", "127.1", None, "name"),
        (None, "https", "", None, "name"),
        (None, "https", "[", None, "name"),
        (None, "https", "cctv.example.id:x", None, "name"),
        (None, "https", "cctv.example.id", "https://[", "name"),
        (PUBLIC, "https", "cctv.example.id", "https://[", "name"),
        (None, "https", "bad_name.example", None, "name"),
        (None, "http", "cctv.example.id", None, "HTTPS"),
        (None, "http", "localhost.evil.example", None, "HTTPS"),
        (None, "https", "cctv.example.id", "https://evil.example", "another site"),
        (None, "https", "cctv.example.id", "https://cctv.example.id:8443", "another site"),
        (PUBLIC, "https", "cctv.example.id", "https://evil.example", "only"),
        (PUBLIC, "https", "cctv.example.id", "https://cctv.example.id.evil.example", "only"),
        (PUBLIC, "https", "cctv.example.id", "null", "only"),
        ("http://10.0.0.5:8080", "http", "10.0.0.5:8080", None, "name"),
    ],
)
def test_no_passkeys_here(public_url: str | None, scheme: str, host: str, origin: str | None, word: str) -> None:
    with pytest.raises(NoPasskeysHereError, match=word):
        site_of(public_url, scheme, host, origin)


@given(st.text(), st.text() | st.none())
def test_any_header_is_a_site_or_a_refusal(host: str, origin: str | None) -> None:
    try:
        site = site_of(None, "https", host, origin)
    except NoPasskeysHereError:
        return
    assert site.origin.startswith(("https://", "http://localhost")) or site.rp_id.endswith(".localhost")
