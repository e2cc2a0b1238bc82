"""What is checked of people before they are stored or counted."""

from __future__ import annotations

from dataclasses import replace

from auth.errors import PersonRuleError
from auth.model import Person, check_areas, check_name, check_priority, normalise_username
from auth.roles import ROLES


def account_key(username: str) -> str:
    """The normalised name; one impossible name stands for all that nobody can have."""
    try:
        return normalise_username(username)
    except PersonRuleError:
        return "?"


def checked_person(person: Person) -> Person:
    """The person as they may be stored; PersonRuleError when a name, role, area or priority is not allowed."""
    if person.role not in ROLES:
        raise PersonRuleError("role", f"There is no role {person.role!r}; the roles are {', '.join(sorted(ROLES))}.")
    organisation = check_name("organisation", person.organisation, required=ROLES[person.role].only_own)
    return replace(
        person,
        display_name=check_name("display_name", person.display_name, required=True),
        organisation=organisation,
        areas=check_areas(person.areas),
        priority_override=check_priority(person.priority_override),
    )
