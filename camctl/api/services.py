"""What the routes work with: filled by the composition root, read through the application's state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

from auth.service import AuthService
from camctl.areas.tree import AreaTree
from camctl.cameras.registry import Cameras
from camctl.config import Config
from camctl.media import Media
from camctl.metrics import Metrics

if TYPE_CHECKING:
    from camctl.api.revocation import LiveUses


@dataclass(frozen=True, slots=True)
class Services:
    """One of each part. `problems_now` says why the service is not ready, in sentences; empty when it is."""

    config: Config
    auth: AuthService
    cameras: Cameras
    media: Media
    areas: AreaTree
    metrics: Metrics
    uses: LiveUses
    problems_now: Callable[[], Awaitable[list[str]]]
    worker_metrics: Callable[[], Awaitable[str]]


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request or socket."""
    return cast("Services", connection.app.state.services)
