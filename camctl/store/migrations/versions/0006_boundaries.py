"""Areas' boundaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boundary_import",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("boundaries", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_boundary_import"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "area_boundary",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(140), nullable=False),
        sa.Column("wkb", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "code", name="pk_area_boundary"),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["boundary_import.id"],
            name="fk_area_boundary_import_id_boundary_import",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("area_boundary")
    op.drop_table("boundary_import")
