"""What the routes work with: filled by the composition root, read through the application's state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

from auth.factor_service import FactorService
from auth.joining import Joining
from auth.model import Territory
from auth.passkey_service import PasskeyService
from auth.policy import PriorityOverride
from auth.restreams import RestreamAccounts
from auth.service import AuthService
from auth.setup_code import SetupCode
from auth.sign_in_list import SignInList
from camctl.api.auditing import ServiceAudit
from camctl.api.rates import Rates
from camctl.api.recent import RecentSignIns
from camctl.api.territory import territory_of
from camctl.areas.tree import AreaTree
from camctl.audit.log import AuditLog
from camctl.boundaries import Boundaries
from camctl.cameras.patrols import Patrols
from camctl.config import Config
from camctl.control.client import ControlClient
from camctl.fallback import Fallback
from camctl.media import Media
from camctl.metrics import Metrics
from camctl.turn import TurnServers

if TYPE_CHECKING:
    from auth.city_sign_in import CitySignIn
    from camctl.api.revocation import LiveUses


@dataclass(frozen=True, slots=True)
class Services:
    """One of each part. `problems_now` says why the service is not ready, in sentences; empty when it is.

    `audit` records, `audit_log` is read (None: there is none, in tests).
    `restream_port` says where recorders pull video, None while they may not.
    `turn` is what viewers behind closed networks are told of. `priorities` are the configuration's rules on who comes
    before whom in which area. `city` lets people in by the city's directory, None without one. `is_self_signed`: nobody
    vouches for the certificate that browsers are shown.
    """

    config: Config
    auth: AuthService
    passkeys: PasskeyService
    factors: FactorService
    cameras: ControlClient
    media: Media
    areas: AreaTree
    boundaries: Boundaries
    metrics: Metrics
    uses: LiveUses
    problems_now: Callable[[], Awaitable[list[str]]]
    worker_metrics: Callable[[], Awaitable[str]]
    patrols: Patrols
    fallback: Fallback
    restreams: RestreamAccounts
    restream_port: Callable[[], int | None]
    joining: Joining
    setup: SetupCode
    sign_ins: SignInList
    turn: TurnServers | None = None
    audit: ServiceAudit = field(default_factory=ServiceAudit)
    audit_log: AuditLog | None = None
    is_self_signed: bool = False
    rates: Rates = field(init=False)
    city: CitySignIn | None = None
    priorities: tuple[PriorityOverride, ...] = field(init=False)

    def __post_init__(self) -> None:
        rules = (PriorityOverride(rule.area, rule.role, rule.priority) for rule in self.config.control.priorities)
        object.__setattr__(self, "priorities", tuple(rules))
        object.__setattr__(self, "rates", Rates(self.config.server.limits, self.metrics))

    @property
    def territory(self) -> Territory:
        """The city as the rules about people see it."""
        return territory_of(self.areas, self.cameras)

    @property
    def recent(self) -> RecentSignIns:
        """Sign-ins that were let in lately."""
        return self.uses.recent


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request or socket."""
    return cast("Services", connection.app.state.services)
