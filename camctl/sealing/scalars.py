"""Rewriting single values of a YAML text and nothing else: comments, order and spelling of the rest stay byte for byte.

Pure. PyYAML says where each value stands; what is not written plainly there is refused rather than guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

Path = tuple[str | int, ...]


class UnsafeRewriteError(ValueError):
    """The text cannot be rewritten without risk; the message says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: characters `start` to `end`, on a line counted from 1."""

    start: int
    end: int
    line: int
    value: str


def places(text: str, paths: Sequence[Path]) -> dict[Path, Place]:
    """Where the string values at these paths stand.

    Raises:
        UnsafeRewriteError: a value is not there, is shared by an alias, or does not stand on one line plainly.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: dict[Path, Place] = {}
    for path in paths:
        place = _place(text, root, path)
        if any(place.start == other.start for other in found.values()):
            raise UnsafeRewriteError(f"line {place.line}: the value is used in several places (*alias); write it out")
        found[path] = place
    return found


def rewritten(text: str, values: Mapping[Path, str]) -> str:
    """The text with new values in double quotes, which they must not need escapes in; all else stays.

    Raises:
        UnsafeRewriteError: as `places`; or the result would not read as the same with these values.
    """
    spots = places(text, list(values))
    new = text
    for path, place in sorted(spots.items(), key=lambda item: item[1].start, reverse=True):
        new = f'{new[: place.start]}"{values[path]}"{new[place.end :]}'
    wanted = _unshared(yaml.safe_load(text))
    for path, value in values.items():
        _set(wanted, path, value)
    if yaml.safe_load(new) != wanted:
        raise UnsafeRewriteError("the file uses anchors or repeated keys around these values; write them out plainly")
    return new


def _place(text: str, root: yaml.Node | None, path: Path) -> Place:
    node = root
    for step in path:
        node = _child(node, step, path)
    if not isinstance(node, yaml.ScalarNode):
        raise UnsafeRewriteError(f"{_shown(path)} is not a plain value")
    start, end, line = node.start_mark.index, node.end_mark.index, node.start_mark.line + 1
    if text[start:end] not in {node.value, f'"{node.value}"', f"'{node.value}'"}:
        raise UnsafeRewriteError(
            f"line {line}: {_shown(path)} must stand on one line, without an anchor, tag or escape"
        )
    return Place(start, end, line, node.value)


def _child(node: yaml.Node | None, step: str | int, path: Path) -> yaml.Node:
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        children = node.value[step : step + 1]
    elif isinstance(node, yaml.MappingNode):
        children = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == step]
    if len(children) != 1:
        how = "is there twice" if children else "is not written out where it belongs"
        raise UnsafeRewriteError(f"{_shown(path)}: {step} {how}")
    return children[0]


def _set(data: object, path: Path, value: str) -> None:
    *steps, last = path
    at: object = data
    for step in steps:
        at = at[step]  # type: ignore[index]  # `places` walked the same steps
    at[last] = value  # type: ignore[index]


def _unshared(data: object) -> object:
    """A copy in which what an alias repeats is its own: a value that changes there as well is then seen."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(value) for value in data] if isinstance(data, list) else data


def _shown(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
