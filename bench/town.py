"""Many people at once in a service's database, each with one grant, all with the same password."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from auth.grants import GrantWish
from auth.model import Person
from auth.records import Records


def settle(
    sessions: sessionmaker[Session], names: Sequence[str], role: str, area: str, password_hash: str | None = None
) -> None:
    """Store them, each with this role in this area; blocks for some milliseconds each."""
    records, now = Records(sessions), datetime.now(UTC)
    for name in names:
        person = Person(uuid.uuid4().hex, name, name.title(), created=now)
        records.add_person(person, password_hash, GrantWish(role=role, areas=(area,), reason="bench"), "")
