"""Goes a camera's rounds: a state machine over `Phase`, driven by looks at the camera. Pure; time is an argument.

It performs nothing itself: camctl.cameras.rounds carries its commands out and says what became of them. What it does in
a phase on a sight is the table at the end. Invariants (tests/property/test_round_machine.py):
* nothing is commanded while a person has control, nor before the idle time after them is over, but for a new event;
* after a pause a round goes on at the station that it was at;
* control that a round has is given back when no round is due any more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from camctl.ptz import events as ev
from camctl.ptz.events import SourceKind
from camctl.ptz.round_progress import EventTime, Progress
from camctl.ptz.rounds import Round, RoundView, is_due, minutes_to_look, source_of
from camctl.ptz.view import ControlView

SHORTEST_PAUSE_S = 0.25
DENIED_PAUSE_S = 1.0


class Phase(Enum):
    """What the machine is about."""

    OFF = "off"  # no round is due
    READY = "ready"  # leaves for its station as soon as the camera stands
    TRAVELLING = "travelling"
    DWELLING = "dwelling"
    PAUSED = "paused"  # a person has control
    RESTING = "resting"  # the idle time after a person
    FAILED = "failed"  # waits before it tries again, or for the camera


class Sight(Enum):
    """What of the camera's state decides, the first that is true."""

    NOTHING_DUE = "nothing due"
    PERSON = "person"  # a person has control
    UNABLE = "unable"  # the camera is away or cannot travel
    OTHER_ROUND = "other round"  # a round that is not due any more has control
    MOVING = "moving"
    FREE = "free"  # stands, and nobody has control
    OURS = "ours"  # stands, and the round has control


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the camera and the clock on the wall. `trouble`: why the camera cannot travel, empty when it can."""

    control: ControlView
    day: int  # 0 is Monday
    minute: float  # of the day, local wall time, 0 to 1440
    trouble: str = ""


_Row = Callable[[Any, Seen, float], list[ev.Event]]
_STATES = {Phase.PAUSED: "paused", Phase.RESTING: "resting", Phase.FAILED: "failed"}


class RoundMachine:
    """Which command a camera's rounds give next. Call `look` after every change and at `deadline()`.

    Events come before patrols, of patrols the first that is enabled and due. A person who has control pauses all of
    them; `idle_s` after the person's lease they go on at the station they were at. After a Travel was carried out say
    `answered`, `refused`, `lost` or `denied`; arrival is seen by the camera's standing still after that.
    """

    def __init__(self, *, idle_s: float, travel_limit_s: float) -> None:
        self.phase = Phase.OFF
        self._idle_s = idle_s
        self._travel_limit_s = travel_limit_s
        self._patrols: tuple[Round, ...] = ()
        self._event: EventTime | None = None
        self._current: Round | None = None
        self._progress: dict[str, Progress] = {}
        self._person_seen = False
        self._rests_until = -math.inf
        self._again_at = -math.inf
        self._departed_at = -math.inf
        self._answered = False
        self._dwells_until = -math.inf
        self._lease_ends_at = -math.inf
        self._keep_at = math.inf
        self._take_again_at = -math.inf
        self._look_at = math.inf  # for the schedule
        self._looked_at = -math.inf

    # Being told -----------------------------------------------------------------------------------------------------

    def set_patrols(self, patrols: Sequence[Round]) -> None:
        """These patrols, in running order, from now on. One whose stations changed goes on at the same number."""
        new = {source_of(patrol).sign_in: patrol for patrol in patrols if patrol.enabled}
        old = {source_of(patrol).sign_in: patrol for patrol in self._patrols}
        self._patrols = tuple(new.values())
        for key in old.keys() - new.keys():
            self._progress.pop(key, None)
        for key, patrol in new.items():
            progress = self._progress.get(key)
            if progress is None or key not in old or old[key].stops == patrol.stops:
                continue
            station = progress.station if progress.station < len(patrol.stops) else 0
            self._progress[key] = Progress(station)
            if self._current is not None and source_of(self._current).sign_in == key:
                self._leave()

    def show_event(self, event: Round, now: float) -> None:
        """Show this event's one preset for its dwell time, instead of an event that is being shown."""
        self.end_event()
        # Its time begins with its picture; only a person can make the way there longer than a travel may take.
        self._event = EventTime(event, now + self._travel_limit_s + event.stops[0].dwell_s)

    def end_event(self) -> None:
        """The event that is being shown, if one is, is over."""
        if self._event is not None:
            self._progress.pop(source_of(self._event.round).sign_in, None)
            self._event = None

    def notice(self, control: ControlView) -> None:
        """Take note of a person even if their lease is over again before the next look."""
        if control.holder is not None and control.holder.source.kind is SourceKind.PERSON:
            self._person_seen = True

    def answered(self) -> None:
        """The camera took the travel."""
        self._answered = True

    def refused(self, detail: str, now: float) -> None:
        """The camera certainly did not take the travel: the next station; when all are refused, a pause."""
        if self.phase is not Phase.TRAVELLING or self._current is None:
            return
        self._progress_of(self._current).refuse(detail, len(self._current.stops), now)
        self.phase = Phase.READY

    def lost(self, detail: str, now: float) -> None:
        """The camera did not answer the travel: the same station again after a pause."""
        if self.phase is not Phase.TRAVELLING or self._current is None:
            return
        progress = self._progress_of(self._current)
        progress.say(detail)
        progress.give_up(now)
        self.phase = Phase.READY

    def denied(self, now: float) -> None:
        """The arbiter did not take the command, or keeps it for later: again in a moment."""
        self._again_at = now + DENIED_PAUSE_S
        if self.phase in {Phase.TRAVELLING, Phase.DWELLING}:
            self.phase = Phase.READY

    # Being read -----------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        """When to look again if nothing changes; inf: only after a change."""
        times = [self._look_at, self._event.ends_at if self._event else math.inf]
        if self._current is not None:
            match self.phase:
                case Phase.RESTING:
                    times.append(self._rests_until)
                case Phase.FAILED:
                    times.append(self._progress_of(self._current).retry_at)
                case Phase.READY:
                    times.append(self._again_at)
                case Phase.DWELLING:
                    times += [self._dwells_until, self._keep_at]
                case _:
                    pass
        # What was due at the last look has been seen to, or waits for a change.
        return min((time for time in times if time > self._looked_at), default=math.inf)

    def view(self) -> RoundView | None:
        """The round that runs or waits, as of the last look."""
        current = self._current
        if current is None or self.phase is Phase.OFF:
            return None
        progress = self._progress_of(current)
        resumes_at = None
        if self.phase is Phase.RESTING:
            resumes_at = self._rests_until
        elif self.phase is Phase.FAILED and progress.retry_at > self._looked_at:
            resumes_at = progress.retry_at
        return RoundView(
            id=current.id,
            name=current.name,
            kind=current.kind,
            state=_STATES.get(self.phase, "running"),
            stop=progress.station,
            stops=len(current.stops),
            resumes_at=resumes_at,
            detail=progress.detail,
        )

    # Looking --------------------------------------------------------------------------------------------------------

    def look(self, seen: Seen, now: float) -> list[ev.Event]:
        """What to command now: nothing or one command, after which to look again."""
        self._looked_at = now
        self._note_person(seen.control, now)
        while True:
            self._choose(seen, now)
            before = (self.phase, self._current)
            sight = self._sight(seen)
            row = self._ALWAYS.get(sight) or self._THEN[self.phase][sight]
            commands = row(self, seen, now)
            if commands or (self.phase, self._current) == before:
                return commands

    def _note_person(self, control: ControlView, now: float) -> None:
        self.notice(control)
        holder = control.holder
        if not self._person_seen:
            return
        if self._event is not None:
            self._event.rests = True
        if holder is None or holder.source.kind is not SourceKind.PERSON:
            self._person_seen = False
            self._rests_until = now + self._idle_s
            self._leave()

    def _choose(self, seen: Seen, now: float) -> None:
        """Settle which round is due."""
        windows = tuple(window for patrol in self._patrols for window in patrol.windows)
        to_look_s = minutes_to_look(windows, seen.day, seen.minute) * 60 if windows else math.inf
        self._look_at = now + max(SHORTEST_PAUSE_S, to_look_s)
        if self._event is not None and now >= self._event.ends_at:
            self.end_event()
        due: Round | None
        if self._event is not None:
            due = self._event.round
        else:
            due = next((patrol for patrol in self._patrols if is_due(patrol.windows, seen.day, seen.minute)), None)
        was, self._current = self._current, due
        if due is None or was is None or source_of(was).sign_in != source_of(due).sign_in:
            self._leave()

    def _sight(self, seen: Seen) -> Sight:
        if self._current is None:
            return Sight.NOTHING_DUE
        holder = seen.control.holder
        if holder is not None and holder.source.kind is SourceKind.PERSON:
            return Sight.PERSON
        if seen.trouble:
            return Sight.UNABLE
        if holder is not None and holder.source.sign_in != source_of(self._current).sign_in:
            return Sight.OTHER_ROUND
        if seen.control.is_moving:
            return Sight.MOVING
        return Sight.FREE if holder is None else Sight.OURS

    def _leave(self) -> None:
        """Whatever it was doing is over; what is next is settled anew."""
        if self.phase in {Phase.TRAVELLING, Phase.DWELLING}:
            self.phase = Phase.READY

    def _progress_of(self, the_round: Round) -> Progress:
        return self._progress.setdefault(source_of(the_round).sign_in, Progress())

    # What is done in a phase on a sight: the rows of the table ------------------------------------------------------

    def _end(self, seen: Seen, _now: float) -> list[ev.Event]:
        self.phase = Phase.OFF
        return self._release(seen)

    def _release(self, seen: Seen) -> list[ev.Event]:
        holder = seen.control.holder
        if holder is None or holder.source.kind is SourceKind.PERSON:
            return []
        return [ev.Release(holder.source)]

    def _clear(self, seen: Seen, _now: float) -> list[ev.Event]:
        self.phase = Phase.READY
        return self._release(seen)

    def _pause(self, _seen: Seen, _now: float) -> list[ev.Event]:
        self.phase = Phase.PAUSED
        return []

    def _miss(self, seen: Seen, _now: float) -> list[ev.Event]:
        self.phase = Phase.FAILED
        if self._current is not None:
            self._progress_of(self._current).say(seen.trouble)
        return []

    def _wait(self, _seen: Seen, now: float) -> list[ev.Event]:
        self.phase = self._waiting_phase(now)
        return []

    def _waiting_phase(self, now: float) -> Phase:
        is_fresh_event = self._event is not None and not self._event.rests
        if now < self._rests_until and not is_fresh_event:
            return Phase.RESTING
        if self._current is not None and now < self._progress_of(self._current).retry_at:
            return Phase.FAILED
        return Phase.READY

    def _depart(self, _seen: Seen, now: float) -> list[ev.Event]:
        self.phase = self._waiting_phase(now)
        if self.phase is not Phase.READY or self._current is None or now < self._again_at:
            return []
        self.phase = Phase.TRAVELLING
        self._departed_at = now
        self._answered = False
        stop = self._current.stops[self._progress_of(self._current).station]
        return [ev.Travel(source_of(self._current), stop.preset, stop.speed)]

    def _under_way(self, _seen: Seen, _now: float) -> list[ev.Event]:
        return []

    def _arrive(self, _seen: Seen, now: float) -> list[ev.Event]:
        if not self._answered or self._current is None:
            return []
        progress = self._progress_of(self._current)
        progress.travelled()
        if now - self._departed_at >= self._travel_limit_s:
            progress.say(f"station {progress.station + 1}: not reached within {self._travel_limit_s:.0f} s")
            progress.go_on(len(self._current.stops))
            self.phase = Phase.READY
            return []
        progress.arrive()
        self.phase = Phase.DWELLING
        self._dwells_until = now + self._current.stops[progress.station].dwell_s
        if self._event is not None:
            self._dwells_until = self._event.arrive(now)
        return []

    def _dwell(self, seen: Seen, now: float) -> list[ev.Event]:
        if self._current is None:
            return []
        if now >= self._dwells_until:
            self._progress_of(self._current).go_on(len(self._current.stops))
            self.phase = Phase.READY
            return []
        if now < self._keep_lease_at(seen.control, now):
            return []
        self._take_again_at = self._keep_at = now + SHORTEST_PAUSE_S
        return [ev.Take(source_of(self._current))]

    def _keep_lease_at(self, control: ControlView, now: float) -> float:
        """When to prolong the lease: half-way to its end; one that was lost is taken again."""
        if control.holder is None:
            self._keep_at = self._take_again_at
        elif control.holder.ends_at != self._lease_ends_at:
            self._lease_ends_at = control.holder.ends_at
            self._keep_at = now + max(SHORTEST_PAUSE_S, (self._lease_ends_at - now) / 2)
        return self._keep_at

    # On these four sights the phase does not matter.
    _ALWAYS: ClassVar[Mapping[Sight, _Row]] = {
        Sight.NOTHING_DUE: _end,
        Sight.PERSON: _pause,
        Sight.UNABLE: _miss,
        Sight.OTHER_ROUND: _clear,
    }
    _WAITING: ClassVar[Mapping[Sight, _Row]] = {Sight.MOVING: _wait, Sight.FREE: _depart, Sight.OURS: _depart}
    _THEN: ClassVar[Mapping[Phase, Mapping[Sight, _Row]]] = {
        Phase.OFF: _WAITING,
        Phase.READY: _WAITING,
        Phase.PAUSED: _WAITING,
        Phase.RESTING: _WAITING,
        Phase.FAILED: _WAITING,
        # Free: the way was longer than the idle time, so the lease ended with it.
        Phase.TRAVELLING: {Sight.MOVING: _under_way, Sight.FREE: _arrive, Sight.OURS: _arrive},
        Phase.DWELLING: {Sight.MOVING: _dwell, Sight.FREE: _dwell, Sight.OURS: _dwell},
    }
