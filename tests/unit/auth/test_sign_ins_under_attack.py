"""What an attacker does at the edges of signing in: two at once, changes half-way, lost devices, noise next door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from auth.errors import (
    LastWayInError,
    PasskeyRefusedError,
    PendingOverError,
    SecondFactorNeededError,
    SecondFactorPendingError,
    ThrottledError,
    WrongCodeError,
)
from auth.factor_records import FactorRecords
from auth.factor_service import FactorService
from auth.passkey_records import PasskeyRecords
from auth.passkey_service import PasskeyService
from auth.pending import TRIES
from auth.proofs import Method
from auth.service import AuthService, SessionRules
from auth.sites import Site
from auth.tables import PersonRow
from auth.ways_in import WaysIn
from tests.support.authenticator import Authenticator
from tests.support.sealing import sealer
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from auth.model import SignIn
    from camctl.store import Store

SITE = Site("cctv.example.id", "https://cctv.example.id")
ELSEWHERE = "198.51.100.7"


@pytest.fixture
async def signed_in(auth: AuthService) -> SignIn:
    await sari(auth)
    return (await auth.sign_in("sari", PASSWORD, HOME))[1]


def factors_of(auth: AuthService, store: Store, clocks: Any) -> FactorService:
    """Second factors as one process has them."""
    return FactorService(auth, FactorRecords(store.sessions), sealer(), clock=clocks.now, steady=clocks.steady)


@pytest.fixture
def factors(auth: AuthService, store: Store, clocks: Any) -> FactorService:
    return factors_of(auth, store, clocks)


@pytest.fixture
def passkeys(auth: AuthService, store: Store, clocks: Any) -> PasskeyService:
    return PasskeyService(auth, PasskeyRecords(store.sessions), clock=clocks.now, steady=clocks.steady)


@pytest.fixture
async def app(factors: FactorService, signed_in: SignIn, clocks: Any) -> tuple[pyotp.TOTP, list[str]]:
    """Sari's authenticator app and recovery codes."""
    totp = pyotp.TOTP((await factors.begin_totp(signed_in)).secret)
    codes = await factors.confirm_totp(totp.at(clocks.now()), signed_in)
    clocks.advance(60)
    return totp, codes


async def pending(factors: FactorService, address: str = HOME) -> str:
    with pytest.raises(SecondFactorPendingError) as needed:
        await factors.sign_in("sari", PASSWORD, address)
    return needed.value.pending


async def add(passkeys: PasskeyService, phone: Authenticator, signed_in: SignIn) -> str:
    options = await passkeys.begin_adding(SITE, signed_in, HOME)
    return (await passkeys.add(phone.make(options), "phone", signed_in)).id


async def enter(passkeys: PasskeyService, phone: Authenticator, address: str = HOME) -> SignIn:
    return (await passkeys.sign_in(phone.prove(passkeys.begin_sign_in(SITE, address)), address))[1]


# Two at once ---------------------------------------------------------------------------------------------------------


