"""The round machine with the real arbiter and a camera that answers when it is told to; time is a number."""

from __future__ import annotations

import math
from collections.abc import Iterable

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter
from camctl.ptz.round_machine import RoundMachine, Seen
from camctl.ptz.rounds import Round, RoundStop, RoundView, Window

IDLE_S = 30.0
TRAVEL_LIMIT_S = 30.0
MOST_COMMANDS = 8


def person(name: str = "Sari", priority: int = 70) -> ev.Source:
    return ev.Source(f"s-{name}", f"p-{name}", name, "official", priority, f"s-{name}:ws")


def patrol(
    *presets: str, name: str = "a", dwell_s: float = 20.0, windows: Iterable[Window] = (), enabled: bool = True
) -> Round:
    stops = tuple(RoundStop(preset, dwell_s) for preset in presets)
    return Round(name, f"Patrol {name}", ev.SourceKind.PATROL, 10, stops, tuple(windows), enabled)


def event(preset: str, hold_s: float = 15.0, name: str = "e") -> Round:
    return Round(name, f"Event {name}", ev.SourceKind.EVENT, 30, (RoundStop(preset, hold_s),))


class RoundKit:
    """Does for the machine what its runner does; every command that it gave is in `commands`."""

    def __init__(self, *, minute_of_week: float = 0.0, idle_s: float = IDLE_S) -> None:
        self.now = 1000.0
        self.wall_min = minute_of_week
        self.arbiter = Arbiter()
        self.machine = RoundMachine(idle_s=idle_s, travel_limit_s=TRAVEL_LIMIT_S)
        self.trouble = ""
        self.stops_are_confirmed = True
        self.travelling: int | None = None  # the machine's newest travel, while the camera has not answered it
        self.hanging: list[int] = []  # others that the camera has not answered
        self.commands: list[ev.Event] = []

    # Looking at it --------------------------------------------------------------------------------------------------

    @property
    def travels(self) -> list[str | None]:
        return [command.preset for command in self.commands if isinstance(command, ev.Travel)]

    @property
    def holder(self) -> ev.Source | None:
        return self.arbiter.lease.source if self.arbiter.lease else None

    @property
    def view(self) -> RoundView:
        view = self.machine.view()
        assert view is not None, "no round is due"
        return view

    # What happens ---------------------------------------------------------------------------------------------------

    def set_patrols(self, *patrols: Round) -> None:
        self.machine.set_patrols(patrols)
        self.wake()

    def show(self, the_event: Round) -> None:
        self.machine.show_event(the_event, self.now)
        self.wake()

    def put(self, *events: ev.Event) -> None:
        """Events reach the arbiter one after another; the machine hears of them but looks only after the last."""
        for one in events:
            self._put(one)
        self.wake()

    def answer(self, error: str | None = None, *, refused: bool = False) -> None:
        """The camera answers the travel under way."""
        number, self.travelling = self.travelling, None
        assert number is not None, "no travel is under way"
        self._put(ev.MoveAnswered(number, ok=error is None, refused=refused))
        if error is None:
            self.machine.answered()
        elif refused:
            self.machine.refused(error, self.now)
        else:
            self.machine.lost(error, self.now)
        self.wake()

    def answer_late(self, *, ok: bool = True) -> None:
        """The camera answers a travel that nobody waits for any more."""
        self._put(ev.MoveAnswered(self.hanging.pop(0), ok=ok))
        self.wake()

    def arrive(self) -> None:
        """The camera takes the travel and stands at its preset."""
        if self.travelling is not None:
            self.answer()
        self.put(ev.StandstillSeen())

    def pass_time(self, seconds: float) -> None:
        """Every deadline on the way is kept."""
        end = self.now + seconds
        for _ in range(10_000):
            due = min(self.arbiter.deadline(), self.machine.deadline())
            if due > end:
                break
            step = max(0.0, due - self.now)
            self._advance(step)
            if self.arbiter.deadline() <= self.now:
                self._put(ev.Tick())
            self.wake()
            assert self.machine.deadline() > self.now, "it asks to be looked at without end"
        else:
            raise AssertionError("deadlines without end")
        self._advance(end - self.now)

    def jump_wall(self, minutes: float) -> None:
        """The clock on the wall is put forward or back."""
        self.wall_min += minutes

    # As the runner does it ------------------------------------------------------------------------------------------

    def wake(self) -> None:
        for _ in range(MOST_COMMANDS):
            commands = self.machine.look(self._seen(), self.now)
            if not commands:
                return
            for command in commands:
                self.before_command(command)
                self.commands.append(command)
                if not self._carry_out(command):
                    self.machine.denied(self.now)
                    return
        raise AssertionError("it commands without end")

    def before_command(self, command: ev.Event) -> None:
        """For tests that check each command before it is carried out."""

    def _carry_out(self, command: ev.Event) -> bool:
        if not isinstance(command, ev.Travel):
            return not any(isinstance(action, ev.Refuse) for action in self._put(command))
        if self.travelling is not None:
            self.hanging.append(self.travelling)
            self.travelling = None
        sent = [action for action in self._put(command) if isinstance(action, ev.SendTravel)]
        if sent:
            self.hanging.remove(sent[0].number)
            self.travelling = sent[0].number
        return bool(sent)

    def _put(self, event: ev.Event) -> list[ev.Action]:
        actions = self.arbiter.handle(event, self.now)
        self.machine.notice(self.arbiter.view())
        for action in actions:
            if isinstance(action, ev.SendTravel):
                self.hanging.append(action.number)
            elif isinstance(action, ev.SendMove):
                actions = actions + self._put(ev.MoveAnswered(action.number, ok=True))
            elif isinstance(action, ev.SendStop) and self.stops_are_confirmed:
                actions = actions + self._put(ev.StopAnswered(action.number, ok=True))
        return actions

    def _advance(self, seconds: float) -> None:
        assert math.isfinite(seconds)
        self.now += seconds
        self.wall_min = (self.wall_min + seconds / 60) % (7 * 1440)

    def _seen(self) -> Seen:
        day, minute = divmod(self.wall_min, 1440)
        return Seen(self.arbiter.view(), int(day) % 7, minute, self.trouble)
