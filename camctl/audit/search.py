"""Finding rows: by time, person, camera, area with all below it, action and text; newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, not_, or_, select, tuple_

from auth.policy import EVERYWHERE, Reach
from camctl.audit.chain import AuditRow
from camctl.audit.entry import Action, Detail, stamp
from camctl.audit.log import TABLE
from camctl.store.audit_tables import AuditEntryRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows are wanted; what is empty does not matter. `since` is in it, `until` not any more.

    `within`: where the reader may read; rows without an area (a stranger's refused sign-in) are for those who may
    read everywhere.
    """

    since: datetime | None = None
    until: datetime | None = None
    person: str = ""  # an id, or a part of a name
    camera: str = ""
    area: str = ""
    action: Action | None = None
    text: str = ""
    about: str = ""  # notes on the entry chain/seq
    within: Reach = EVERYWHERE

    @property
    def is_everything(self) -> bool:
        """Whether no row is left out."""
        return self == Filter()

    def details(self) -> dict[str, Detail]:
        """What was asked for, as a row's details; not where the reader may read, which goes without asking."""
        asked = {
            "since": stamp(self.since) if self.since is not None else "",
            "until": stamp(self.until) if self.until is not None else "",
            "person": self.person,
            "camera": self.camera,
            "area": self.area,
            "action": self.action.value if self.action is not None else "",
            "text": self.text,
            "about": self.about,
        }
        return {name: value for name, value in asked.items() if value}

    def query(self) -> Select[Any]:
        """The rows, in no order yet."""
        return select(TABLE).where(*self._conditions())

    def _conditions(self) -> list[ColumnElement[bool]]:
        row = AuditEntryRow
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(row.at >= stamp(self.since))
        if self.until is not None:
            found.append(row.at < stamp(self.until))
        if self.person:
            found.append(or_(row.actor_id == self.person, _contains(row.actor_name, self.person)))
        if self.camera:
            found.append(row.camera == self.camera)
        if self.area:
            found.append(_below(self.area))
        if self.action is not None:
            found.append(row.action == self.action.value)
        if self.about:
            found.append(and_(row.action == Action.NOTE.value, row.target == self.about))
        if self.text:
            found.append(or_(*(_contains(column, self.text) for column in (row.reason_text, row.target, row.details))))
        if not self.within.everywhere:
            found.extend(_inside(self.within))
        return found


def page(wanted: Filter, most: int, after: tuple[str, str, int] | None = None) -> Select[Any]:
    """At most `most` rows, newest first, after the one with this time, chain and number."""
    row = AuditEntryRow
    place = tuple_(row.at, row.chain, row.seq)
    query = wanted.query()
    if after is not None:
        query = query.where(place < after)
    return query.order_by(row.at.desc(), row.chain.desc(), row.seq.desc()).limit(most)


def in_order(wanted: Filter, most: int, after: tuple[str, int] = ("", 0)) -> Select[Any]:
    """At most `most` rows, chain by chain in their order, after this chain's row."""
    row = AuditEntryRow
    return wanted.query().where(tuple_(row.chain, row.seq) > after).order_by(row.chain, row.seq).limit(most)


def cursor_of(row: AuditRow) -> tuple[str, str, int]:
    """Where the next page begins."""
    return row.at, row.chain, row.seq


def _inside(reach: Reach) -> list[ColumnElement[bool]]:
    """The same as `Reach.includes`, asked of rows."""
    row = AuditEntryRow
    given = [_below(area) for area in reach.areas]
    if reach.cameras:
        given.append(row.camera.in_(reach.cameras))
    found: list[ColumnElement[bool]] = [or_(false(), *given)]
    found.extend(not_(_below(area)) for area in reach.denied_areas)
    if reach.denied_cameras:
        found.append(row.camera.not_in(reach.denied_cameras))
    return found


def _below(area: str) -> ColumnElement[bool]:
    column = AuditEntryRow.area
    return or_(column == area, column.startswith(area + ".", autoescape=True))


def _contains(column: Any, text: str) -> ColumnElement[bool]:  # noqa: ANN401  any text column
    found: ColumnElement[bool] = column.icontains(text, autoescape=True)
    return found
