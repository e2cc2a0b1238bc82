"""A state machine over a camera's rounds, the real arbiter, people, and a camera that answers late or with failure."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.rounds import Round, Window, source_of
from tests.support.round_kit import IDLE_S, TRAVEL_LIMIT_S, RoundKit, event, patrol, person

PEOPLE = [person("Sari", 70), person("Andi", 60), person("Guest", 5)]
PRESETS = ("1", "2", "3")
WINDOWS = [(), (Window(frozenset({0, 3}), 22 * 60, 3 * 60),), (Window(frozenset({1}), 0, 1440),)]


class CheckedKit(RoundKit):
    """Judges every command before it is carried out, by what it saw itself."""

    def __init__(self, minute_of_week: float) -> None:
        super().__init__(minute_of_week=minute_of_week)
        self.left_at = -math.inf  # when the last person's lease ended
        self.fresh_event = False
        self.dwell_s: dict[str, float] = {}  # of each round
        self.bound_for: dict[str, str | None] = {}  # the station that each round left for last
        self.may_go_on: set[str] = set()  # rounds whose station was refused
        self.travel: tuple[str, float] | None = None  # the newest: whose, and when it began
        self.arrived_at: float | None = None  # when it ended, if nobody interrupted it

    def before_command(self, command: ev.Event) -> None:
        holder = self.holder
        assert holder is None or holder.kind is not ev.SourceKind.PERSON, "commanded a camera that a person has"
        if not isinstance(command, ev.Travel):
            return
        if not (self.fresh_event and command.source.kind is ev.SourceKind.EVENT):
            assert self.now >= self.left_at + IDLE_S, "travelled before the idle time was over"
        key = command.source.sign_in
        if key in self.bound_for and command.preset != self.bound_for[key]:
            assert self._is_done_with_station(key), "left its station too early"
        self.bound_for[key] = command.preset
        self.may_go_on.discard(key)
        self.travel, self.arrived_at = (key, self.now), None

    def _is_done_with_station(self, key: str) -> bool:
        if key in self.may_go_on:
            return True
        if self.travel is None or self.travel[0] != key:
            return False
        has_dwelt = self.arrived_at is not None and self.now - self.arrived_at >= self.dwell_s[key] - 1e-6
        return has_dwelt or self.now - self.travel[1] >= TRAVEL_LIMIT_S

    def _put(self, event: ev.Event) -> list[ev.Action]:
        had, moved = self.holder, self.arbiter.is_moving
        actions = super()._put(event)
        if had is not None and had.kind is ev.SourceKind.PERSON and had != self.holder:
            self.left_at = self.now
        if self.holder is not None and self.holder.kind is ev.SourceKind.PERSON:
            self.fresh_event, self.travel = False, None
        if moved and not self.arbiter.is_moving:
            self.arrived_at = self.now
        return actions


class RoundsMachine(RuleBasedStateMachine):
    """Checks the invariants in the round machine's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.kit = CheckedKit(minute_of_week=21 * 60 + 30)
        self.patrols: tuple[Round, ...] = ()
        self.number = 0

    @rule(
        stations=st.integers(1, 3),
        dwell_s=st.sampled_from([1.0, 20.0]),
        windows=st.sampled_from(WINDOWS),
        enabled=st.booleans(),
        second=st.booleans(),
    )
    def patrols_are_set(
        self, stations: int, dwell_s: float, windows: tuple[Window, ...], enabled: bool, second: bool
    ) -> None:
        self.number += 1
        first = patrol(*PRESETS[:stations], name=f"p{self.number}", dwell_s=dwell_s, windows=windows, enabled=enabled)
        self.patrols = (first, patrol("8", "9", name=f"q{self.number}")) if second else (first,)
        for one in self.patrols:
            self.kit.dwell_s[source_of(one).sign_in] = one.stops[0].dwell_s
        self.kit.set_patrols(*self.patrols)

    @rule()
    def patrols_are_told_again(self) -> None:
        self.kit.set_patrols(*self.patrols)

    @rule()
    def patrols_are_removed(self) -> None:
        self.patrols = ()
        self.kit.set_patrols()

    @rule(hold_s=st.sampled_from([5.0, 40.0, 200.0]))
    def an_event_is_shown(self, hold_s: float) -> None:
        self.number += 1
        holder = self.kit.holder
        self.kit.fresh_event = holder is None or holder.kind is not ev.SourceKind.PERSON
        self.kit.show(event("7", hold_s, name=f"e{self.number}"))

    @rule(who=st.sampled_from(PEOPLE), pan=st.sampled_from([0.0, 0.5]))
    def somebody_moves(self, who: ev.Source, pan: float) -> None:
        self.kit.put(ev.Move(who, Velocity(pan=pan), 0.6))

    @rule(who=st.sampled_from(PEOPLE), kind=st.sampled_from([ev.Stop, ev.Take, ev.Release, ev.Request]))
    def somebody_acts(self, who: ev.Source, kind: type[ev.Stop | ev.Take | ev.Release | ev.Request]) -> None:
        self.kit.put(kind(who))

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_comes_and_goes_unseen(self, who: ev.Source) -> None:
        self.kit.put(ev.Take(who), ev.Release(who))

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_reserves(self, who: ev.Source) -> None:
        self.kit.put(ev.Reserve(who, "a procession", 120.0))

    @precondition(lambda self: self.kit.travelling is not None)
    @rule(how=st.sampled_from(["taken", "refused", "lost"]))
    def camera_answers_the_travel(self, how: str) -> None:
        view = self.kit.machine.view()
        if how == "refused" and view is not None:
            self.kit.may_go_on.add(f"{view.kind.value}:{view.id}")
        self.kit.answer(None if how == "taken" else "no", refused=how == "refused")

    @precondition(lambda self: self.kit.hanging)
    @rule(ok=st.booleans())
    def camera_answers_an_old_travel(self, ok: bool) -> None:
        self.kit.answer_late(ok=ok)

    @rule()
    def camera_stands(self) -> None:
        self.kit.put(ev.StandstillSeen())

    @rule(confirmed=st.booleans())
    def camera_confirms_stops(self, confirmed: bool) -> None:
        self.kit.stops_are_confirmed = confirmed

    @rule(trouble=st.sampled_from(["", "", "the camera does not answer"]))
    def camera_comes_or_goes(self, trouble: str) -> None:
        self.kit.trouble = trouble
        self.kit.wake()

    @rule(minutes=st.sampled_from([-60.0, 60.0]))
    def clocks_change(self, minutes: float) -> None:
        self.kit.jump_wall(minutes)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 12.0, 31.0, 200.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.kit.pass_time(seconds)

    @invariant()
    def a_person_pauses_it(self) -> None:
        view, holder = self.kit.machine.view(), self.kit.holder
        if view is not None and holder is not None and holder.kind is ev.SourceKind.PERSON:
            assert view.state == "paused"

    @invariant()
    def control_is_given_back_when_nothing_is_due(self) -> None:
        if self.kit.machine.view() is None:
            assert self.kit.holder is None or self.kit.holder.kind is ev.SourceKind.PERSON

    def teardown(self) -> None:
        """Whatever happened: once people are gone and the camera works, a patrol runs."""
        kit = self.kit
        kit.trouble, kit.stops_are_confirmed = "", True
        for who in PEOPLE:
            kit.put(ev.Release(who), ev.Withdraw(who))
        kit.dwell_s["patrol:last"] = 3.0
        kit.set_patrols(patrol(*PRESETS, name="last", dwell_s=3.0))
        before = len(kit.commands)
        for _ in range(100):
            kit.pass_time(5.0)
            while kit.hanging:
                kit.answer_late()
            if kit.travelling is not None:
                kit.answer()
            kit.put(ev.StandstillSeen())
        travelled = [
            c.preset for c in kit.commands[before:] if isinstance(c, ev.Travel) and c.source.sign_in == "patrol:last"
        ]
        assert set(travelled) == set(PRESETS)
        assert kit.view.state == "running"


RoundsMachine.TestCase.settings = settings(stateful_step_count=40, deadline=None)
TestRoundsMachine = RoundsMachine.TestCase
