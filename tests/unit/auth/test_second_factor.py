"""Authenticator apps and recovery codes: two steps, no code twice, no guessing, and what a fresh proof needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from auth.errors import (
    AuthUnavailableError,
    NoTotpError,
    PendingOverError,
    SecondFactorNeededError,
    SecondFactorPendingError,
    ThrottledError,
    WrongCodeError,
    WrongProofError,
    WrongSignInError,
)
from auth.factor_records import FactorRecords
from auth.factor_service import FactorService
from auth.pending import LIFE_S, TRIES
from auth.proofs import Method
from auth.second_factor import matching_step, new_recovery_codes, recovery_digest
from tests.support.sealing import sealer
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.model import SignIn
    from auth.sealing import Sealer
    from auth.service import AuthService
    from camctl.store import Store

SEALER = sealer()
ELSEWHERE = "198.51.100.7"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"


def service(auth: AuthService, store: Store, clocks: Any, sealing: Sealer = SEALER) -> FactorService:
    return FactorService(auth, FactorRecords(store.sessions), sealing, clock=clocks.now, steady=clocks.steady)


async def now_of(auth: AuthService, sign_in: SignIn) -> SignIn:
    """The sign-in as it is stored."""
    found = await auth.recheck(sign_in.session_id)
    assert found is not None
    return found


@pytest.fixture
def factors(auth: AuthService, store: Store, clocks: Any) -> FactorService:
    return service(auth, store, clocks)


class Phone:
    """An authenticator app, of the package's own clockwork."""

    def __init__(self, secret: str, clocks: Any) -> None:
        self._totp, self._clocks = pyotp.TOTP(secret), clocks

    def code(self, steps: int = 0) -> str:
        return self._totp.generate_otp(int(self._clocks.now().timestamp() // 30) + steps)


@pytest.fixture
async def signed_in(auth: AuthService) -> SignIn:
    await sari(auth)
    return (await auth.sign_in("sari", PASSWORD, HOME))[1]


@pytest.fixture
async def with_app(factors: FactorService, signed_in: SignIn, clocks: Any) -> tuple[Phone, list[str]]:
    phone = Phone((await factors.begin_totp(signed_in)).secret, clocks)
    codes = await factors.confirm_totp(phone.code(), signed_in)
    clocks.advance(60)
    return phone, codes


async def pending(factors: FactorService, address: str = HOME) -> str:
    with pytest.raises(SecondFactorPendingError) as needed:
        await factors.sign_in("sari", PASSWORD, address)
    assert needed.value.pending not in str(needed.value)
    return needed.value.pending


async def test_a_password_alone_no_longer_lets_in_whoever_calls(
    auth: AuthService, factors: FactorService, with_app: tuple[Phone, list[str]], signed_in: SignIn
) -> None:
    before = len(await auth.sessions_of("sari"))
    with pytest.raises(SecondFactorNeededError):
        await auth.sign_in("sari", PASSWORD, HOME)
    with pytest.raises(SecondFactorNeededError):
        await auth.admit(signed_in.person.id, Method.PASSWORD, HOME)
    with pytest.raises(WrongSignInError):
        await factors.sign_in("sari", "not her password", HOME)
    assert len(await auth.sessions_of("sari")) == before


async def test_two_steps_make_a_new_sign_in_and_the_half_one_is_used_up(
    factors: FactorService, with_app: tuple[Phone, list[str]], signed_in: SignIn
) -> None:
    half = await pending(factors)
    _, sign_in = await factors.second_factor(half, with_app[0].code(), HOME)
    assert sign_in.session_id != signed_in.session_id
    assert sign_in.method == Method.TOTP
    with pytest.raises(PendingOverError):
        await factors.second_factor(half, with_app[0].code(1), HOME)


async def test_a_code_is_used_once_also_by_two_at_the_same_moment(
    factors: FactorService, with_app: tuple[Phone, list[str]]
) -> None:
    phone, halves = with_app[0], [await pending(factors) for _ in range(5)]
    outcomes = await asyncio.gather(
        *(factors.second_factor(half, phone.code(), HOME) for half in halves), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(tuple) == 1
    assert sum(isinstance(outcome, WrongCodeError) for outcome in outcomes) == 4
    with pytest.raises(WrongCodeError):  # an older one that was never used is over too
        await factors.second_factor(await pending(factors), phone.code(-1), HOME)


async def test_a_recovery_code_works_once_in_any_spelling(
    factors: FactorService, with_app: tuple[Phone, list[str]], signed_in: SignIn
) -> None:
    _, codes = with_app
    typed = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert await factors.second_factor(await pending(factors), typed, HOME)
    assert (await factors.factors_of(signed_in.person.id)).recovery_codes == 9
    with pytest.raises(WrongCodeError):
        await factors.second_factor(await pending(factors), codes[0], HOME)
    fresh = await factors.new_recovery_codes(signed_in)
    with pytest.raises(WrongCodeError):
        await factors.second_factor(await pending(factors), codes[1], HOME)
    assert await factors.second_factor(await pending(factors), fresh[1], HOME)


async def test_a_half_sign_in_ends_by_time_by_tries_and_by_a_new_password(
    auth: AuthService, factors: FactorService, with_app: tuple[Phone, list[str]], clocks: Any
) -> None:
    phone = with_app[0]
    half = await pending(factors)
    clocks.advance(LIFE_S + 1)
    with pytest.raises(PendingOverError):
        await factors.second_factor(half, phone.code(), HOME)
    half = await pending(factors)
    for _ in range(TRIES):
        with pytest.raises(WrongCodeError):
            await factors.second_factor(half, "000000", HOME)
    clocks.advance(120)
    with pytest.raises(PendingOverError):
        await factors.second_factor(half, phone.code(), HOME)
    half = await pending(factors)
    await auth.set_password("sari", "a wholly new one 7")
    with pytest.raises(PendingOverError):
        await factors.second_factor(half, phone.code(), HOME)
    with pytest.raises(PendingOverError):
        await factors.second_factor("x" * 43, phone.code(), HOME)


async def test_codes_cannot_be_guessed_and_the_owner_s_own_address_stays_open(
    factors: FactorService, with_app: tuple[Phone, list[str]], clocks: Any
) -> None:
    phone = with_app[0]
    await factors.second_factor(await pending(factors), phone.code(), HOME)
    clocks.advance(60)
    judged = 0
    for _ in range(8):  # an attacker who has the password, from ever new networks
        half = await pending(factors, ELSEWHERE)
        for number in range(TRIES):
            try:
                await factors.second_factor(half, "000000", f"203.0.{number}.77")
            except WrongCodeError:
                judged += 1
            except ThrottledError:
                continue
    assert judged == 5
    assert await factors.second_factor(await pending(factors), phone.code(), HOME)


async def test_a_burst_of_codes_gets_no_further_than_one_by_one(
    factors: FactorService, with_app: tuple[Phone, list[str]], signed_in: SignIn
) -> None:
    guesses = [factors.step_up_by_code(f"{number:06}", signed_in, ELSEWHERE) for number in range(40)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, WrongCodeError) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, ThrottledError) for outcome in outcomes) == 35


async def test_fresh_proofs_by_what_the_person_has(
    auth: AuthService, factors: FactorService, signed_in: SignIn, clocks: Any
) -> None:
    clocks.advance(601)
    assert not (await now_of(auth, signed_in)).is_fresh(clocks.now())
    with pytest.raises(WrongProofError, match="password is wrong"):
        await factors.step_up_by_password("not hers", signed_in, HOME)
    at = await factors.step_up_by_password(PASSWORD, signed_in, HOME)
    assert at == clocks.now()
    renewed = await now_of(auth, signed_in)
    assert (renewed.is_fresh(clocks.now()), renewed.method) == (True, Method.PASSWORD)
    phone = Phone((await factors.begin_totp(signed_in)).secret, clocks)
    await factors.confirm_totp(phone.code(), signed_in)
    clocks.advance(60)
    with pytest.raises(WrongProofError, match="alone is not enough"):
        await factors.step_up_by_password(PASSWORD, signed_in, HOME)
    await factors.step_up_by_code(phone.code(), signed_in, HOME)
    assert (await now_of(auth, signed_in)).method == Method.PASSWORD  # what it began with


async def test_an_app_counts_only_when_its_code_was_shown_and_is_not_set_up_twice(
    auth: AuthService, factors: FactorService, signed_in: SignIn, clocks: Any
) -> None:
    with pytest.raises(NoTotpError):
        await factors.confirm_totp("123456", signed_in)
    first = Phone((await factors.begin_totp(signed_in)).secret, clocks)
    second = Phone((await factors.begin_totp(signed_in)).secret, clocks)
    with pytest.raises(WrongCodeError):
        await factors.confirm_totp(first.code(), signed_in)
    assert await auth.sign_in("sari", PASSWORD, HOME)  # nothing is asked for yet
    assert len(set(await factors.confirm_totp(second.code(), signed_in))) == 10
    for act in (factors.begin_totp(signed_in), factors.confirm_totp(second.code(), signed_in)):
        with pytest.raises(NoTotpError):
            await act
    await factors.remove_totp(signed_in)
    assert await auth.sign_in("sari", PASSWORD, HOME)
    for gone in (factors.remove_totp(signed_in), factors.new_recovery_codes(signed_in)):
        with pytest.raises(NoTotpError):
            await gone


async def test_neither_secret_nor_recovery_code_is_readable_in_the_database(
    factors: FactorService, store: Store, signed_in: SignIn, clocks: Any
) -> None:
    fresh = await factors.begin_totp(signed_in)
    codes = await factors.confirm_totp(Phone(fresh.secret, clocks).code(), signed_in)
    with store.engine.connect() as connection:
        tables = [connection.execute(text(f"SELECT * FROM {name}")) for name in ("totp", "recovery_code")]
        stored = repr([tuple(row) for rows in tables for row in rows])
    assert fresh.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert fresh.secret not in repr(fresh)


async def test_another_key_opens_nothing_refuses_and_counts_no_guess(
    auth: AuthService, store: Store, clocks: Any, with_app: tuple[Phone, list[str]], signed_in: SignIn
) -> None:
    other = service(auth, store, clocks, sealer(b"\x01" * 32))
    for _ in range(30):
        with pytest.raises(AuthUnavailableError):
            await other.step_up_by_code(with_app[0].code(), signed_in, HOME)


@given(st.text(max_size=12), st.floats(0, 4e9))
def test_only_six_figures_of_a_step_beside_now_match(typed: str, now_s: float) -> None:
    secret = RFC_SECRET
    step = matching_step(secret, typed, now_s)
    right = {pyotp.TOTP(secret).generate_otp(int(now_s // 30) + around) for around in (-1, 0, 1) if now_s >= 30}
    assert step is None or typed.replace(" ", "") in right


@given(st.integers(40, 10**8), st.integers(-3, 3))
def test_a_code_is_taken_one_step_early_or_late_and_no_more(now_step: int, off: int) -> None:
    secret = RFC_SECRET
    code = pyotp.TOTP(secret).generate_otp(now_step + off)
    found = matching_step(secret, code, now_step * 30.0 + 7)
    if abs(off) <= 1:
        assert found is not None
    elif found is not None:  # one in a million: two steps with the same code
        assert pyotp.TOTP(secret).generate_otp(found) == code


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B (SHA-1, last six figures)."""
    secret = RFC_SECRET
    for now_s, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert matching_step(secret, code, now_s) == now_s // 30


@given(st.text(max_size=80))
def test_what_is_no_recovery_code_has_no_digest(typed: str) -> None:
    digest = recovery_digest("p", typed)
    assert digest is None or len(digest) == 64


def test_recovery_codes_are_many_and_another_person_s_digest_differs() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(recovery_digest("a", code) not in {None, recovery_digest("b", code)} for code in codes)
