"""Roles and grants instead of one role and its areas for each person."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STEERING = ["control", "live", "presets", "see", "snapshot"]
_ADMIN = [
    "audit", "break_reservation", "control", "emergency", "events", "export", "live", "manage_people", "metrics",
    "patrols", "presets", "review", "see", "share", "snapshot",
]  # fmt: skip
# As they were shipped when this was written; what a role is later is the table's affair.
_ROLES = (
    ("admin", _ADMIN, 85, False, 2),
    ("auditor", ["audit", "export", "see"], 0, False, 2),
    ("official", [*_STEERING, "emergency"], None, False, 2),
    ("operator", [*_STEERING, "emergency", "events", "patrols"], 40, False, 2),
    ("partner", ["live", "see", "share", "snapshot"], 0, True, 1),
)


def upgrade() -> None:
    role = op.create_table(
        "role",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("capabilities", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("only_own", sa.Boolean(), nullable=False),
        sa.Column("viewing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_role"),
    )
    columns = ("name", "capabilities", "priority", "only_own", "viewing")
    op.bulk_insert(role, [dict(zip(columns, (n, sorted(c), p, o, v), strict=True)) for n, c, p, o, v in _ROLES])
    grant = op.create_table(
        "access_grant",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("role_name", sa.String(32), nullable=True),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("cameras", sa.JSON(), nullable=False),
        sa.Column("capabilities", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("deny", sa.Boolean(), nullable=False),
        sa.Column("window", sa.String(120), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("granter", sa.String(64), nullable=False),
        sa.Column("approver", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_access_grant_person_id_person", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_name"], ["role.name"], name="fk_access_grant_role_name_role"),
    )
    op.create_index("ix_access_grant_person_id", "access_grant", ["person_id"])
    op.create_index("ix_access_grant_role_name", "access_grant", ["role_name"])
    _grant_what_people_had(grant)
    op.drop_table("person_area")
    # Not by a copy of the table: dropping the old one would take everybody's sign-ins with it.
    op.drop_column("person", "role")
    op.drop_column("person", "priority_override")


def _grant_what_people_had(grant: sa.Table) -> None:
    connection = op.get_bind()
    areas: dict[str, list[str]] = {}
    for person_id, code in connection.execute(sa.text("SELECT person_id, area_code FROM person_area")):
        areas.setdefault(person_id, []).append(code)
    known = {name for name, *_ in _ROLES}
    rows = connection.execute(sa.text("SELECT id, role, priority_override FROM person")).all()
    given = [
        {
            "id": uuid.uuid4().hex, "person_id": person_id, "role_name": role, "areas": sorted(areas[person_id]),
            "cameras": [], "capabilities": None, "deny": False, "window": None, "starts_at": None, "ends_at": None,
            "priority": priority, "kind": "standing", "waits": False, "reason": "held before grants were kept",
            "granter": "", "approver": "", "created": datetime.now(UTC),
        }
        for person_id, role, priority in rows if person_id in areas and role in known
    ]  # fmt: skip
    if given:
        op.bulk_insert(grant, given)


def downgrade() -> None:
    """One role and its areas for each person again: those of the first grant that allows something."""
    op.create_table(
        "person_area",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("area_code", sa.String(140), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "area_code", name="pk_person_area"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_area_person_id_person", ondelete="CASCADE"
        ),
    )
    op.add_column("person", sa.Column("role", sa.String(32), nullable=False, server_default="none"))
    op.add_column("person", sa.Column("priority_override", sa.Integer(), nullable=True))
    connection = op.get_bind()
    given = connection.execute(
        sa.text(
            "SELECT person_id, role_name, areas, priority FROM access_grant WHERE NOT deny AND NOT waits"
            " ORDER BY created DESC"
        )
    )
    for person_id, role, areas, priority in given.all():
        connection.execute(
            sa.text("UPDATE person SET role = :role, priority_override = :priority WHERE id = :id"),
            {"role": role, "priority": priority, "id": person_id},
        )
        connection.execute(sa.text("DELETE FROM person_area WHERE person_id = :id"), {"id": person_id})
        for area in json.loads(areas) if isinstance(areas, str) else areas:
            connection.execute(sa.text("INSERT INTO person_area VALUES (:id, :area)"), {"id": person_id, "area": area})
    op.drop_table("access_grant")
    op.drop_table("role")
