"""Accounts of the re-stream: stored by their hashes, for people who are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.errors import AuthUnavailableError, PersonRuleError, UnknownPersonError
from auth.restreams import RestreamAccounts, TooManyAccountsError, UnknownAccountError, account_name
from auth.service import AuthService
from camctl.store import Store, open_store
from tests.unit.auth.conftest import Clocks

HASHES = {"MD5": "0" * 32, "SHA-256": "1" * 64}


async def someone(auth: AuthService, username: str = "sari") -> None:
    await auth.create_person(username, "a long password", role="operator", areas=["31"])


async def test_an_account_is_kept_with_its_person_and_its_change_is_heard(
    auth: AuthService, store: Store, clocks: Clocks
) -> None:
    await someone(auth)
    heard: list[str] = []
    auth.on_change.append(heard.append)
    accounts = RestreamAccounts(store.sessions)
    added = accounts.add("Sari", "NVR-1", HASHES, ["b", "a", "a"], clocks.now())
    assert (added.name, added.cameras) == ("nvr-1", ("a", "b"))
    assert accounts.all() == [added]
    assert added.person.username == "sari"
    assert "0" * 32 not in repr(added)
    await auth.poll_changes()
    assert heard == [added.person.id]
    accounts.remove("nvr-1", clocks.now())
    assert accounts.all() == []
    await auth.poll_changes()
    assert heard == [added.person.id] * 2


async def test_names_are_unique_and_people_are_there(auth: AuthService, store: Store, clocks: Clocks) -> None:
    await someone(auth)
    accounts = RestreamAccounts(store.sessions)
    accounts.add("sari", "nvr", HASHES, [], clocks.now())
    with pytest.raises(PersonRuleError, match="already"):
        accounts.add("sari", "nvr", HASHES, [], clocks.now())
    with pytest.raises(UnknownPersonError):
        accounts.add("nobody", "nvr-2", HASHES, [], clocks.now())
    with pytest.raises(UnknownAccountError):
        accounts.remove("nvr-2", clocks.now())
    await auth.disable_person("sari")
    with pytest.raises(PersonRuleError, match="disabled"):
        accounts.add("sari", "nvr-3", HASHES, [], clocks.now())
    assert [item.person.disabled for item in accounts.all()] == [True]


async def test_a_person_has_so_many_and_no_more_where_there_is_a_bound(
    auth: AuthService, store: Store, clocks: Clocks
) -> None:
    await someone(auth)
    await someone(auth, "budi")
    accounts = RestreamAccounts(store.sessions)
    for name in ("a", "b"):
        accounts.add("sari", name, HASHES, [], clocks.now(), 2)
    with pytest.raises(TooManyAccountsError, match="sari has 2 re-stream accounts"):
        accounts.add("sari", "c", HASHES, [], clocks.now(), 2)
    accounts.add("budi", "c", HASHES, [], clocks.now(), 2)
    accounts.add("sari", "d", HASHES, [], clocks.now())
    assert [account.name for account in accounts.all()] == ["a", "b", "c", "d"]


async def test_an_account_of_somebody_else_is_removed_by_nobody(
    auth: AuthService, store: Store, clocks: Clocks
) -> None:
    await someone(auth)
    accounts = RestreamAccounts(store.sessions)
    accounts.add("sari", "nvr", HASHES, [], clocks.now())
    with pytest.raises(UnknownAccountError, match="nvr"):
        accounts.remove("nvr", clocks.now(), lambda person: person.username != "sari")
    accounts.remove("NVR", clocks.now(), lambda person: person.username == "sari")
    assert accounts.all() == []


@pytest.mark.parametrize("name", ["", "a:b", 'a"b', "-a", "x" * 65])
def test_names_that_no_digest_can_carry_are_refused(name: str) -> None:
    with pytest.raises(PersonRuleError, match="An account's name"):
        account_name(name)


def test_a_database_that_does_not_answer_is_said(tmp_path: Path) -> None:
    empty = open_store(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(AuthUnavailableError):
        RestreamAccounts(empty.sessions).all()
    empty.close()
