"""Schemathesis over the whole OpenAPI document, as every role and as nobody: drawn requests, right ones and wrong ones.

Whatever is asked, the service does not fail, and it answers with a documented status, content type, headers and body.
Left out: sockets, which OpenAPI does not describe (the matrix has them), and `ENDLESS`.
The application is the real one, called in this process; cameras and media workers are the kit's.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from camctl.api.application import describe
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.matrix.asgi import Answer, ask
from tests.unit.camctl.api.matrix.design import AWAY, CITY, HOME, ROLES, USUAL_PERSON, Cell, Situation
from tests.unit.camctl.api.matrix.world import ENTRIES, Inhabited, World, opened_world

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
ENDLESS = {"GET /api/v1/cameras/{camera_id}/jpegs": "pictures one after the other, without an end"}
CALLERS = [Cell(role, Situation.WHOLE_CITY) for role in (*ROLES, None)]
IS_GATE = settings().derandomize
EXAMPLES = settings().max_examples // 8
PHASES = (Phase.generate, Phase.target, Phase.shrink)  # to explain costs more than to find
HOST = "http://camctl"

for media_type in ("application/sdp", "application/trickle-ice-sdpfrag"):

    @schemathesis.serializer(media_type)
    def text(_context: Any, value: Any) -> bytes:
        return str(value).encode("utf-8", "surrogatepass")


def operations() -> list[Any]:
    found = schemathesis.openapi.from_dict(describe().openapi()).get_all_operations()
    by_label = {operation.label: operation for operation in (result.ok() for result in found)}
    for label in ENDLESS:
        del by_label[label]  # KeyError: it is served no longer, so take it off the list
    return [pytest.param(operation, id=label) for label, operation in by_label.items()]


@dataclass(slots=True)
class Caller:
    """Somebody who asks, and what there is to ask about: by the name of the parameter or member of the body."""

    world: World
    cell: Cell
    known: Mapping[str, list[Any]]

    @classmethod
    async def of(cls, world: World, cell: Cell) -> Caller:
        accounts = [await world.account(cell), await world.own_account(cell)]
        roles = list(ROLES)
        known: dict[str, list[Any]] = {
            "camera_id": [cell.camera, *(entry.id for entry in ENTRIES)],
            "session_id": [await world.video(cell)],
            "patrol_id": [await world.patrol(cell)],
            "grant_id": [await world.grant(cell)],
            "token_id": [await world.token(cell), await world.own_token(cell)],
            "secret": [await world.link(cell)],
            "scopes": [["see"]],
            "username": [cell.username, cell.person, USUAL_PERSON],
            "name": [*accounts, *roles],
            "role": roles,
            "areas": [[HOME], [AWAY], [CITY]],
            "cameras": [[], [cell.camera]],
            "capabilities": [None, ["see"]],
            "deny": [False],
            "priority": [None, 0],
            "quality": ["sub"],
            "reason": ["a test"],
            "password": [PASSWORD],
            "preset": ["1", "2"],
            "stops": [[{"preset": "1", "dwell_s": 5}]],
            "windows": [[], [{"days": [0, 6], "from": "22:00", "to": "05:00"}]],
            "window": [None, "mon-fri 07:00-18:00 Asia/Jakarta"],
            "starts_at": [None, "2029-01-01T00:00:00Z"],
            "ends_at": [None, "2030-01-01T00:00:00Z"],
        }
        return cls(world, cell, known)

    async def ask(self, request: requests.PreparedRequest) -> Answer:
        """Send it, signed in if the caller is somebody; who was signed out by an earlier request signs in again."""
        house, name = self.world.house, self.cell.username
        if self.cell.role is not None and await house.auth.authenticate(house.tokens[name]) is None:
            await self.world.new_sign_in(self.cell)
        # What was drawn for Authorization is for nobody alone.
        drawn = {str(name).lower(): str(value) for name, value in request.headers.items()}
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = drawn | self.world.headers(self.cell)
        return await ask(house.app, str(request.method), request.path_url, headers, body)


class Grounded:
    """A drawn request in which some names are of what exists, else all answers would be "there is no such thing"."""

    def __init__(self, case: Case, known: Mapping[str, list[Any]], draw: Any) -> None:
        self._case = case
        self._drawn = {part: getattr(case, part) for part in ("path_parameters", "query", "body")}
        self._choices = [
            (place, draw(st.integers(0, len(known[str(place[-1])]) - 1)))
            for place in places(self._drawn, known)
            if draw(st.integers(0, 3))
        ]

    def of(self, caller: Caller) -> Case:
        """The same, with what exists for this caller."""
        parts = deepcopy(self._drawn)
        for place, index in self._choices:
            inner: Any = parts
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = caller.known[str(place[-1])][index]
        for part, value in parts.items():
            setattr(self._case, part, value)
        return self._case


def places(value: Any, known: Mapping[str, Any], at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where in what was drawn stands something of which there is a known one."""
    if isinstance(value, list):
        return [place for index, each in enumerate(value) for place in places(each, known, (*at, index))]
    if not isinstance(value, dict):
        return []
    here = [(*at, name) for name in sorted(value.keys() & known.keys())]
    return here + [
        place for name in sorted(value.keys() - known.keys()) for place in places(value[name], known, (*at, name))
    ]


