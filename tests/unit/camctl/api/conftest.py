"""A house with people, cameras, and nothing real behind them."""

from __future__ import annotations

import functools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from argon2 import PasswordHasher

from auth.factor_records import FactorRecords
from auth.factor_service import FactorService
from auth.joining import Joining
from auth.passkey_records import PasskeyRecords
from auth.passkey_service import PasskeyService
from auth.passwords import Passwords
from auth.restreams import RestreamAccounts
from auth.service import AuthService, SessionRules
from auth.setup_code import SetupCode
from auth.sign_in_list import SignInList
from camctl.api.application import describe, put_to_work
from camctl.api.auditing import ServiceAudit
from camctl.api.revocation import LiveUses
from camctl.api.services import Services
from camctl.api.territory import territory_of
from camctl.areas.tree import load_jakarta
from camctl.audit.log import AuditLog
from camctl.boundaries import Boundaries
from camctl.cameras.model import CameraEntry
from camctl.cameras.patrols import Patrols
from camctl.config import Config, turn_servers
from camctl.egress import EgressPolicy
from camctl.fallback import Fallback
from camctl.media import Media
from camctl.metrics import Metrics
from camctl.sources import Sources
from camctl.store import migrate, open_store
from camctl.store.boundaries import BoundaryStore
from camctl.store.patrols import PatrolStore
from camctl.supervisor import Supervisor
from tests.support.fake_control import FakeControl
from tests.support.sealing import sealer
from tests.unit.camctl.api.api_kit import ENTRIES, PEOPLE, PLACES, BreakableStore, FakePool, House, ListRecorder

PASSWORD = "kuda lumping 7"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
Fill = Callable[[AuthService], Awaitable[dict[str, str]]]


described = functools.cache(describe)


async def people_of_the_kit(auth: AuthService) -> dict[str, str]:
    tokens = {}
    for username, (role, area) in PEOPLE.items():
        organisation = "PT Contoh" if role == "partner" else ""
        await auth.create_person(
            username, PASSWORD, role=role, areas=[area], display_name=username.title(), organisation=organisation
        )
        tokens[username], _ = await auth.sign_in(username, PASSWORD, "192.0.2.1")
    return tokens


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test wants of the configuration, by section."""
    return {}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the newest schema, made once."""
    path = tmp_path_factory.mktemp("schema") / "people.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def house(tmp_path: Path, empty_database: Path, options: dict[str, Any]) -> AsyncIterator[House]:
    async with opened_house(empty_database, tmp_path, options) as opened:
        yield opened


@asynccontextmanager
async def opened_house(
    database: Path,
    folder: Path,
    options: Mapping[str, Any],
    entries: Iterable[CameraEntry] = ENTRIES,
    fill: Fill = people_of_the_kit,
    fresh_s: float = 0.0,
) -> AsyncIterator[House]:
    """A house on a copy of this database, made in `folder`; `fill` says who lives there, with their tokens.

    One house at a time: they share an application, which is most of what a house costs.
    """
    url = f"sqlite:///{shutil.copy(database, folder / 'people.db')}"
    store = open_store(url)
    people = BreakableStore(store)
    config = Config.model_validate({"cameras": {"approved_networks": ["127.0.0.0/8"]}, **options})
    auth = AuthService(
        cast("Any", people), passwords=Passwords(CHEAP), rules=SessionRules(fresh_s=fresh_s, poll_s=0.05)
    )
    control, pool, metrics, supervisor = FakeControl(entries), FakePool(), Metrics(), Supervisor()
    recorder = ListRecorder()
    audit, log = ServiceAudit(recorder), AuditLog(store.sessions)
    sources = Sources(control, EgressPolicy(config.cameras.networks))
    media = Media(control, sources, places=PLACES, metrics=metrics, views=audit)
    media.pool = pool
    passkeys = PasskeyService(auth, PasskeyRecords(cast("Any", people)))
    factors = FactorService(auth, FactorRecords(cast("Any", people)), sealer())
    uses = LiveUses(auth, control, media, supervisor)

    async def nothing_wrong() -> list[str]:
        return []

    async def no_workers() -> str:
        return ""

    services = Services(config=config, auth=auth, passkeys=passkeys, factors=factors,
                        cameras=control, media=media, areas=load_jakarta(),
                        boundaries=Boundaries(load_jakarta(), BoundaryStore(cast("Any", people))), metrics=metrics,
                        uses=uses, problems_now=nothing_wrong, worker_metrics=no_workers,
                        patrols=Patrols(PatrolStore(store.sessions)), turn=turn_servers(config.media.turn),
                        fallback=Fallback(media, metrics), restreams=RestreamAccounts(cast("Any", people)),
                        restream_port=lambda: config.restream.port if config.restream.enabled else None,
                        joining=Joining(auth, cast("Any", people), territory_of(load_jakarta(), control)),
                        setup=SetupCode(auth, ["31"]),
                        sign_ins=SignInList(cast("Any", people)),
                        audit=audit, audit_log=log)  # fmt: skip
    app = put_to_work(described(), services)
    tokens = await fill(auth)
    await uses.start()
    yield House(config, app, services, control, pool, people, auth, tokens, recorder, log)
    people.is_broken = False
    await uses.close()
    await supervisor.close()
    await auth.close()
    store.close()
