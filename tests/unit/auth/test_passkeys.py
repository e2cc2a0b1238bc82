"""Passkeys: the ceremonies with a software authenticator, and each thing that must be refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.challenges import LIFE_S, Challenge, Challenges, Purpose
from auth.errors import (
    LastWayInError,
    PasskeyRefusedError,
    PersonRuleError,
    ThrottledError,
    TooManyPasskeysError,
    UnknownPasskeyError,
)
from auth.passkey_records import MOST_PER_PERSON, PasskeyRecords
from auth.passkey_service import PasskeyService
from auth.passkeys import StoredPasskey, challenge_in, credential_id_in, made, proved
from auth.proofs import Method
from auth.sites import Site
from auth.tables import PersonRow
from tests.support.authenticator import Authenticator, b64, unb64
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.model import SignIn
    from auth.service import AuthService
    from camctl.store import Store

SITE = Site("cctv.example.id", "https://cctv.example.id")
OTHER = Site("evil.example", "https://evil.example")


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator(SITE.origin)


@pytest.fixture
def passkeys(auth: AuthService, store: Store, clocks: Any) -> PasskeyService:
    return PasskeyService(auth, PasskeyRecords(store.sessions), clock=clocks.now, steady=clocks.steady)


@pytest.fixture
async def signed_in(auth: AuthService) -> SignIn:
    await sari(auth)
    return (await auth.sign_in("sari", PASSWORD, HOME))[1]


async def add(passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn, name: str = "phone") -> str:
    options = await passkeys.begin_adding(SITE, signed_in, HOME)
    return (await passkeys.add(phone.make(options), name, signed_in)).id


async def enter(passkeys: PasskeyService, phone: Authenticator, **lies: Any) -> SignIn:
    return (await passkeys.sign_in(phone.prove(passkeys.begin_sign_in(SITE, HOME), **lies), HOME))[1]


async def test_a_passkey_is_made_and_signs_in_anew_each_time(
    auth: AuthService, passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    await add(passkeys, phone, signed_in)
    first, second = await enter(passkeys, phone), await enter(passkeys, phone)
    assert first.person.username == "sari"
    assert len({signed_in.session_id, first.session_id, second.session_id}) == 3
    (info,) = await passkeys.of_person(signed_in.person.id)
    assert (info.name, info.synced, info.last_used is not None) == ("phone", False, True)
    assert {s.session_id for s in await auth.sessions_of("sari")} >= {first.session_id, second.session_id}


async def test_options_ask_for_the_owner_s_check_and_name_nobody(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    await add(passkeys, phone, signed_in)
    asked = passkeys.begin_sign_in(SITE, HOME)
    assert (asked["userVerification"], asked["allowCredentials"], asked["rpId"]) == ("required", [], SITE.rp_id)
    again = await passkeys.begin_adding(SITE, signed_in, HOME)
    assert [known["id"] for known in again["excludeCredentials"]] == [b64(phone.keys[0].id)]
    assert again["authenticatorSelection"]["residentKey"] == "required"
    assert "sari" not in again["user"]["id"]


async def test_a_synced_passkey_has_no_counter_and_signs_in_again(passkeys: PasskeyService, signed_in: SignIn) -> None:
    cloud = Authenticator(SITE.origin, counts=False)
    await add(passkeys, cloud, signed_in)
    await enter(passkeys, cloud)
    await enter(passkeys, cloud)
    (info,) = await passkeys.of_person(signed_in.person.id)
    assert info.synced


@pytest.mark.parametrize("lie", ["origin", "rp", "unverified", "counter", "stranger", "signature", "handle", "purpose"])
async def test_a_lie_is_refused_in_the_same_words(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn, lie: str
) -> None:
    await add(passkeys, phone, signed_in)
    key, lies = phone.keys[0], {}
    options = passkeys.begin_sign_in(SITE, HOME)
    match lie:
        case "origin":
            phone.origin = "https://cctv.example.id.evil.example"
        case "rp":
            lies = {"rp_id": OTHER.rp_id}
        case "unverified":
            phone.verifies = False
        case "counter":
            phone.count = 0
        case "stranger":
            key = replace(key, id=b"x" * 32)
        case "handle":
            key = replace(key, user_handle=b"somebody else")
        case "purpose":
            options = await passkeys.begin_step_up(SITE, signed_in, HOME) or {}
    answer = phone.prove(options, key, **lies)
    if lie == "signature":
        answer["response"]["signature"] = phone.prove(options)["response"]["signature"]
    with pytest.raises(PasskeyRefusedError, match=r"^This passkey was not accepted; try again, or sign in with your"):
        await passkeys.sign_in(answer, HOME)


async def test_an_answer_is_good_once_and_for_five_minutes(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn, clocks: Any
) -> None:
    await add(passkeys, phone, signed_in)
    answer = phone.prove(passkeys.begin_sign_in(SITE, HOME))
    await passkeys.sign_in(answer, HOME)
    with pytest.raises(PasskeyRefusedError):
        await passkeys.sign_in(answer, HOME)
    late = phone.prove(passkeys.begin_sign_in(SITE, HOME))
    clocks.advance(LIFE_S + 1)
    with pytest.raises(PasskeyRefusedError):
        await passkeys.sign_in(late, HOME)


async def test_a_passkey_made_for_another_site_is_refused_here(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    await add(passkeys, phone, signed_in)
    phone.origin = OTHER.origin
    answer = phone.prove(passkeys.begin_sign_in(OTHER, HOME), rp_id=OTHER.rp_id)  # all of it for the other site
    with pytest.raises(PasskeyRefusedError) as refused:
        await passkeys.sign_in(answer, HOME)
    assert refused.value.why == "the passkey was made for another site"


async def test_a_closed_account_s_passkey_says_the_same(
    auth: AuthService, passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    await add(passkeys, phone, signed_in)
    await auth.disable_person("sari")
    with pytest.raises(PasskeyRefusedError):
        await enter(passkeys, phone)


async def test_another_person_s_passkey_proves_nothing_of_mine_and_cannot_be_touched(
    auth: AuthService, passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    passkey_id = await add(passkeys, phone, signed_in)
    await auth.create_person("budi", PASSWORD, role="official", areas=["31.71"])
    budi = (await auth.sign_in("budi", PASSWORD, HOME))[1]
    his = Authenticator(SITE.origin)
    await add(passkeys, his, budi)
    options = await passkeys.begin_step_up(SITE, budi, HOME)
    assert options is not None
    with pytest.raises(PasskeyRefusedError):
        await passkeys.step_up(phone.prove(options), budi, HOME)
    options = await passkeys.begin_step_up(SITE, signed_in, HOME)
    assert options is not None
    with pytest.raises(PasskeyRefusedError):  # her passkey and challenge, in his sign-in
        await passkeys.step_up(phone.prove(options), budi, HOME)
    for act in (passkeys.rename(passkey_id, "mine", budi), passkeys.remove(passkey_id, budi)):
        with pytest.raises(UnknownPasskeyError):
            await act
    with pytest.raises(PasskeyRefusedError):  # a challenge of hers, answered in his sign-in
        await passkeys.add(his.make(await passkeys.begin_adding(SITE, signed_in, HOME)), "x", budi)


async def test_making_is_refused_for_another_site_without_the_owner_s_check_and_with_certificates(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    async def refused(device: Authenticator, **lies: Any) -> None:
        answer = device.make(await passkeys.begin_adding(SITE, signed_in, HOME), **lies)
        with pytest.raises(PasskeyRefusedError):
            await passkeys.add(answer, "x", signed_in)

    await refused(Authenticator(OTHER.origin))
    await refused(phone, rp_id=OTHER.rp_id)
    await refused(Authenticator(SITE.origin, verifies=False))
    await refused(phone, fmt="tpm")
    answer = phone.make(await passkeys.begin_adding(SITE, signed_in, HOME))
    with pytest.raises(PersonRuleError):
        await passkeys.add(answer, " ", signed_in)
    await passkeys.add(answer, "x", signed_in)
    with pytest.raises(PasskeyRefusedError):
        await passkeys.add(answer, "twice", signed_in)


async def test_the_last_way_in_cannot_be_removed_and_removing_ends_sign_ins_by_passkey(
    auth: AuthService, passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn, store: Store
) -> None:
    passkey_id = await add(passkeys, phone, signed_in)
    by_passkey = await enter(passkeys, phone)
    with store.sessions() as session, session.begin():
        person = session.get(PersonRow, signed_in.person.id)
        assert person is not None
        hashed, person.password_hash = person.password_hash, None
    with pytest.raises(LastWayInError):
        await passkeys.remove(passkey_id, signed_in)
    with store.sessions() as session, session.begin():
        person = session.get(PersonRow, signed_in.person.id)
        assert person is not None
        person.password_hash = hashed
    told: list[str] = []
    auth.on_change.append(told.append)
    await passkeys.remove(passkey_id, signed_in)
    await auth.poll_changes()
    assert told == [signed_in.person.id]
    assert await auth.recheck(by_passkey.session_id) is None
    assert await auth.recheck(signed_in.session_id)
    with pytest.raises(PasskeyRefusedError):
        await enter(passkeys, phone)


async def test_nobody_has_more_than_the_limit(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    for number in range(MOST_PER_PERSON):
        await add(passkeys, phone, signed_in, f"number {number}")
    with pytest.raises(TooManyPasskeysError):
        await add(passkeys, phone, signed_in)


async def test_guessing_from_an_address_is_slowed_but_not_the_owner_s_passkey(
    passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn
) -> None:
    await add(passkeys, phone, signed_in)
    await enter(passkeys, phone)
    stranger = Authenticator(SITE.origin)
    stranger.make(await passkeys.begin_adding(SITE, signed_in, HOME))
    for _ in range(5):
        with pytest.raises(PasskeyRefusedError):
            await enter(passkeys, stranger)
    with pytest.raises(ThrottledError):
        await enter(passkeys, stranger)
    assert await enter(passkeys, phone)


async def test_a_sign_in_by_passkey_is_a_fresh_proof(
    auth: AuthService, passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn, clocks: Any
) -> None:
    await add(passkeys, phone, signed_in)
    sign_in = await enter(passkeys, phone)
    assert sign_in.method == Method.PASSKEY
    clocks.advance(600)
    assert sign_in.is_fresh(clocks.now())
    clocks.advance(1)
    assert not sign_in.is_fresh(clocks.now())


# Challenges ----------------------------------------------------------------------------------------------------------


def challenge(number: int, at_s: float = 0.0) -> Challenge:
    return Challenge(number.to_bytes(4, "big"), Purpose.SIGN_IN, SITE, "", at_s)


def test_a_flood_from_one_network_ends_only_its_own_challenges() -> None:
    challenges = Challenges(most=100, most_per_network=10)
    challenges.add(challenge(0), HOME)
    for number in range(1, 1000):
        challenges.add(challenge(number), f"2001:db8::{number:x}")  # one /64
    assert len(challenges) == 11
    assert challenges.take(challenge(0).value, Purpose.SIGN_IN, "", 1.0) is not None


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["add", "take"]), st.integers(0, 5), st.floats(0, 200))))
def test_challenges_are_bounded_used_once_and_forgotten(steps: list[tuple[int, str, int, float]]) -> None:
    challenges, now_s, open_since = Challenges(most=8, most_per_network=4), 0.0, {}
    for number, act, address, passes_s in steps:
        now_s += passes_s
        value = challenge(number).value
        if act == "take":
            taken = challenges.take(value, Purpose.SIGN_IN, "", now_s)
            assert taken is None or now_s - open_since.pop(value) <= LIFE_S
        elif value not in open_since:
            open_since[value] = now_s
            challenges.add(challenge(number, now_s), f"192.0.2.{address}")
        assert len(challenges) <= 8
        assert sum(map(len, challenges._by_network.values())) == len(challenges)


# Bytes ---------------------------------------------------------------------------------------------------------------

PLAIN = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
BYTES = st.binary(max_size=300).map(b64)


@given(st.dictionaries(st.sampled_from(["id", "rawId", "type", "response"]), JSON))
def test_an_answer_of_any_json_is_refused_and_nothing_else(answer: dict[str, Any]) -> None:
    stored = StoredPasskey("1", "p", SITE.rp_id, b"c", b"", 0)
    for read in (challenge_in, credential_id_in, lambda a: made(a, b"", SITE), lambda a: proved(a, b"", SITE, stored)):
        try:
            read(answer)
        except PasskeyRefusedError:
            continue
        assert read is credential_id_in


@given(BYTES, st.binary(max_size=200), st.integers(0, 500), st.integers(0, 255))
def test_altered_bytes_are_refused_and_nothing_else(junk: str, tail: bytes, at: int, value: int) -> None:
    device = Authenticator(SITE.origin)
    options = {"rp": {"id": SITE.rp_id}, "user": {"id": b64(b"p")}, "challenge": b64(b"c" * 32)}
    answer = device.make(options)
    attestation = bytearray(device_bytes := _attestation(answer))
    if at < len(attestation):
        attestation[at] = value
    for changed in (bytes(attestation) + tail, device_bytes[: at % len(device_bytes)]):
        altered = {**answer, "response": {**answer["response"], "attestationObject": b64(changed)}}
        try:
            made(altered, b"c" * 32, SITE)
        except PasskeyRefusedError:
            continue  # a change in the random id or key may well be another good passkey
    with pytest.raises(PasskeyRefusedError):
        made({**answer, "response": {**answer["response"], "clientDataJSON": junk}}, b"c" * 32, SITE)
    stored = StoredPasskey("1", "p", SITE.rp_id, device.keys[0].id, _public_key(answer), 0)
    proof = device.prove(options)
    assert proved(proof, b"c" * 32, SITE, stored) > 0
    for part in ("signature", "authenticatorData", "clientDataJSON"):
        with pytest.raises(PasskeyRefusedError):
            proved({**proof, "response": {**proof["response"], part: junk}}, b"c" * 32, SITE, stored)


def _attestation(answer: dict[str, Any]) -> bytes:
    return unb64(answer["response"]["attestationObject"])


def _public_key(answer: dict[str, Any]) -> bytes:
    return made(answer, b"c" * 32, SITE).public_key
