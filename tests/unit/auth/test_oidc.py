"""The city's directory: who is believed about whom, by every lie that could be told; who that is here; who is asked."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from auth.city_sign_in import NobodyHereError
from auth.errors import ThrottledError, WrongSignInError
from auth.oidc import LEEWAY_S, attempt_of, new_attempt
from auth.oidc_settings import OidcError
from auth.proofs import Method
from auth.service import utc_now
from tests.support.directory import ISSUER, KEYS, Directory, unsigned
from tests.unit.auth.city_kit import SECRET, Browser, settings
from tests.unit.auth.conftest import HOME, PASSWORD

if TYPE_CHECKING:
    from auth.service import AuthService
    from tests.unit.auth.conftest import Clocks


# There and back ------------------------------------------------------------------------------------------------------


async def test_what_is_asked_is_bound_to_the_browser_and_proved_by_it(invited: Browser, directory: Directory) -> None:
    asked, cookie = await invited.leaves()
    state, nonce, verifier = cookie.split(".")
    assert (asked["state"], asked["nonce"], asked["response_type"]) == (state, nonce, "code")
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid profile email")
    assert verifier not in str(asked)
    await invited.city.finish({"code": "c-1", "state": state}, cookie, address=HOME)
    [redeemed] = [form for path, form in directory.asked if path == "/token"]
    assert redeemed == {"grant_type": "authorization_code", "code": "c-1", "code_verifier": verifier,
                        "redirect_uri": settings().redirect_uri}  # fmt: skip
    assert create_s256_code_challenge(verifier) == asked["code_challenge"]


async def test_secrets_of_attempts_differ_and_are_not_shown() -> None:
    attempts = [new_attempt() for _ in range(100)]
    assert len({attempt.text() for attempt in attempts}) == 100
    assert not any(part in repr(attempts) for part in attempts[0].text().split("."))
    assert SECRET not in repr(settings())


async def test_an_answer_that_this_browser_did_not_ask_for_is_refused(invited: Browser, directory: Directory) -> None:
    """Login CSRF: an attacker's own code and state, brought to somebody else's browser."""
    asked, cookie = await invited.leaves()
    theirs, _ = await invited.leaves()
    before = len(directory.asked)
    for state, kept in ((theirs["state"], cookie), (asked["state"], None), ("", cookie), (asked["state"], ""),
                        (asked["state"], "x"), ("\ud800ü", cookie), (asked["state"], cookie + ".x")):  # fmt: skip
        with pytest.raises(OidcError, match="not asked for by this browser"):
            await invited.city.finish({"code": "c", "state": state}, kept, address=HOME)
    assert len(directory.asked) == before, "nobody was asked"


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_is_an_attempt(cookie: str, state: str) -> None:
    with pytest.raises(OidcError):
        attempt_of(cookie, state)


async def test_another_issuers_answer_is_refused(invited: Browser) -> None:
    with pytest.raises(OidcError, match="Another issuer"):
        await invited.signs_in(iss="https://evil.example")
    assert await invited.signs_in(iss=ISSUER)


async def test_a_directory_that_always_says_who_it_is_has_to_say_so(invited: Browser, directory: Directory) -> None:
    """RFC 9207, 2.4: leaving the issuer out would be the way round its check."""
    directory.document = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(OidcError, match="Another issuer"):
        await invited.signs_in()
    assert await invited.signs_in(iss=ISSUER)


@pytest.mark.parametrize("more", [{"error": "access_denied"}, {"code": ""}, {"code": "x" * 5000}])
async def test_a_refusal_is_one(invited: Browser, more: dict[str, str]) -> None:
    with pytest.raises(OidcError):
        await invited.signs_in(**more)


# What a token may say ------------------------------------------------------------------------------------------------

NOW = int(time.time())
LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "x" * 43}, "no nonce": {"nonce": None}, "expired": {"exp": NOW - LEEWAY_S - 5},
    "no end": {"exp": None}, "not yet": {"nbf": NOW + 3600}, "another audience": {"aud": "other"},
    "no audience": {"aud": None}, "several audiences": {"aud": ["camctl", "other"]},
    "for another party": {"aud": ["camctl", "other"], "azp": "other"}, "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None}, "nobody": {"sub": None}, "a nobody": {"sub": ""}, "a number": {"sub": 1},
    "an endless name": {"sub": "x" * 256}, "no age": {"iat": None}, "made tomorrow": {"iat": NOW + 86_400},
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_token_that_says_anything_else_is_not_believed(
    invited: Browser, directory: Directory, lie: dict[str, Any]
) -> None:
    directory.claims |= lie
    with pytest.raises(OidcError):
        await invited.signs_in()


async def test_a_token_with_both_audiences_right_is_believed(invited: Browser, directory: Directory) -> None:
    directory.claims |= {"aud": ["camctl", "other"], "azp": "camctl"}
    assert await invited.signs_in()


async def test_an_unsigned_token_and_one_signed_with_what_others_have_are_not_believed(
    invited: Browser, directory: Directory
) -> None:
    asked, cookie = await invited.leaves()
    claims = {
        "iss": ISSUER,
        "aud": "camctl",
        "sub": "u-1",
        "iat": NOW,
        "exp": NOW + 300,
        "nonce": asked["nonce"],
    } | directory.claims
    public = json.dumps(KEYS[0].as_dict(private=False)).encode()
    forged = [unsigned(claims), directory.token()[:-8] + "AAAAAAAA", "", "x", "a.b.c", "." * 10_000,
              jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2)),
              jwt.encode({"alg": "HS256", "kid": "first"}, claims, OctKey.import_key(public)),
              jwt.encode({"alg": "RS256", "kid": "first"}, claims, KEYS[1])]  # fmt: skip
    for token in forged:
        directory.id_token = token
        with pytest.raises(OidcError) as refused:
            await invited.city.finish({"code": "c", "state": asked["state"]}, cookie)
        assert token[:40] not in str(refused.value) or len(token) < 6
    directory.id_token = jwt.encode({"alg": "RS256", "kid": "first"}, claims, KEYS[0])
    assert await invited.city.finish({"code": "c", "state": asked["state"]}, cookie)


async def test_new_keys_of_the_directory_are_fetched_but_not_for_every_forgery(
    invited: Browser, directory: Directory, clocks: Clocks
) -> None:
    assert await invited.signs_in()
    directory.key, directory.published = KEYS[1], [KEYS[1]]
    clocks.advance(31)
    assert await invited.signs_in()
    fetched = sum(path == "/keys" for path, _ in directory.asked)
    directory.key = KEYS[0]
    for _ in range(5):
        with pytest.raises(OidcError):
            await invited.signs_in()
    assert sum(path == "/keys" for path, _ in directory.asked) == fetched


async def test_wrong_answers_from_one_address_are_slowed(invited: Browser) -> None:
    asked, cookie = await invited.leaves()
    refusal = {"state": asked["state"], "error": "access_denied"}
    for _ in range(10):
        with pytest.raises(OidcError):
            await invited.city.finish(refusal, cookie, address="198.51.100.7")
    with pytest.raises(ThrottledError):
        await invited.city.finish(refusal, cookie, address="198.51.100.7")
    assert await invited.signs_in()


async def test_another_sites_page_cannot_close_the_door_for_an_office(invited: Browser) -> None:
    """Any page can make a browser come back with an answer that it never asked for, as often as the page likes."""
    for _ in range(50):
        with pytest.raises(OidcError, match="not asked for by this browser"):
            await invited.city.finish({"code": "c", "state": "x" * 43}, None, address=HOME)
    assert await invited.signs_in()


# Who that is here ----------------------------------------------------------------------------------------------------


async def test_an_invited_person_is_found_by_their_verified_address_once_and_by_their_subject_ever_after(
    invited: Browser, directory: Directory, auth: AuthService
) -> None:
    assert (await invited.signs_in()).username == "sari@example.go.id"
    directory.claims = {"email": "other@example.go.id", "email_verified": False}
    assert (await invited.signs_in()).username == "sari@example.go.id"
    assert len(await auth.list_people()) == 1


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
async def test_an_address_that_is_not_verified_is_nobodys(
    invited: Browser, directory: Directory, verified: object
) -> None:
    directory.claims["email_verified"] = verified
    with pytest.raises(NobodyHereError):
        await invited.signs_in()


@pytest.mark.parametrize("lookalike", ["\u017fari@example.go.id", "sar\u0131@example.go.id", "sari\uff20example.go.id"])
async def test_an_address_that_only_looks_like_somebodys_is_not_theirs(
    invited: Browser, directory: Directory, lookalike: str
) -> None:
    """Our names are folded (NFKC), and a mail server may keep both spellings as two mailboxes."""
    directory.claims["email"] = lookalike
    with pytest.raises(NobodyHereError):
        await invited.signs_in()


async def test_an_address_that_went_to_somebody_else_does_not_bring_the_account(
    invited: Browser, directory: Directory
) -> None:
    assert await invited.signs_in()
    directory.claims["sub"] = "u-2"
    with pytest.raises(NobodyHereError, match="another account"):
        await invited.signs_in()


async def test_a_subject_is_a_name_only_exactly(invited: Browser, directory: Directory, auth: AuthService) -> None:
    await auth.create_person("budi", PASSWORD, role="official", areas=["31.71"])
    directory.claims = {"sub": "BUDI"}
    with pytest.raises(NobodyHereError):
        await invited.signs_in()
    directory.claims = {"sub": "budi"}
    assert (await invited.signs_in()).username == "budi"


async def test_a_closed_account_stays_closed(invited: Browser, auth: AuthService) -> None:
    await invited.signs_in()
    await auth.disable_person("sari@example.go.id")
    person = await invited.signs_in()
    with pytest.raises(WrongSignInError):
        await auth.admit(person.id, Method.DIRECTORY, HOME)


async def test_a_rule_makes_somebody_once(ruled: Browser, directory: Directory, auth: AuthService) -> None:
    person = await ruled.signs_in()
    assert (person.username, person.display_name, person.role, person.areas) == (
        "budi",
        "Pak Budi",
        "official",
        ("31.71.01",),
    )
    directory.claims |= {"preferred_username": "renamed"}
    assert (await ruled.signs_in()).id == person.id
    assert len(await auth.list_people()) == 1


async def test_whom_no_rule_names_is_nobody_also_if_one_did_before(ruled: Browser, directory: Directory) -> None:
    await ruled.signs_in()
    for groups in (["other"], "other", None, 7, {"camat-gambir": 1}):
        directory.claims["groups"] = groups
        with pytest.raises(NobodyHereError):
            await ruled.signs_in()
    directory.claims["groups"] = "camat-gambir"
    assert await ruled.signs_in()


async def test_a_name_that_is_taken_is_never_simply_theirs(
    ruled: Browser, directory: Directory, auth: AuthService
) -> None:
    await auth.create_person("budi", PASSWORD, role="admin", areas=["31"])
    with pytest.raises(NobodyHereError, match="username"):
        await ruled.signs_in()
    directory.claims |= {"email": "budi", "email_verified": True, "preferred_username": "b u d i"}
    with pytest.raises(NobodyHereError):
        await ruled.signs_in()
    assert len(await auth.list_people()) == 1


async def test_nobody_is_called_by_an_address_that_may_be_anothers(
    ruled: Browser, directory: Directory, auth: AuthService
) -> None:
    directory.claims = {"groups": "camat-gambir", "email": "walikota@example.go.id", "email_verified": "false"}
    assert (await ruled.signs_in()).username == "u-1"
    directory.claims |= {"sub": "u-2", "email_verified": True}
    assert (await ruled.signs_in()).username == "walikota@example.go.id"
    assert {person.display_name for person in await auth.list_people()} == {"u-1", "walikota@example.go.id"}


async def test_somebody_new_has_no_password_that_anybody_knows(ruled: Browser, auth: AuthService) -> None:
    await ruled.signs_in()
    for guess in ("", "budi", SECRET, "u-1"):
        with pytest.raises(WrongSignInError):
            await auth.sign_in("budi", guess, HOME)


async def test_the_sign_in_is_one_like_any_other(invited: Browser, auth: AuthService, clocks: Clocks) -> None:
    person = await invited.signs_in()
    token, sign_in = await auth.admit(person.id, Method.DIRECTORY, HOME)
    assert await auth.authenticate(token) == sign_in
    assert sign_in.expires_at - clocks.now() == timedelta(days=7)
    assert abs(utc_now().timestamp() - NOW) < 600
