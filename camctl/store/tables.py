"""The tables of the service itself, the same for SQLite and PostgreSQL; those of people are auth's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, MetaData, String
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


class BoundaryImportRow(Base):
    """One import of areas' boundaries: from which file, when. The newest one counts; its id is the version."""

    __tablename__ = "boundary_import"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    boundaries: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(UtcTime)


class AreaBoundaryRow(Base):
    """The outline of an area, as well-known binary."""

    __tablename__ = "area_boundary"

    import_id: Mapped[int] = mapped_column(ForeignKey("boundary_import.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(140), primary_key=True)
    wkb: Mapped[bytes] = mapped_column(LargeBinary)
