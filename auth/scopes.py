"""What a token may do of what its person may. Pure; applied once, where a stored sign-in becomes a person who acts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auth.errors import PersonRuleError
from auth.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auth.grants import Grant
    from auth.model import Person


def token_holder(person: Person, scopes: frozenset[Capability] | None) -> Person:
    """The person as a token of theirs with these scopes; None: all that the person may.

    Their grants bring no more than the scopes, and what is denied to them stays denied whole.
    """
    if scopes is None:
        return person
    return replace(person, grants=tuple(_narrowed(grant, scopes) for grant in person.grants))


def _narrowed(grant: Grant, scopes: frozenset[Capability]) -> Grant:
    return grant if grant.deny else replace(grant, capabilities=grant.capabilities & scopes)


def parse_scopes(words: Iterable[str]) -> frozenset[Capability]:
    """The scopes in these words, at least one; PersonRuleError names a word that is none. SEE comes with any other."""
    scopes = set()
    for word in words:
        try:
            scopes.add(Capability(word))
        except ValueError:
            known = ", ".join(sorted(Capability))
            raise PersonRuleError("scopes", f"There is no scope {word[:40]!r}; the scopes are {known}.") from None
    if not scopes:
        raise PersonRuleError("scopes", "A token needs at least one scope.")
    # Without SEE nothing of a camera is allowed; what concerns no camera does not bring it.
    if scopes - {Capability.MANAGE_PEOPLE, Capability.METRICS}:
        scopes.add(Capability.SEE)
    return frozenset(scopes)


def stored_scopes(words: Iterable[str] | None) -> frozenset[Capability] | None:
    """Scopes as the database has them; a word of another version of this program allows nothing."""
    return None if words is None else frozenset(Capability(word) for word in words if word in set(Capability))
