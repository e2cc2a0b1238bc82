"""People with grants of the shipped roles, for tests of what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from auth.grant_service import Grants
from auth.grants import Grant, GrantWish
from auth.model import Person, Territory
from auth.roles import ROLES
from auth.service import AuthService

JAKARTA = Territory(frozenset({"31"}))
"""A city of which nothing is known but its top area."""


def grant(role: str, areas: Sequence[str] = (), **more: Any) -> Grant:
    """A grant of a shipped role as the database would give it; `priority` counts as the grant's own."""
    bundle = ROLES[role]
    made = Grant(
        id=more.pop("id", f"{role} {','.join(areas)}"),
        role=role,
        capabilities=more.pop("capabilities", bundle.capabilities),
        areas=tuple(areas),
        only_own=bundle.only_own,
        viewing=bundle.viewing,
        priority=bundle.priority,
    )
    if more.get("priority") is not None:
        more["has_own_priority"] = True
    else:
        more.pop("priority", None)
    return replace(made, **more)


def person(
    role: str, areas: Sequence[str] = (), *, organisation: str = "", disabled: bool = False, **more: Any
) -> Person:
    """Somebody with one grant, or none without areas."""
    grants = (grant(role, areas, **more),) if areas or "cameras" in more else ()
    return Person("1", "sari", "Sari", grants, organisation=organisation, disabled=disabled)


async def regrant(auth: AuthService, username: str, role: str, *areas: str, **more: Any) -> None:
    """Take all that somebody was granted and give them this."""
    grants = Grants(auth)
    for held in (await auth.person(username)).grants:
        await grants.revoke(username, held.id, None)
    if areas:
        await grants.give(username, GrantWish(role=role, areas=tuple(areas), reason="a test", **more), None)
