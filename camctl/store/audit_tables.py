"""The tables of the audit log; triggers of the migration forbid to change or delete what is in them."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from camctl.store.tables import Base


class AuditEntryRow(Base):
    """A row of a chain, its columns as plain text as they are hashed; see camctl.audit.chain.AuditRow."""

    __tablename__ = "audit_entry"
    # Without a rowid SQLite has no second name for a row by which it could be replaced.
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_camera_at", "camera", "at"),
        Index("ix_audit_entry_actor_id_at", "actor_id", "at"),
        {"sqlite_with_rowid": False},
    )

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(27))
    actor_id: Mapped[str] = mapped_column(String(120))
    actor_name: Mapped[str] = mapped_column(String(120))
    actor_role: Mapped[str] = mapped_column(String(120))
    actor_organisation: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(32))
    camera: Mapped[str] = mapped_column(String(120))
    area: Mapped[str] = mapped_column(String(120))
    target: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[str] = mapped_column(String(16))
    reason_category: Mapped[str] = mapped_column(String(32))
    reason_text: Mapped[str] = mapped_column(String(500))
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class AuditCheckpointRow(Base):
    """A signed checkpoint as its line of JSON."""

    __tablename__ = "audit_checkpoint"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[str] = mapped_column(Text)


class AuditDropRow(Base):
    """Rows of a chain up to `through` may be deleted: the checkpoint of that number says so."""

    __tablename__ = "audit_drop"

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    through: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    checkpoint: Mapped[int] = mapped_column(ForeignKey("audit_checkpoint.number"))
