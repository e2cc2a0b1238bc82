"""Passwords that attackers try first: a list of stolen ones that comes with a package, so that no call goes out."""

from __future__ import annotations

import functools
import unicodedata

_MOST_DECORATION = 6
_DECORATION = "0123456789 .,;:!?@#$%^&*()-_=+'\"/\\"


@functools.cache
def _stolen() -> frozenset[str]:
    # Imported at the first use: the package's lists take a tenth of a second, which a start need not wait for.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def is_breached(password: str) -> bool:
    """Whether a password is on the list, whatever its capitals, also with a few figures and signs around it.

    The first call takes about 0.1 s to load the list: use a thread. Source: the 30,000 passwords of zxcvbn.
    """
    plain = unicodedata.normalize("NFKC", password).casefold()
    core = plain.strip(_DECORATION)
    is_decorated = len(core) >= 4 and len(plain) - len(core) <= _MOST_DECORATION
    return plain in _stolen() or (is_decorated and core in _stolen())
