"""The tables of the service itself, the same for SQLite and PostgreSQL; those of people are auth's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from auth.tables import Base as AuthBase
from auth.tables import UtcTime


class Base(DeclarativeBase):
    """The metadata of this package."""

    metadata = MetaData(naming_convention=AuthBase.metadata.naming_convention)


class PatrolRow(Base):
    """A patrol of a camera; cameras themselves are in the configuration. `place`: which runs first, 0 before 1."""

    __tablename__ = "patrol"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(80))
    priority: Mapped[int]
    stops: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    windows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    enabled: Mapped[bool]
    place: Mapped[int]
    updated_by: Mapped[str] = mapped_column(String(120))
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
