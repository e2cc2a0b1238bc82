"""People change: by the rules or not at all, heard by everyone who has to know, and with effect at once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from auth.errors import PersonRuleError, UnknownPersonError, WrongSignInError
from auth.model import CameraRef
from auth.policy import allows
from auth.roles import Capability
from auth.service import SessionRules
from tests.support.people import regrant
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.service import AuthService

CAMERA = CameraRef("c", "31.71.01.1001")


async def test_a_change_is_told_and_bites_at_once(auth: AuthService, clocks: Any) -> None:
    await sari(auth)
    token, sign_in = await auth.sign_in("sari", PASSWORD, HOME)
    assert await auth.authenticate(token)
    told: list[str] = []
    auth.on_change.append(told.append)

    await regrant(auth, "sari", "official", "31.72")
    now = await auth.authenticate(token)
    assert now is not None
    assert now.person.areas == ("31.72",)
    assert not allows(now.person, Capability.SEE, CAMERA, clocks.now())

    await regrant(auth, "sari", "operator", "31.72", "31.71.01", "31.72")
    now = await auth.authenticate(token)
    assert now is not None
    assert now.person.areas == ("31.71.01", "31.72")
    assert now.person.role == "operator"

    await auth.disable_person("sari")
    assert await auth.authenticate(token) is None
    await auth.enable_person("sari")
    assert await auth.authenticate(token) is None
    assert told == [sign_in.person.id] * 6


async def test_processes_that_write_at_once_wait_for_each_other(services: Any) -> None:
    one, two = services.make(), services.make()
    await sari(one)
    changes = [
        service.change_person(
            "sari", lambda person: replace(person, organisation=str(int(person.organisation or 0) + 1))
        )
        for _ in range(20)
        for service in (one, two)
    ]
    await asyncio.gather(*changes)
    assert (await one.person("sari")).organisation == "40"


async def test_a_new_password_ends_the_other_sign_ins_and_tokens(auth: AuthService, clocks: Any) -> None:
    await sari(auth)
    here, kept = await auth.sign_in("sari", PASSWORD, HOME)
    there, _ = await auth.sign_in("sari", PASSWORD, HOME)
    program = await auth.issue_token("sari", clocks.now() + timedelta(days=1), "wall")
    told: list[str] = []
    auth.on_change.append(told.append)
    await auth.set_password("sari", "another password", keep_session_id=kept.session_id)
    assert await auth.authenticate(here)
    assert await auth.authenticate(there) is None
    assert await auth.authenticate(program) is None
    assert told == [kept.person.id]
    with pytest.raises(WrongSignInError):
        await auth.sign_in("sari", PASSWORD, HOME)
    assert await auth.sign_in("sari", "another password", HOME)


async def test_changes_of_another_process_are_heard_once_each(services: Any) -> None:
    api, shell = services.make(rules=SessionRules(fresh_s=1000.0)), services.make()
    await sari(api)
    token, sign_in = await api.sign_in("sari", PASSWORD, HOME)
    assert await api.authenticate(token)
    told: list[str] = []
    api.on_change.append(told.append)

    await api.change_person("sari", lambda person: replace(person, organisation="Dishub"))
    await api.poll_changes()
    assert told == [sign_in.person.id]  # its own change is not news

    assert await api.authenticate(token)
    await shell.disable_person("sari")
    assert await api.authenticate(token) is not None  # believed until it hears
    await api.poll_changes()
    assert await api.authenticate(token) is None
    assert told == [sign_in.person.id] * 2
    await api.poll_changes()
    assert told == [sign_in.person.id] * 2


async def test_without_hearing_the_database_is_asked_after_half_a_second(services: Any) -> None:
    api, shell = services.make(), services.make()
    await sari(api)
    token, _ = await api.sign_in("sari", PASSWORD, HOME)
    assert await api.authenticate(token)
    await shell.disable_person("sari")
    services.clocks.advance(0.5)
    assert await api.authenticate(token) is None


async def test_an_answer_read_before_a_change_is_not_remembered_after_it(
    auth: AuthService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sari(auth)
    token, _ = await auth.sign_in("sari", PASSWORD, HOME)
    read, go_on = asyncio.Event(), asyncio.Event()
    database = auth._db

    async def slow(call: Any, *arguments: Any) -> Any:
        result = await database(call, *arguments)
        if call == auth._records.by_token and not read.is_set():
            read.set()
            await go_on.wait()
        return result

    monkeypatch.setattr(auth, "_db", slow)
    asking = asyncio.create_task(auth.authenticate(token))
    await read.wait()
    await auth.disable_person("sari")
    go_on.set()
    assert await asking is None
    assert await auth.authenticate(token) is None


async def test_a_broken_listener_does_not_keep_the_next_from_hearing(
    auth: AuthService, caplog: pytest.LogCaptureFixture
) -> None:
    await sari(auth)
    told: list[str] = []

    def broken(person_id: str) -> None:
        raise RuntimeError("broken")

    auth.on_change += [broken, told.append]
    await auth.disable_person("sari")
    assert len(told) == 1
    assert "a listener failed" in caplog.text


async def test_watching_survives_an_outage_and_purges(
    services: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    auth = services.make(rules=SessionRules(poll_s=0.001, purge_s=3600.0))
    await sari(auth)
    await auth.sign_in("sari", PASSWORD, HOME)
    services.clocks.advance(9 * 24 * 3600)
    told = asyncio.Event()
    auth.on_change.append(lambda _: told.set())
    failures = iter([True, True])
    changes_after = auth._records.changes_after

    def failing(after: int) -> Any:
        if next(failures, False):
            raise OperationalError("SELECT", {}, Exception("the disk is gone"))
        return changes_after(after)

    monkeypatch.setattr(auth._records, "changes_after", failing)
    watching = asyncio.create_task(auth.watch_changes())
    try:
        async with asyncio.timeout(10):
            while await auth.sessions_of("sari"):  # noqa: ASYNC110 - the database gives no signal
                await asyncio.sleep(0.001)
            await services.make().disable_person("sari")
            await told.wait()
    finally:
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1  # the first failure is loud, its repetition quiet


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"username": "x y"}, "username"), ({"username": "SARI"}, "username"), ({"password": "short"}, "password"),
     ({"password": "nobody-else"}, "password"), ({"password": "\ud800" * 9}, "password"), ({"role": "mayor"}, "role"),
     ({"areas": ["31."]}, "areas"), ({"areas": [""]}, "areas"), ({"priority": 101}, "priority"),
     ({"priority": -1}, "priority"),
     ({"display_name": "a\u202eb"}, "display_name"), ({"display_name": "x" * 121}, "display_name"),
     ({"role": "partner"}, "organisation"), ({"organisation": "a\nb"}, "organisation")],
)  # fmt: skip
async def test_a_person_that_breaks_a_rule_is_not_stored(auth: AuthService, wrong: dict[str, Any], field: str) -> None:
    await sari(auth)
    request = {"username": "nobody-else", "password": PASSWORD, "role": "operator", "areas": ["31"], **wrong}
    with pytest.raises(PersonRuleError) as refused:
        await auth.create_person(request.pop("username"), request.pop("password"), **request)
    assert refused.value.field == field
    assert PASSWORD not in str(refused.value)
    assert [person.username for person in await auth.list_people()] == ["sari"]


async def test_a_change_that_breaks_a_rule_changes_nothing(auth: AuthService) -> None:
    await sari(auth)
    before = await auth.person("sari")
    with pytest.raises(PersonRuleError):
        await auth.change_person("sari", lambda person: replace(person, display_name=""))
    assert await auth.person("sari") == before
    for act in (auth.disable_person("nobody"), auth.set_password("nobody", PASSWORD), auth.sessions_of("nobody")):
        with pytest.raises(UnknownPersonError):
            await act
