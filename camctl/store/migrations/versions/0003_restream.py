"""Accounts of the re-stream."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restream_account",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("hashes", sa.JSON(), nullable=False),
        sa.Column("cameras", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_restream_account"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_restream_account_person_id_person", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_restream_account_person_id", "restream_account", ["person_id"])


def downgrade() -> None:
    op.drop_table("restream_account")
