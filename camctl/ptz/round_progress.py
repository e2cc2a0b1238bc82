"""How far a round has come, and how often it failed: the memory of camctl.ptz.round_machine. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camctl.ptz.rounds import Round

RETRY_PAUSE_S = 10.0  # doubled with every failure of a round in a row
RETRY_PAUSE_MAX_S = 300.0


@dataclass(slots=True)
class Progress:
    """One round's; kept while something else has the camera."""

    station: int = 0
    refused: int = 0  # stations in a row that the camera refused
    tries: int = 0  # failures of the whole round in a row
    retry_at: float = -math.inf
    detail: str = ""
    _detail_of: int = -1  # the station that `detail` is about

    def go_on(self, stations: int) -> None:
        """To the next station."""
        self.station = (self.station + 1) % stations

    def say(self, detail: str) -> None:
        """Keep what went wrong with this station until it is reached."""
        self.detail = detail
        self._detail_of = self.station

    def refuse(self, detail: str, stations: int, now: float) -> None:
        """This station cannot be had: on to the next one; after all of them a pause."""
        self.say(f"station {self.station + 1}: {detail}")
        self.refused += 1
        self.go_on(stations)
        if self.refused >= stations:
            self.give_up(now)

    def give_up(self, now: float) -> None:
        """Try again after a pause, each longer than the last."""
        self.refused = 0
        self.retry_at = now + min(RETRY_PAUSE_S * 2 ** min(self.tries, 10), RETRY_PAUSE_MAX_S)
        self.tries += 1

    def travelled(self) -> None:
        """The camera takes travels."""
        self.refused = self.tries = 0
        self.retry_at = -math.inf

    def arrive(self) -> None:
        """At the station."""
        if self._detail_of == self.station:
            self.detail, self._detail_of = "", -1


@dataclass(slots=True)
class EventTime:
    """The event that is shown, and until when."""

    round: Round
    ends_at: float
    rests: bool = False  # a person came in between: it waits for the idle time like a patrol
    _has_arrived: bool = False

    def arrive(self, now: float) -> float:
        """Its picture is there; returns when it ends, which the first arrival settles."""
        if not self._has_arrived:
            self._has_arrived = True
            self.ends_at = now + self.round.stops[0].dwell_s
        return self.ends_at
