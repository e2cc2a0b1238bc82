"""Break-glass with a real database: for whom it opens, for how long, who hears of it and who judges it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from auth.emergency import EmergencyCategory, EmergencyWish, OpeningState
from auth.emergency_service import Emergencies, MayNotJudgeError, MayNotOpenError, NotNeededError
from auth.errors import AuthUnavailableError, PersonRuleError, UnknownOpeningError
from auth.grant_service import Grants
from auth.grants import GrantKind, GrantWish
from auth.model import CameraRef, Person
from auth.policy import Standing
from auth.roles import Capability
from auth.service import AuthService
from tests.support.people import regrant
from tests.unit.auth.conftest import PASSWORD, Clocks

PINTU_AIR = CameraRef("pintu-air", "31.71.01.1001", "PT Contoh", emergency_only=True)
BANJIR = EmergencyWish(EmergencyCategory.FLOOD, "112-0881", "Banjir di Manggarai")


@pytest.fixture
async def house(auth: AuthService) -> Emergencies:
    people = [("sari", "official", "31.71.01", ""), ("camat", "admin", "31.71.01", ""), ("jauh", "admin", "31.72", ""),
              ("pemilik", "partner", "31", "PT Contoh"), ("lain", "partner", "31", "PT Lain"),
              ("auditor", "auditor", "31", "")]  # fmt: skip
    for name, role, area, organisation in people:
        await auth.create_person(name, PASSWORD, role=role, areas=[area], organisation=organisation)
    return Emergencies(auth)


async def may(auth: AuthService, clocks: Clocks, name: str, capability: Capability, camera: CameraRef) -> bool:
    return Standing(await auth.person(name), clocks.now()).allows(capability, camera).allowed


async def of(auth: AuthService, name: str) -> Person:
    return await auth.person(name)


async def test_it_opens_for_the_one_who_asked_and_closes_by_itself(
    auth: AuthService, clocks: Clocks, house: Emergencies
) -> None:
    assert not await may(auth, clocks, "sari", Capability.CONTROL, PINTU_AIR)
    opening, told = await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    assert sorted(person.username for person in told) == ["camat", "pemilik"]
    assert await may(auth, clocks, "sari", Capability.CONTROL, PINTU_AIR)
    assert not await may(auth, clocks, "camat", Capability.CONTROL, PINTU_AIR), "an opening is one person's"
    assert not await may(auth, clocks, "sari", Capability.CONTROL, replace(PINTU_AIR, id="other"))
    clocks.advance(3599)
    assert await may(auth, clocks, "sari", Capability.CONTROL, PINTU_AIR)
    clocks.advance(1)
    assert not await may(auth, clocks, "sari", Capability.CONTROL, PINTU_AIR)
    assert opening.state(clocks.now()) is OpeningState.UNREVIEWED


async def test_asked_again_it_is_the_same_opening_and_nobody_is_told_twice(
    auth: AuthService, clocks: Clocks, house: Emergencies
) -> None:
    sari = await of(auth, "sari")
    first, _ = await house.open(sari, PINTU_AIR, BANJIR)
    clocks.advance(60)
    again, told = await house.open(sari, PINTU_AIR, BANJIR)
    assert (again, told) == (first, [])
    clocks.advance(3600)
    anew, told = await house.open(sari, PINTU_AIR, BANJIR)
    assert anew.id != first.id
    assert told
    held = [grant for grant in (await of(auth, "sari")).grants if grant.kind is GrantKind.EMERGENCY]
    assert len(held) == 1, "what is over does not pile up"


async def test_it_brings_nothing_that_is_not_held_there_and_ends_with_it(
    auth: AuthService, clocks: Clocks, house: Emergencies
) -> None:
    await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    narrowed = frozenset({Capability.SEE, Capability.LIVE, Capability.EMERGENCY})
    await regrant(auth, "sari", "official", "31.71.01", capabilities=narrowed)
    await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    assert await may(auth, clocks, "sari", Capability.LIVE, PINTU_AIR)
    assert not await may(auth, clocks, "sari", Capability.CONTROL, PINTU_AIR)
    taken = GrantWish(
        areas=("31.71.01",), capabilities=frozenset({Capability.EMERGENCY}), deny=True, reason="disalahgunakan"
    )
    await Grants(auth).give("sari", taken, None)
    assert not await may(auth, clocks, "sari", Capability.LIVE, PINTU_AIR), "a right that is taken bites at once"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"incident": ""}, "incident"), ({"incident": "<b>"}, "incident"), ({"reason": "  "}, "reason"),
     ({"lasting": timedelta(minutes=61)}, "minutes"), ({"lasting": timedelta(seconds=59)}, "minutes")],
)  # fmt: skip
async def test_it_says_what_is_missing(
    auth: AuthService, house: Emergencies, change: dict[str, object], field: str
) -> None:
    with pytest.raises(PersonRuleError) as refused:
        await house.open(await of(auth, "sari"), PINTU_AIR, replace(BANJIR, **change))  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_who_may_not_or_need_not_is_told_so(auth: AuthService, house: Emergencies) -> None:
    with pytest.raises(NotNeededError):
        await house.open(await of(auth, "sari"), replace(PINTU_AIR, emergency_only=False), BANJIR)
    with pytest.raises(MayNotOpenError):
        await house.open(await of(auth, "pemilik"), PINTU_AIR, BANJIR)
    with pytest.raises(MayNotOpenError):
        await house.open(await of(auth, "sari"), replace(PINTU_AIR, area="31.72.01"), BANJIR)


async def test_it_is_open_and_said_so_when_nobody_knows_whom_to_tell(
    auth: AuthService, house: Emergencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_away() -> list[Person]:
        raise AuthUnavailableError

    sari = await of(auth, "sari")
    monkeypatch.setattr(auth, "list_people", is_away)
    opening, told = await house.open(sari, PINTU_AIR, BANJIR)
    assert (opening.username, told) == ("sari", [])


@pytest.mark.parametrize("who", ["sari", "pemilik", "camat"])
async def test_opener_owner_and_supervisor_close_it(
    auth: AuthService, clocks: Clocks, house: Emergencies, who: str
) -> None:
    opening, _ = await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    clocks.advance(60)
    closed, is_news = await house.close(opening.id, await of(auth, who))
    assert (closed.closed_by, is_news, closed.over_at) == (who, True, clocks.now())
    assert not await may(auth, clocks, "sari", Capability.LIVE, PINTU_AIR)
    assert (await house.close(opening.id, await of(auth, who)))[1] is False


async def test_others_know_nothing_of_it_and_an_auditor_only_reads(auth: AuthService, house: Emergencies) -> None:
    opening, _ = await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    for who in ("jauh", "lain"):
        assert await house.known_to(await of(auth, who), 10) == []
        with pytest.raises(UnknownOpeningError):
            await house.close(opening.id, await of(auth, who))
        with pytest.raises(UnknownOpeningError):
            await house.review(opening.id, await of(auth, who), is_justified=True, words="x")
    assert [one.id for one in await house.known_to(await of(auth, "auditor"), 10)] == [opening.id]
    with pytest.raises(MayNotJudgeError):
        await house.close(opening.id, await of(auth, "auditor"))


async def test_somebody_else_judges_it_within_a_week(auth: AuthService, clocks: Clocks, house: Emergencies) -> None:
    await regrant(auth, "sari", "admin", "31.71.01")  # who may judge, but not what they opened themselves
    opening, _ = await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    with pytest.raises(MayNotJudgeError, match="still open"):
        await house.review(opening.id, await of(auth, "camat"), is_justified=False, words="lagi dibuka")
    clocks.advance(3600 + 7 * 86400)
    for who in ("sari", "pemilik"):
        with pytest.raises(MayNotJudgeError, match="somebody else"):
            await house.review(opening.id, await of(auth, who), is_justified=True, words="sesuai")
    (late,) = await house.known_to(await of(auth, "camat"), 10)
    assert late.state(clocks.now()) is OpeningState.OVERDUE
    judged = await house.review(opening.id, await of(auth, "camat"), is_justified=False, words="Tidak ada kejadian")
    assert judged.state(clocks.now()) is OpeningState.UNJUSTIFIED
    assert (judged.reviewer, judged.review) == ("camat", "Tidak ada kejadian")


async def test_taking_the_grant_away_closes_the_opening(auth: AuthService, clocks: Clocks, house: Emergencies) -> None:
    opening, _ = await house.open(await of(auth, "sari"), PINTU_AIR, BANJIR)
    await Grants(auth).revoke("sari", opening.grant_id, None)
    assert not await may(auth, clocks, "sari", Capability.LIVE, PINTU_AIR)
    (known,) = await house.known_to(await of(auth, "camat"), 10)
    assert known.closed_at == clocks.now()
