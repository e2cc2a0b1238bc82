"""`camctl area ...`: the tree of areas, their boundaries, and in which of them a place lies."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from camctl.areas.geojson import MAX_BYTES, BoundaryError
from camctl.areas.importing import Import, read_boundaries
from camctl.areas.locate import Inside, PlaceError, Proposal, WhyNot
from camctl.areas.tree import Area, AreaError, AreaTree, UnknownAreaError, load_csv
from camctl.audit import command_line
from camctl.audit.entry import Action, Detail
from camctl.audit.log import AuditLog
from camctl.boundaries import Boundaries
from camctl.config import Config, load
from camctl.errors import CamctlError, ConfigError
from camctl.groundwork import load_areas, open_people
from camctl.store.boundaries import BoundaryStore
from camctl.store.engine import Store, StoreError

_MOST_NAMED = 20
_WHY = {
    WhyNot.NO_BOUNDARIES: "no boundaries were imported; the nearest centres are",
    WhyNot.OUTSIDE: "outside all boundaries; the nearest centres are",
    WhyNot.BORDER: "on the border of several areas",
}


def run(options: argparse.Namespace) -> None:
    """Carry out one command.

    Raises:
        CamctlError: with what to mend.
    """
    if options.area_command == "check":
        _check(options.file)
        return
    config = load(options.config)
    tree = load_areas(config)
    try:
        match options.area_command:
            case "list":
                _list(tree, options.under)
            case "show":
                _show(config, tree, options.code)
            case "import-boundaries":
                _import(config, tree, options.file, options.code_property)
            case "at":
                _at(config, tree, options.lat, options.lon)
    except UnknownAreaError as error:
        raise CamctlError(f"{error} `camctl area list` names all.") from None
    except StoreError as error:
        raise CamctlError(str(error)) from None


def _check(file: Path) -> None:
    try:
        tree = load_csv(file)
    except AreaError as error:
        raise ConfigError(str(error)) from None
    levels = Counter(area.level for area in tree)
    _say(f"{file}: right; {len(tree)} areas: {', '.join(f'{count} {level}' for level, count in levels.items())}")


def _list(tree: AreaTree, under: str | None) -> None:
    for area in (tree.require(under),) if under is not None else tree.children(None):
        for each, depth in _below(tree, area, 0):
            _say(f"{each.code:<16} {'  ' * depth}{each.name}  ({each.level})")


def _below(tree: AreaTree, area: Area, depth: int) -> Iterator[tuple[Area, int]]:
    yield area, depth
    for child in tree.children(area.code):
        yield from _below(tree, child, depth + 1)


def _show(config: Config, tree: AreaTree, code: str) -> None:
    area = tree.require(code)
    with _stored(config) as store:
        has_boundary = code in store.load().outlines
    _say(f"{area.code}  {' > '.join(tree.path(code))}")
    _say(f"level     {area.level}")
    _say(f"centre    {area.lat:.4f} {area.lon:.4f}")
    _say(f"boundary  {'imported' if has_boundary else 'none'}")
    for child in tree.children(code):
        _say(f"holds     {child.code}  {child.name}")


def _import(config: Config, tree: AreaTree, file: Path, code_property: str | None) -> None:
    data = _read(file)
    try:
        found = read_boundaries(data, tree, code_property)
    except BoundaryError as error:
        faults = "".join(f"\n  {line}" for line in str(error).splitlines())
        raise ConfigError(f"{file} was not imported:{faults}") from None
    version = _replace(config, file.name, hashlib.sha256(data).hexdigest(), found)
    _say(f"{len(found.outlines)} boundaries imported (version {version}), by the property {found.code_property!r}")
    for line in found.repaired:
        _say(f"repaired: {line}")
    _say(f"areas of the deepest level without a boundary: {len(found.missing) or 'none'}")
    for area in found.missing[:_MOST_NAMED]:
        _say(f"  {area.code}  {' > '.join(tree.path(area.code))}")
    if len(found.missing) > _MOST_NAMED:
        _say(f"  and {len(found.missing) - _MOST_NAMED} more")


def _replace(config: Config, source: str, sha256: str, found: Import) -> int:
    """Put them in the place of those before, and that on record; their version."""
    folder = Path(config.audit.folder)
    with _opened(config) as store:
        end = command_line.end_of(AuditLog(store.sessions))
        command_line.check_writable(folder, end)
        outlines = {code: outline.wkb for code, outline in found.outlines.items()}
        version = BoundaryStore(store.sessions).replace(outlines, source=source, sha256=sha256, at=datetime.now(UTC))
        details: dict[str, Detail] = {"version": version, "boundaries": len(outlines), "sha256": sha256}
        entry = command_line.entry_of(Action.BOUNDARIES_CHANGE, "area import-boundaries", details, target=source)
        command_line.record(folder, end, [entry])
    return version


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None


def _at(config: Config, tree: AreaTree, lat: float, lon: float) -> None:
    with _stored(config) as store:
        try:
            answer = Boundaries(tree, store).at_now(lat, lon)
        except PlaceError as error:
            raise ConfigError(str(error)) from None
    if isinstance(answer, Inside):
        _say(f"inside  {answer.area.code}  {' > '.join(tree.path(answer.area.code))}")
        return
    _say(f"not certain: {_WHY[answer.why]}:")
    for proposal in answer.proposals:
        _say(_line(tree, proposal))


def _line(tree: AreaTree, proposal: Proposal) -> str:
    area = proposal.area
    return f"  {area.code}  {' > '.join(tree.path(area.code))}  centre {proposal.distance_m:.0f} m {proposal.direction}"


@contextmanager
def _opened(config: Config) -> Iterator[Store]:
    store = open_people(config)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _stored(config: Config) -> Iterator[BoundaryStore]:
    with _opened(config) as store:
        yield BoundaryStore(store.sessions)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
