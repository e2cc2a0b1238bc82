"""The audit log, which is only appended to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = {"audit_entry": ("chain", "seq"), "audit_checkpoint": ("number",), "audit_drop": ("chain", "through")}
MAY_DELETE = "EXISTS (SELECT 1 FROM audit_drop WHERE audit_drop.chain = OLD.chain AND audit_drop.through >= OLD.seq)"


def sqlite_triggers() -> list[str]:
    """A REPLACE deletes without firing DELETE's trigger, so a row that is there already is refused before it."""
    said = []
    for table, key in TABLES.items():
        never = f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
        when = f" WHEN NOT {MAY_DELETE}" if table == "audit_entry" else ""
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  names of ours
        said += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {never}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}{when} {never}",
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} {never}",
        ]
    return said


def postgresql_triggers() -> list[str]:
    said = [
        f"""
        CREATE FUNCTION audit_never() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_entry' THEN
                IF {MAY_DELETE} THEN
                    RETURN OLD;
                END IF;
            END IF;
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
        END $$
        """
    ]
    run = "EXECUTE FUNCTION audit_never()"
    for table in TABLES:
        said += [
            f"CREATE TRIGGER {table}_never BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
        ]
    return said


def upgrade() -> None:
    texts = {
        "actor_id": 120, "actor_name": 120, "actor_role": 120, "actor_organisation": 120, "action": 32, "camera": 120,
        "area": 120, "target": 200, "outcome": 16, "reason_category": 32, "reason_text": 500,
    }  # fmt: skip
    op.create_table(
        "audit_entry",
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", sa.String(27), nullable=False),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in texts.items()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq", name="pk_audit_entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
    op.create_index("ix_audit_entry_camera_at", "audit_entry", ["camera", "at"])
    op.create_index("ix_audit_entry_actor_id_at", "audit_entry", ["actor_id", "at"])
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_checkpoint"),
    )
    op.create_table(
        "audit_drop",
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "through", name="pk_audit_drop"),
        sa.ForeignKeyConstraint(
            ["checkpoint"], ["audit_checkpoint.number"], name="fk_audit_drop_checkpoint_audit_checkpoint"
        ),
    )
    _create_triggers()


def _create_triggers() -> None:
    triggers = {"sqlite": sqlite_triggers, "postgresql": postgresql_triggers}.get(op.get_bind().dialect.name)
    if triggers is None:
        raise NotImplementedError("the audit log needs SQLite or PostgreSQL: no triggers are written for this database")
    for statement in triggers():
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_never()")
