"""Every route and every message x every role and nobody x every situation, against what the design promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute

from auth.grant_service import Grants
from camctl.api import messages
from tests.unit.camctl.api.matrix.asgi import Answer, Socket, ask
from tests.unit.camctl.api.matrix.design import CAMERAS, ROLES, At, Cell, Need, Outcome, Situation
from tests.unit.camctl.api.matrix.rows import MESSAGES, ROUTES, Message, Route
from tests.unit.camctl.api.matrix.world import World

NOBODY_KNOWS = "zz-unknown"
THE_DOOR = At("live")  # of the control socket
PLACES = [situation for situation in Situation if situation in {Situation.OWN_AREA, *CAMERAS}]
WHYS = {"role", "denied", "emergency", "area", "owner", "over", "may-not-grant"}


def cells(need: Need) -> Iterator[Cell]:
    """Nobody asks at every place, everybody in every situation."""
    for situation in PLACES:
        yield Cell(None, situation)
    for role in ROLES:
        for situation in Situation:
            if situation is not Situation.DENIED_THIS or need.capability:
                yield Cell(role, situation, need.capability if situation is Situation.DENIED_THIS else "")


def told_apart(row: Route | Message, cell: Cell) -> str:
    return f"{row}: {cell.role or 'nobody'}, {cell.situation} {cell.capability}".rstrip()


async def asked(world: World, row: Route, cell: Cell, values: dict[str, str], made: str) -> Answer:
    method, _, path = row.asked.partition(" ")
    path = path.format(**values)
    body, headers = row.content(cell, made)
    headers |= world.headers(cell)
    if method == "SOCKET":
        async with Socket(world.house.app, path, headers) as socket:
            return socket.refused or Answer(101, {}, b"")
    if method == "MOUNT":
        method, path = "GET", f"{path}/{NOBODY_KNOWS}"
    return await ask(world.house.app, method, path, headers, body)


def check_alike(answer: Answer, twin: Answer, values: dict[str, str], stranger: str, what: str) -> None:
    """Refuse any difference between what must not be known and what does not exist."""
    assert answer.status == twin.status, what
    assert answer.text.replace(values[stranger], NOBODY_KNOWS) == twin.text, what
    ours, theirs = ({k: v for k, v in a.headers.items() if k != "content-length"} for a in (answer, twin))
    assert ours == theirs, what


def check_refusal(answer: Answer, outcome: Outcome, what: str) -> None:
    problem = answer.problem() if answer.body else {}
    match outcome:
        case Outcome.SIGN_IN:
            assert (answer.status, problem["type"]) == (401, "urn:camctl:problem:not-signed-in"), (what, answer)
            assert answer.headers["www-authenticate"].startswith("Bearer"), what
        case Outcome.FORBIDDEN:
            assert (answer.status, problem["type"]) == (403, "urn:camctl:problem:forbidden"), (what, answer)
            assert problem["why"] in WHYS, (what, answer)
        case _:
            assert (answer.status, problem["type"]) == (404, "urn:camctl:problem:not-found"), (what, answer)


async def check(world: World, row: Route, cell: Cell) -> None:
    what = told_apart(row, cell)
    await world.tidy()
    made = await row.before(world, cell) if row.before else ""
    values = {"camera_id": cell.camera, "username": cell.person}
    for name, maker in row.path.items():
        values[name] = await maker(world, cell)
    outcome, stranger = row.needs.expects(cell), row.needs.stranger
    world.forget()
    answer = await asked(world, row, cell, values, made)
    if outcome is Outcome.DONE:
        assert answer.status in row.statuses, (what, answer)
        check_shown(row, cell, answer, what)
        return
    check_refusal(answer, outcome, what)
    if stranger:
        twin = await asked(world, row, cell, values | {stranger: NOBODY_KNOWS}, made)
        is_camera_known = outcome is Outcome.FORBIDDEN and stranger == "camera_id"
        if not is_camera_known:  # whoever sees a camera is told why they may not do this there
            check_alike(answer, twin, values, stranger, what)
    assert not world.happened(), what


def check_shown(row: Route, cell: Cell, answer: Answer, what: str) -> None:
    if row.shows is not None:
        subject = cell.camera if row.shows.stranger == "camera_id" else cell.person
        assert (f'"{subject}"' in answer.text) is (row.shows.expects(cell) is Outcome.DONE), (what, answer)


@pytest.mark.parametrize("row", ROUTES, ids=str)
async def test_a_route_is_open_to_whom_the_design_says_and_nobody_else(
    world: World, row: Route, record_property: Any
) -> None:
    count = 0
    for cell in cells(row.needs):
        await check(world, row, cell)
        count += 1
    record_property("permission cells", count)


async def check_message(world: World, row: Message, cell: Cell) -> None:
    what = told_apart(row, cell)
    await world.tidy()
    made = await row.before(world, cell) if row.before else ""
    fields = json.loads(json.dumps(dict(row.fields)).replace('"{made}"', made if made.isdigit() else json.dumps(made)))
    path = f"/api/v1/cameras/{cell.camera}/control"
    async with Socket(world.house.app, path, world.headers(cell)) as socket:
        door = THE_DOOR.expects(cell)
        if socket.refused is not None:
            assert door is not Outcome.DONE, what
            check_refusal(socket.refused, door, what)
            return
        assert door is Outcome.DONE, what
        world.forget()
        said = await socket.answer({"type": row.type, "seq": 1, **fields})
        outcome = row.needs.expects(cell)
        if outcome is Outcome.DONE:
            assert row.done in {said["type"], said.get("code")}, (what, said)
            return
        assert (said["type"], said["code"]) == ("error", "forbidden"), (what, said)
        assert not world.happened(), what


@pytest.mark.parametrize("row", MESSAGES, ids=str)
async def test_a_message_does_something_for_whom_the_design_says_and_nobody_else(
    world: World, row: Message, record_property: Any
) -> None:
    count = 0
    for cell in cells(row.needs):
        await check_message(world, row, cell)
        count += 1
    record_property("permission cells", count)


def table_of(world: World) -> set[str]:
    """What the application serves: method and path."""
    served: set[str] = set()
    for context in iter_route_contexts(world.house.app.routes):
        if isinstance(context.original_route, Mount):
            served.add(f"MOUNT {context.path}")
        elif isinstance(context.original_route, WebSocketRoute):
            served.add(f"SOCKET {context.path}")
        else:
            served |= {f"{method} {context.path}" for method in context.methods or ()}
    return served


async def test_every_route_has_a_row(world: World) -> None:
    served, rows = table_of(world), {row.asked for row in ROUTES}
    assert len(served) > 50
    missing = sorted(served - rows)
    assert not missing, f"add a Route(...) to matrix/rows.py for {', '.join(missing)}: its head says how"
    assert not rows - served, f"the application does not serve {sorted(rows - served)}: take their rows away"


def test_every_message_has_a_row() -> None:
    known = {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(messages.Message)}
    rows = {row.type for row in MESSAGES}
    assert len(known) > 10
    assert known == rows, f"matrix/rows.py needs a Message(...) for each of {sorted(known - rows)}, and no more"


async def test_every_role_of_a_new_installation_is_in_the_matrix(world: World) -> None:
    roles = await Grants(world.house.auth).roles()
    brought = {name: {each.value for each in role.capabilities} for name, role in roles.items()}
    assert brought == ROLES, "what the shipped roles bring has changed; matrix/design.py says what it should be"
