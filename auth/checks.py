"""What names, area codes and priorities may look like."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from auth.errors import PersonRuleError

if TYPE_CHECKING:
    from auth.model import Person

_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_AREA_CODE = re.compile(r"[0-9A-Za-z]{1,16}(?:\.[0-9A-Za-z]{1,16}){0,7}")
_MAX_NAME_CHARS = 120
MAX_PRIORITY = 100


def normalise_username(username: str) -> str:
    """The one spelling of a username (NFKC, case folded, trimmed); PersonRuleError when it is not allowed."""
    plain = unicodedata.normalize("NFKC", username[:256]).casefold().strip()
    if not _USERNAME.fullmatch(plain):
        raise PersonRuleError(
            "username",
            "A username has 1 to 64 letters a-z, digits or . _ @ + - and starts and ends with a letter or digit.",
        )
    return plain


def account_key(username: str) -> str:
    """The normalised name; one impossible name stands for all that nobody can have."""
    try:
        return normalise_username(username)
    except PersonRuleError:
        return "?"


def check_name(field: str, text: str, *, required: bool) -> str:
    """The text trimmed and NFC; PersonRuleError when empty though required, over 120, or with control characters."""
    plain = unicodedata.normalize("NFC", text.strip()) if len(text) <= 4 * _MAX_NAME_CHARS else text
    if required and not plain:
        raise PersonRuleError(field, f"The {field.replace('_', ' ')} must not be empty.")
    if len(plain) > _MAX_NAME_CHARS:
        raise PersonRuleError(field, f"The {field.replace('_', ' ')} may have at most {_MAX_NAME_CHARS} characters.")
    if any(_spoils_text(character) for character in plain):
        raise PersonRuleError(field, f"The {field.replace('_', ' ')} must not contain control characters.")
    return plain


def _spoils_text(character: str) -> bool:
    # Controls, lone surrogates, line separators; and marks that turn the direction of the text around them.
    turns = unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return turns or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def check_areas(codes: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The codes without duplicates, sorted; PersonRuleError when one is not written like 31.71.01."""
    for code in codes:
        if not _AREA_CODE.fullmatch(code):
            raise PersonRuleError("areas", f"{code!r} is not an area code; one looks like 31.71.01.")
    return tuple(sorted(set(codes)))


def check_priority(priority: int | None) -> int | None:
    """The priority itself; PersonRuleError outside 0 to 100."""
    if priority is not None and not 0 <= priority <= MAX_PRIORITY:
        raise PersonRuleError("priority", f"A priority is a number from 0 to {MAX_PRIORITY}.")
    return priority


def checked_person(person: Person) -> Person:
    """The person as they may be stored; PersonRuleError when a name is not allowed."""
    return replace(
        person,
        display_name=check_name("display_name", person.display_name, required=True),
        organisation=check_name("organisation", person.organisation, required=False),
    )
