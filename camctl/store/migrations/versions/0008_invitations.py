"""Invitations, what people have to be told, other directories' people, and what a sign-in came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("device", sa.String(120), nullable=False, server_default=""))
    op.add_column("session", sa.Column("network", sa.String(64), nullable=False, server_default=""))
    op.add_column("session", sa.Column("scopes", sa.JSON(), nullable=True))
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=True),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("maker_id", sa.String(32), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('invitation', 'recovery')", name="ck_invitation_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("secret_sha256", name="uq_invitation_secret_sha256"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_invitation_person_id_person", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["maker_id"], ["person.id"], name="fk_invitation_maker_id_person", ondelete="CASCADE"),
    )
    op.create_index("ix_invitation_person_id", "invitation", ["person_id"])
    op.create_index("ix_invitation_maker_id", "invitation", ["maker_id"])
    op.create_index("ix_invitation_expires_at", "invitation", ["expires_at"])
    op.create_table(
        "person_notice",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person_notice"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_notice_person_id_person", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_person_notice_person_id", "person_notice", ["person_id"])
    op.create_table(
        "external_identity",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_external_identity"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_external_identity_person_id_person", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_external_identity_person_id", "external_identity", ["person_id"])


def downgrade() -> None:
    op.drop_table("external_identity")
    op.drop_table("person_notice")
    op.drop_table("invitation")
    op.drop_column("session", "scopes")
    op.drop_column("session", "network")
    op.drop_column("session", "device")
