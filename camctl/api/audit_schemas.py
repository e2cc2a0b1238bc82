"""The audit log as it goes over HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from camctl.api.schema_base import In
from camctl.audit.chain import AuditRow
from camctl.audit.entry import time_of

NoteText = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class AuditActorOut(BaseModel):
    """Who did it, as they were called then; empty texts for a stranger."""

    id: str
    name: str
    role: str
    organisation: str


class AuditEntryOut(BaseModel):
    """One row. `chain` and `seq` name it; `digest` and `previous` are those of the chain."""

    chain: str
    seq: int
    at: datetime
    actor: AuditActorOut
    action: str
    camera: str
    area: str
    target: str
    outcome: str
    reason_category: str
    reason: str
    details: dict[str, Any]
    previous: str
    digest: str

    @classmethod
    def of(cls, row: AuditRow) -> AuditEntryOut:
        """A row that was read."""
        return cls(
            chain=row.chain, seq=row.seq, at=time_of(row.at),
            actor=AuditActorOut(
                id=row.actor_id, name=row.actor_name, role=row.actor_role, organisation=row.actor_organisation
            ),
            action=row.action, camera=row.camera, area=row.area, target=row.target, outcome=row.outcome,
            reason_category=row.reason_category, reason=row.reason_text, details=json.loads(row.details),
            previous=row.previous, digest=row.digest,
        )  # fmt: skip


class AuditPage(BaseModel):
    """Some rows, newest first; `next` is the `after` of the next page, null on the last."""

    items: list[AuditEntryOut]
    next: str | None


class NoteIn(In):
    """A note on an entry; it is a row of its own and is never changed either."""

    text: NoteText
