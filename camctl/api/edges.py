"""When whose rights may change by themselves, because a grant begins, ends or pauses; pure bookkeeping."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from auth.grants import Grant
from auth.model import Person
from auth.policy import next_edge


class Edges:
    """The next such moment of everybody who was seen lately and has a grant with times; at most `max_entries`."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._edges: OrderedDict[str, tuple[tuple[Grant, ...], datetime]] = OrderedDict()

    def saw(self, person: Person, now: datetime) -> None:
        """Somebody asked for something; remember when to look at them again."""
        if not any(grant.is_timed for grant in person.grants):
            self._edges.pop(person.id, None)
            return
        known = self._edges.get(person.id)
        if known is not None and known[0] == person.grants:
            return
        edge = next_edge(person, now)
        if edge is None:
            self._edges.pop(person.id, None)
            return
        self._edges[person.id] = (person.grants, edge)
        if len(self._edges) > self._max_entries:
            self._edges.popitem(last=False)

    def due(self, now: datetime) -> list[str]:
        """Whose moment has come; they are forgotten until they are seen again."""
        come = [person_id for person_id, (_grants, edge) in self._edges.items() if edge <= now]
        for person_id in come:
            del self._edges[person_id]
        return come
