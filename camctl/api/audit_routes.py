"""Reading and exporting the audit log, and notes on its entries: what concerns the caller's areas."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from auth.model import Person, SignIn
from auth.policy import Reach, Standing
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.access import Holding
from camctl.api.audit_schemas import AuditEntryOut, AuditPage, NoteIn
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    BAD_INPUT,
    CROSS_SITE,
    FORBIDDEN,
    NOT_FOUND,
    STEP_UP_NEEDED,
    UNAVAILABLE,
    ProblemError,
    documented,
)
from camctl.api.services import Services, services_of
from camctl.api.step_up import TakingRecord
from camctl.audit.checkpoint import SignedCheckpoint, read_checkpoint
from camctl.audit.entry import Action
from camctl.audit.export import csv_lines, json_lines
from camctl.audit.log import AuditLog
from camctl.audit.search import Filter, cursor_of, in_order, page

router = APIRouter(prefix=PREFIX, tags=["audit"])

Auditing = Annotated[SignIn, Depends(Holding(Capability.AUDIT))]
PIECE_ROWS = 2_000
_CURSOR = re.compile(r"([0-9TZ:.-]{27})~([a-z0-9-]{1,32})~([0-9]{1,18})")
_NO_ENTRY = "There is no such entry, or none that you may know of."
_Text = Annotated[str, Query(max_length=120)]


class Format(StrEnum):
    """How rows are exported."""

    JSONL = "jsonl"
    CSV = "csv"


def reach_of(person: Person, services: Services) -> Reach:
    """Where the person may read what is on record."""
    tops = [area.code for area in services.areas.children(None)]
    cameras = [camera.entry.ref for camera in services.cameras]
    return Standing(person, utc_now()).reach(Capability.AUDIT, tops, cameras)


def _wanted(
    caller: Auditing,
    request: Request,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    person: _Text = "",
    camera: _Text = "",
    area: _Text = "",
    action: Action | None = None,
    text: _Text = "",
    about: _Text = "",
) -> Filter:
    """Which rows: `person` an id or part of a name; `area` with all below it; `about` notes on the entry chain/seq."""
    within = reach_of(caller.person, services_of(request))
    return Filter(since, until, person, camera, area, action, text, about, within)


Wanted = Annotated[Filter, Depends(_wanted)]


def _log(services: Services) -> AuditLog:
    if services.audit_log is None:
        raise ProblemError(UNAVAILABLE, "This service keeps no audit log.")
    return services.audit_log


def _after(cursor: str) -> tuple[str, str, int] | None:
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        what = "not the `next` of a page"
        raise ProblemError(BAD_INPUT, f"after: {what}", faults=[{"where": "after", "what": what}])
    return found[1], found[2], int(found[3])


@router.get("/audit", responses=documented(FORBIDDEN))
async def search(
    caller: Auditing,  # noqa: ARG001  the permission
    request: Request,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=80)] = "",
) -> AuditPage:
    """Rows of the caller's areas, newest first."""
    log = _log(services_of(request))
    rows = await asyncio.to_thread(log.read, page(wanted, limit + 1, _after(after)))
    place = "~".join(map(str, cursor_of(rows[limit - 1]))) if len(rows) > limit else None
    return AuditPage(items=[AuditEntryOut.of(row) for row in rows[:limit]], next=place)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        **documented(FORBIDDEN, STEP_UP_NEEDED),
        200: {"content": {"application/jsonl": {"schema": {"type": "string"}}, "text/csv": {}}},
    },
)
async def export(
    caller: TakingRecord,
    request: Request,
    wanted: Wanted,
    form: Annotated[Format, Query(alias="format")] = Format.JSONL,
) -> Response:
    """All rows that are wanted as a file, chain by chain in their order; that it was taken is on record itself.

    JSON Lines begin with the signed checkpoints, so that `camctl audit verify --file` can judge them.
    """
    services = services_of(request)
    log = _log(services)
    checkpoints = [read_checkpoint(line) for _, line in await asyncio.to_thread(log.checkpoint_lines)]
    await services.audit.exported(caller.person, {"format": form.value, **wanted.details()})
    name = f"audit.{form.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    kind = "application/jsonl" if form is Format.JSONL else "text/csv; charset=utf-8"
    return StreamingResponse(_file(log, wanted, form, checkpoints), headers=headers, media_type=kind)


async def _file(
    log: AuditLog, wanted: Filter, form: Format, checkpoints: list[SignedCheckpoint]
) -> AsyncIterator[bytes]:
    """The file in pieces, read as fast as the other side takes them."""
    after, skipped = ("", 0), 0
    while True:
        rows = await asyncio.to_thread(log.read, in_order(wanted, PIECE_ROWS, after))
        if form is Format.JSONL:
            lines = list(json_lines(rows, checkpoints, is_all=wanted.is_everything))
        else:
            lines = list(csv_lines(rows))
        yield b"".join(lines[skipped:])
        if len(rows) < PIECE_ROWS:
            return
        after, skipped = (rows[-1].chain, rows[-1].seq), len(lines) - len(rows)  # what comes first comes once


@router.post("/audit/{chain}/{seq}/notes", status_code=201, responses=documented(FORBIDDEN, NOT_FOUND, CROSS_SITE))
async def add_note(chain: str, seq: int, body: NoteIn, caller: Auditing, request: Request) -> AuditEntryOut:
    """Append a note to an entry; 201 when it is on the disk."""
    services = services_of(request)
    about = await asyncio.to_thread(_log(services).get, chain, seq) if 0 < seq < 2**62 else None
    if about is None or not reach_of(caller.person, services).includes(about.camera, about.area):
        raise ProblemError(NOT_FOUND, _NO_ENTRY)
    try:
        row = await services.audit.append(
            caller.person, Action.NOTE, about.camera, about.area, f"{chain}/{seq}", body.text
        )
    except OSError:
        raise ProblemError(UNAVAILABLE, "The audit log cannot be written at the moment; try again shortly.") from None
    return AuditEntryOut.of(row)
