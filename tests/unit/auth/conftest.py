"""A migrated database in a file, a cheap hasher, and clocks that tests turn by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from auth.passwords import Passwords
from auth.service import AuthService, SessionRules
from auth.throttle import Throttle
from camctl.store import Store, migrate, open_store
from tests.support.directory import Directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "kuda lumping 7"
HOME = "203.0.113.9"


async def sari(auth: AuthService, **more: Any) -> None:
    """Somebody to sign in as, from `HOME` by `PASSWORD`."""
    await auth.create_person("Sari", PASSWORD, **{"role": "official", "areas": ["31.71.01"], **more})


@dataclass
class Clocks:
    """Wall and steady clock that go together."""

    start: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    passed_s: float = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed_s)

    def steady(self) -> float:
        return self.passed_s

    def advance(self, seconds: float) -> None:
        self.passed_s += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/people.db"
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()


@dataclass
class Services:
    """Makes services on one database, as several processes would have."""

    store: Store
    clocks: Clocks
    made: list[AuthService] = field(default_factory=list)

    def make(self, *, passwords: Passwords | None = None, rules: SessionRules | None = None) -> AuthService:
        service = AuthService(
            self.store.sessions,
            passwords=passwords or Passwords(CHEAP),
            throttle=Throttle(),
            rules=rules,
            clock=self.clocks.now,
            steady=self.clocks.steady,
        )
        self.made.append(service)
        return service


@pytest.fixture
async def services(store: Store, clocks: Clocks) -> AsyncIterator[Services]:
    made = Services(store, clocks)
    yield made
    for service in made.made:
        await service.close()


@pytest.fixture
def auth(services: Services) -> AuthService:
    return services.make()


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
async def invited(directory: Directory, auth: AuthService, store: Store, clocks: Clocks) -> Any:
    """Somebody of the city who was invited here under their address."""
    from tests.unit.auth.city_kit import Browser

    browser = Browser(directory, auth, store, clocks)
    await auth.create_person("sari@example.go.id", PASSWORD, role="official", areas=["31.71.01"])
    directory.claims = {"email": "Sari@example.go.id", "email_verified": True}
    yield browser
    await browser.city.close()


@pytest.fixture
async def ruled(directory: Directory, auth: AuthService, store: Store, clocks: Clocks) -> Any:
    """Somebody whom a rule makes a person here."""
    from tests.unit.auth.city_kit import RULES, Browser

    browser = Browser(directory, auth, store, clocks, invite_only=False, rules=RULES)
    directory.claims = {"groups": ["other", "camat-gambir"], "preferred_username": "Budi", "name": "Pak Budi"}
    yield browser
    await browser.city.close()