def prepared(case: Case) -> requests.PreparedRequest:
    fields = case.as_transport_kwargs(HOST)
    if fields.get("cookies"):  # by hand: a jar looks at the Host header, and stumbles over what may be drawn for that
        fields["headers"]["Cookie"] = "; ".join(f"{name}={value}" for name, value in fields["cookies"].items())
    names = ("method", "url", "headers", "params", "data", "json", "files")
    return requests.Request(**{name: fields[name] for name in names if name in fields}).prepare()


def requests_to(operation: APIOperation) -> st.SearchStrategy[Case]:
    """Right requests, and wrong ones where there is something to get wrong."""
    right = operation.as_strategy(GenerationMode.POSITIVE)
    if not (operation.query or operation.body):
        return right
    return right | operation.as_strategy(GenerationMode.NEGATIVE)


def judge(case: Case, request: requests.PreparedRequest, answer: Answer) -> None:
    headers = {name: [value] for name, value in answer.headers.items()}
    case.validate_response(Response(answer.status, headers, answer.body, request, 0.0, verify=False), CHECKS)


@pytest.fixture
def opened(inhabited: Inhabited, tmp_path: Path) -> Iterator[tuple[asyncio.AbstractEventLoop, World]]:
    """A loop that turns only while somebody waits for it, as Hypothesis wants it, and a world on it."""
    with asyncio.Runner() as runner:
        loop, stack = runner.get_loop(), AsyncExitStack()
        yield loop, loop.run_until_complete(stack.enter_async_context(opened_world(inhabited, tmp_path)))
        loop.run_until_complete(stack.aclose())


@pytest.mark.parametrize("operation", operations())
def test_every_drawn_request_is_answered_as_the_document_says(
    operation: APIOperation, opened: tuple[asyncio.AbstractEventLoop, World]
) -> None:
    loop, world = opened
    callers = [loop.run_until_complete(Caller.of(world, cell)) for cell in CALLERS]

    @settings(max_examples=EXAMPLES, database=None, phases=PHASES, suppress_health_check=list(HealthCheck))
    @given(requests_to(operation), st.data())
    def drawn(case: Case, data: st.DataObject) -> None:
        grounded = Grounded(case, callers[0].known, data.draw)
        for caller in callers:
            request = prepared(grounded.of(caller))
            judge(case, request, loop.run_until_complete(caller.ask(request)))

    # Else all operations would draw from the same numbers. One process draws the same every time; between xdist's
    # workers some differ, because Hypothesis also draws words of our modules, and each worker loads others.
    if IS_GATE:
        drawn = seed(zlib.crc32(operation.label.encode()))(drawn)
    drawn()
