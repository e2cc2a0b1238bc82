"""Who lends a camera reads the record of it, where the role was not edited since it was shipped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WAS = ["live", "see", "share", "snapshot"]
_IS = ["audit", *_WAS]
_ROLE = sa.table("role", sa.column("name", sa.String), sa.column("capabilities", sa.JSON))


def upgrade() -> None:
    _replace(_WAS, _IS)


def downgrade() -> None:
    _replace(_IS, _WAS)


def _replace(old: list[str], new: list[str]) -> None:
    found = op.get_bind().execute(sa.select(_ROLE.c.capabilities).where(_ROLE.c.name == "partner")).scalar_one_or_none()
    if found is not None and sorted(found) == old:
        op.execute(_ROLE.update().where(_ROLE.c.name == "partner").values(capabilities=new))