async def test_one_password_makes_one_sign_in_also_with_two_right_codes_at_once(
    auth: AuthService, factors: FactorService, app: tuple[pyotp.TOTP, list[str]]
) -> None:
    half, before = await pending(factors), len(await auth.sessions_of("sari"))
    outcomes = await asyncio.gather(
        *(factors.second_factor(half, code, HOME) for code in app[1][:3]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(tuple) == 1
    assert [type(outcome) for outcome in outcomes].count(PendingOverError) == 2
    assert len(await auth.sessions_of("sari")) == before + 1


@pytest.mark.parametrize("is_recovery", [True, False])
async def test_two_processes_do_not_both_take_a_code(
    auth: AuthService, store: Store, clocks: Any, app: tuple[pyotp.TOTP, list[str]], is_recovery: bool
) -> None:
    """Each with memory of its own, so that nothing but the database is between them."""
    totp, codes = app
    code = codes[0] if is_recovery else totp.at(clocks.now())
    processes = [factors_of(auth, store, clocks) for _ in range(4)]
    halves = [await pending(each) for each in processes]
    outcomes = await asyncio.gather(
        *(each.second_factor(half, code, HOME) for each, half in zip(processes, halves, strict=True)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes].count(tuple) == 1
    assert [type(outcome) for outcome in outcomes].count(WrongCodeError) == 3


async def test_a_factor_that_is_set_up_while_a_password_is_judged_counts_already(
    auth: AuthService, factors: FactorService, signed_in: SignIn, clocks: Any
) -> None:
    judged = await auth.prove_password("sari", PASSWORD, HOME)
    totp = pyotp.TOTP((await factors.begin_totp(signed_in)).secret)
    await factors.confirm_totp(totp.at(clocks.now()), signed_in)
    new = auth._new_session("x" * 43, signed_in.kind, "", signed_in.expires_at, None, Method.PASSWORD)
    with pytest.raises(SecondFactorNeededError):  # asked where the sign-in is written, not before
        auth._records.add_session(judged, new)


# Slowed, not locked out ----------------------------------------------------------------------------------------------


async def test_being_slowed_costs_the_owner_no_try(
    factors: FactorService, app: tuple[pyotp.TOTP, list[str]], clocks: Any
) -> None:
    for _ in range(5):
        with pytest.raises(WrongCodeError):
            await factors.second_factor(await pending(factors, ELSEWHERE), "000000", ELSEWHERE)
    half = await pending(factors)
    for _ in range(TRIES + 1):
        with pytest.raises(ThrottledError):
            await factors.second_factor(half, app[0].at(clocks.now()), HOME)
    clocks.advance(5)
    assert await factors.second_factor(half, app[0].at(clocks.now()), HOME)


async def test_noise_from_the_same_office_keeps_no_passkey_out(
    passkeys: PasskeyService, signed_in: SignIn, clocks: Any
) -> None:
    phone = Authenticator(SITE.origin)
    await add(passkeys, phone, signed_in)
    for _ in range(40):
        clocks.advance(30)
        stranger = Authenticator(SITE.origin)
        stranger.make(await passkeys.begin_adding(SITE, signed_in, HOME))  # made, never added
        with pytest.raises((PasskeyRefusedError, ThrottledError)):
            await enter(passkeys, stranger)
    clocks.advance(5)
    assert await enter(passkeys, phone)


# Lost devices, and ways in -------------------------------------------------------------------------------------------


async def test_a_sign_in_that_began_by_a_lost_passkey_ends_with_it_however_it_was_renewed(
    auth: AuthService,
    factors: FactorService,
    passkeys: PasskeyService,
    signed_in: SignIn,
    app: tuple[pyotp.TOTP, list[str]],
    clocks: Any,
) -> None:
    phone = Authenticator(SITE.origin)
    passkey_id = await add(passkeys, phone, signed_in)
    thief = await enter(passkeys, phone, ELSEWHERE)
    await factors.step_up_by_code(app[0].at(clocks.now()), thief, ELSEWHERE)  # the app is on the same phone
    await passkeys.remove(passkey_id, signed_in)
    assert await auth.recheck(thief.session_id) is None
    assert await auth.recheck(signed_in.session_id) is not None


async def test_the_last_way_in_stays_and_other_sorts_of_ways_are_counted(
    auth: AuthService, store: Store, signed_in: SignIn, clocks: Any
) -> None:
    identities = 0

    def count(_session: Session, person: PersonRow) -> int:
        assert person.id == signed_in.person.id
        return identities

    records = PasskeyRecords(store.sessions, WaysIn(count))
    passkeys = PasskeyService(auth, records, clock=clocks.now, steady=clocks.steady)
    passkey_id = await add(passkeys, Authenticator(SITE.origin), signed_in)
    with store.sessions() as session, session.begin():
        person = session.get(PersonRow, signed_in.person.id)
        assert person is not None
        person.password_hash = None
    with pytest.raises(LastWayInError):
        await passkeys.remove(passkey_id, signed_in)
    identities = 1
    await passkeys.remove(passkey_id, signed_in)
    assert await passkeys.of_person(signed_in.person.id) == []


# A fresh proof -------------------------------------------------------------------------------------------------------


async def test_a_renewed_proof_counts_at_the_next_request(store: Store, clocks: Any) -> None:
    """Sign-ins are remembered for a moment; a proof must not wait for that."""
    rules = SessionRules(fresh_s=30.0)
    auth = AuthService(store.sessions, rules=rules, clock=clocks.now, steady=clocks.steady)
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)
    clocks.advance(601)
    old = await auth.authenticate(token)
    assert old is not None
    assert not old.is_fresh(clocks.now())
    await auth.proved_again(old)
    new = await auth.authenticate(token)
    assert new is not None
    assert new.is_fresh(clocks.now())
    await auth.close()


async def test_a_program_s_token_is_never_fresh(auth: AuthService, signed_in: SignIn, clocks: Any) -> None:
    token = await auth.issue_token("sari", signed_in.expires_at, "a program")
    program = await auth.authenticate(token)
    assert program is not None
    assert (program.kind.value, program.method, program.proved_at) == ("api", None, None)
    assert not program.is_fresh(clocks.now())
