"""Openings of cameras in emergencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emergency_opening",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("area", sa.String(140), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("display_name", sa.String(120), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("incident", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grant_id", sa.String(32), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(64), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer", sa.String(64), nullable=False),
        sa.Column("is_justified", sa.Boolean(), nullable=True),
        sa.Column("review", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emergency_opening"),
        sa.UniqueConstraint("grant_id", name="uq_emergency_opening_grant_id"),
    )
    for column in ("camera_id", "person_id", "opened_at"):
        op.create_index(f"ix_emergency_opening_{column}", "emergency_opening", [column])


def downgrade() -> None:
    op.drop_table("emergency_opening")
