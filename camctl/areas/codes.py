"""Which area a feature is: by a property that holds its code, with dots or without. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from camctl.areas.geojson import BoundaryError, Feature
from camctl.areas.tree import AreaTree


class Codes:
    """The codes of a tree, found as they are (31.71.01) and without dots (317101)."""

    def __init__(self, tree: AreaTree) -> None:
        bare = Counter(area.code.replace(".", "") for area in tree)
        # Two areas may look alike without dots (1.23 and 12.3): then only the dotted code tells them apart.
        self._found = {code: area.code for area in tree if bare[code := area.code.replace(".", "")] == 1}
        self._found |= {area.code: area.code for area in tree}

    def find(self, text: str) -> str | None:
        """The area's code, None when it is not one of this tree."""
        return self._found.get(text)


def find_property(features: Sequence[Feature], codes: Codes) -> str:
    """The one property that holds codes of this tree, and the same code never twice.

    Raises:
        BoundaryError: none does, or several do.
    """
    names = list(dict.fromkeys(name for feature in features for name in feature.properties))
    known = {name: [code for f in features if (code := codes.find(f.properties.get(name, "")))] for name in names}
    best = max((len(set(found)) for found in known.values()), default=0)
    # Beside its own code a feature may hold those above it, which then stand in many features.
    candidates = [name for name in names if best and len(set(known[name])) == best]
    if len(candidates) > 1:
        candidates = [name for name in candidates if len(known[name]) == best] or candidates
    if len(candidates) == 1:
        return candidates[0]
    there = ", ".join(names) or "none"
    what = f"several properties hold areas' codes ({', '.join(candidates)})" if candidates else "no property holds them"
    raise BoundaryError(
        [f"which property holds the codes cannot be told: {what}; give --code-property NAME; there are: {there}"]
    )


def assign(features: Sequence[Feature], codes: Codes, name: str) -> dict[str, Feature]:
    """Features by their area's code.

    Raises:
        BoundaryError: a feature has no code, an unknown one, or that of another feature.
    """
    found: dict[str, Feature] = {}
    faults = []
    for feature in features:
        text = feature.properties.get(name)
        code = codes.find(text) if text is not None else None
        if text is None:
            faults.append(f"feature {feature.number}: it has no property {name!r} that is text or a whole number")
        elif code is None:
            faults.append(f"feature {feature.number}: there is no area {text[:40]!r} in the table of areas")
        elif code in found:
            faults.append(f"feature {feature.number}: {code} is feature {found[code].number} already")
        else:
            found[code] = feature
    if faults:
        raise BoundaryError(faults)
    return found
