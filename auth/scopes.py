"""What a token may do of what its person may: pure, and asked wherever a capability is decided.

person = token_holder(person, frozenset({Capability.SEE, Capability.LIVE}))   # the person as this token
within_scopes(person, Capability.CONTROL)                                     # False
narrowed(person, role.capabilities)                                           # what is left of them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from auth.errors import PersonRuleError
from auth.model import Person
from auth.roles import Capability


@dataclass(frozen=True, slots=True)
class TokenHolder(Person):
    """A person who acts by a token; `scopes` None: the token may do all that the person may."""

    scopes: frozenset[Capability] | None = None


def token_holder(person: Person, scopes: frozenset[Capability] | None) -> TokenHolder:
    """The person, as a token of theirs with these scopes."""
    return TokenHolder(**{field.name: getattr(person, field.name) for field in fields(Person)}, scopes=scopes)


def acts_by_token(person: Person) -> bool:
    """Whether a program acts with a token, and not the person themselves: it may not change how they sign in."""
    return isinstance(person, TokenHolder)


def within_scopes(person: Person, capability: Capability) -> bool:
    """Whether the way in which this person is signed in leaves them the capability."""
    scopes = person.scopes if isinstance(person, TokenHolder) else None
    return scopes is None or capability in scopes


def narrowed(person: Person, capabilities: Iterable[Capability]) -> frozenset[Capability]:
    """What is left of the capabilities for the way in which this person is signed in."""
    return frozenset(capability for capability in capabilities if within_scopes(person, capability))


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
