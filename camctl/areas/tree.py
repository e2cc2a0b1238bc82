"""Areas as data: a table with the columns code, name, level, parent, lat, lon becomes a checked tree.

tree = load_jakarta()
tree.path("31.71.01.1001")            # names from the province down
tree.covers("31.71", "31.71.01.1001") # True
"""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from auth.grants import covers

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

COLUMNS = ("code", "name", "level", "parent", "lat", "lon")
_CODE = re.compile(r"[0-9A-Za-z]{1,16}(?:\.[0-9A-Za-z]{1,16}){0,7}")
_MAX_NAME_CHARS = 120


class AreaError(ValueError):
    """The table is not a tree of areas; the message names file, line and column."""


class UnknownAreaError(LookupError):
    """No area has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no area {code!r}.")
        self.code = code


@dataclass(frozen=True, slots=True)
class Area:
    """One area; `parent` is None at the top, `lat` and `lon` an approximate centre in degrees (WGS 84)."""

    code: str
    name: str
    level: str
    parent: str | None
    lat: float
    lon: float


class AreaTree:
    """Areas by code, in the order given. An area's code is its parent's with one more part."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas: dict[str, Area] = {}
        self._children: dict[str | None, list[Area]] = {}
        for area in areas:
            if area.code in self._areas:
                raise AreaError(f"the code {area.code} is there twice")
            self._areas[area.code] = area
            self._children.setdefault(area.parent, []).append(area)
        for area in self:
            fault = _misplaced(area, self._areas)
            if fault:
                raise AreaError(fault)
        self._lowest = frozenset(code for code in self._areas if code not in self._children)

    @property
    def lowest(self) -> frozenset[str]:
        """The codes of the areas with none below them."""
        return self._lowest

    def get(self, code: str) -> Area | None:
        """The area, or None."""
        return self._areas.get(code)

    def require(self, code: str) -> Area:
        """The area; UnknownAreaError when there is none."""
        area = self._areas.get(code)
        if area is None:
            raise UnknownAreaError(code)
        return area

    def parent(self, code: str) -> Area | None:
        """The area above; None at the top. UnknownAreaError as for all that follow."""
        above = self.require(code).parent
        return None if above is None else self._areas[above]

    def children(self, code: str | None) -> tuple[Area, ...]:
        """The areas directly below, in the order given; None asks for the top ones."""
        if code is not None:
            self.require(code)
        return tuple(self._children.get(code, ()))

    def covers(self, ancestor: str, code: str) -> bool:
        """Whether the second area is the first or inside it, by the rule of permissions; False for unknown codes."""
        return ancestor in self._areas and code in self._areas and covers(ancestor, code)

    def path(self, code: str) -> tuple[str, ...]:
        """The names from the top down to this area."""
        names = []
        area: Area | None = self.require(code)
        while area is not None:
            names.append(area.name)
            area = self.parent(area.code)
        return tuple(reversed(names))

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def __contains__(self, code: object) -> bool:
        return code in self._areas

    def __len__(self) -> int:
        return len(self._areas)


def parse_csv(text: str, source: str) -> AreaTree:
    """The tree in a CSV text with a header line; AreaError with line and column where it is not one."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Area] = []
    lines: dict[str, int] = {}
    try:
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            raise AreaError(f"{source}, line 1: the header must be {','.join(COLUMNS)}")
        for cells in reader:
            if not cells:
                continue
            area = _area(cells, f"{source}, line {reader.line_num}")
            if area.code in lines:
                raise AreaError(
                    f"{source}, line {reader.line_num}, column code: {area.code} is on line {lines[area.code]} already"
                )
            lines[area.code] = reader.line_num
            rows.append(area)
    except csv.Error as error:
        raise AreaError(f"{source}, line {reader.line_num}: {error}") from error
    return _tree(rows, lines, source)


def _tree(rows: list[Area], lines: dict[str, int], source: str) -> AreaTree:
    if not rows:
        raise AreaError(f"{source}: there is no area in it")
    for area in rows:
        fault = _misplaced(area, lines)
        if fault:
            raise AreaError(f"{source}, line {lines[area.code]}, column parent: {fault}")
    return AreaTree(rows)


def _misplaced(area: Area, codes: Container[str]) -> str | None:
    above = area.code.rpartition(".")[0]
    if area.parent is None:
        return f"{area.code} has no parent, but {above} is there" if above in codes else None
    if area.parent != above:
        return f"the parent of {area.code} is {above or 'empty'} by its code, not {area.parent}"
    return None if area.parent in codes else f"the parent of {area.code}, {area.parent}, is not there"


def _area(cells: list[str], where: str) -> Area:
    if len(cells) != len(COLUMNS):
        raise AreaError(f"{where}: {len(cells)} columns instead of {len(COLUMNS)}")
    code, name, level, parent, lat, lon = (cell.strip() for cell in cells)
    for column, value in (("code", code), ("parent", parent)):
        if not _CODE.fullmatch(value) and (column == "code" or value):
            raise AreaError(f"{where}, column {column}: {value!r} is not an area code like 31.71.01")
    for column, value in (("name", name), ("level", level)):
        if not value or len(value) > _MAX_NAME_CHARS or not value.isprintable():
            raise AreaError(f"{where}, column {column}: it needs 1 to {_MAX_NAME_CHARS} printable characters")
    return Area(
        code, name, level, parent or None, _degrees(lat, 90.0, where, "lat"), _degrees(lon, 180.0, where, "lon")
    )


def _degrees(cell: str, limit: float, where: str, column: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:  # false for NaN too
        raise AreaError(
            f"{where}, column {column}: {cell!r} is not a number of degrees from -{limit:.0f} to {limit:.0f}"
        )
    return value


def load_csv(path: Path) -> AreaTree:
    """The tree of another city; AreaError when the file cannot be read or is not one."""
    try:
        return parse_csv(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise AreaError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise AreaError(f"{path}: it is not UTF-8 at byte {error.start}") from error


def load_jakarta() -> AreaTree:
    """Jakarta's 318 areas, which come with the program."""
    text = resources.files("camctl.areas").joinpath("jakarta.csv").read_text(encoding="utf-8")
    return parse_csv(text, "jakarta.csv")
