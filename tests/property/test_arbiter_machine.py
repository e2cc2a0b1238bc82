"""A state machine over the arbiter and a camera that answers late, in any order, or with failure."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Phase
from camctl.ptz.model import Velocity

PEOPLE = [
    ev.Source(f"s{i}", f"p{i // 2}", f"Person {i}", "official", priority, f"s{i}:ws")
    for i, priority in enumerate((50, 50, 60, 90))
]
LONGEST_LIFE_S = 2.0


class ArbiterMachine(RuleBasedStateMachine):
    """Checks the invariants in the arbiter's docstring after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.arbiter = Arbiter()
        self.now = 0.0
        self.moves: list[int] = []
        self.stops: list[int] = []
        self.life_ends = 0.0
        self.stop_owed = False  # a Stop was asked for and the newest one was not confirmed yet

    def feed(self, event: ev.Event) -> list[ev.Action]:
        holder = self.arbiter.lease.source.sign_in if self.arbiter.lease else None
        actions = self.arbiter.handle(event, self.now)
        for action in actions:
            if isinstance(action, ev.SendStop):
                self.stops.append(action.number)
                self.stop_owed = True
            if isinstance(action, ev.SendMove | ev.SendTravel):
                assert not self.moves, "two moves in flight"
                assert self.arbiter._stop_in_flight is None, "a move beside a Stop"
                assert self.arbiter.lease is not None, "a move without a holder"
                self.moves.append(action.number)
                self.stop_owed = False
        if isinstance(event, ev.Move | ev.Travel | ev.Stop | ev.Take) and holder not in {None, event.source.sign_in}:
            still_holds = self.arbiter.lease is not None and self.arbiter.lease.source.sign_in == holder
            if still_holds:
                assert any(isinstance(a, ev.Refuse) for a in actions), "a command passed by another's lease"
        return actions

    @rule(who=st.sampled_from(PEOPLE), pan=st.sampled_from([-1.0, 0.0, 0.4, 1.0]), life=st.floats(0.1, LONGEST_LIFE_S))
    def move(self, who: ev.Source, pan: float, life: float) -> None:
        actions = self.feed(ev.Move(who, Velocity(pan=pan), life, None))
        if not any(isinstance(a, ev.Refuse) for a in actions) and pan:
            self.life_ends = self.now + life

    @rule(who=st.sampled_from(PEOPLE))
    def stop(self, who: ev.Source) -> None:
        self.feed(ev.Stop(who))

    @rule(who=st.sampled_from(PEOPLE))
    def take_over(self, who: ev.Source) -> None:
        before = self.arbiter.lease
        actions = self.feed(ev.TakeOver(who, "because"))
        after = self.arbiter.lease
        if before and after and before.source.sign_in != after.source.sign_in:
            assert after.source.priority > before.source.priority or after.source.person == before.source.person
            assert any(isinstance(a, ev.SendStop) for a in actions) or self.arbiter._stop_in_flight is not None
            assert not any(isinstance(a, ev.SendMove) for a in actions)

    @rule(who=st.sampled_from(PEOPLE), kind=st.sampled_from([ev.Take, ev.Release]))
    def take_or_release(self, who: ev.Source, kind: type[ev.Take] | type[ev.Release]) -> None:
        self.feed(kind(who))

    @rule(who=st.sampled_from(PEOPLE))
    def socket_closes(self, who: ev.Source) -> None:
        self.feed(ev.ChannelClosed(who.channel))

    @rule(who=st.sampled_from(PEOPLE))
    def revoked(self, who: ev.Source) -> None:
        self.feed(ev.Revoke(who.sign_in))
        assert self.arbiter.lease is None or self.arbiter.lease.source.sign_in != who.sign_in

    @rule(ok=st.booleans())
    def camera_answers_move(self, ok: bool) -> None:
        if self.moves:
            self.feed(ev.MoveAnswered(self.moves.pop(), ok=ok))

    @rule(ok=st.booleans(), data=st.data())
    def camera_answers_a_stop(self, ok: bool, data: st.DataObject) -> None:
        if self.stops:
            number = data.draw(st.sampled_from(self.stops))
            self.stops.remove(number)
            if ok and number == self.arbiter._stop_in_flight:
                self.stop_owed = False
            self.feed(ev.StopAnswered(number, ok=ok))

    @rule(seconds=st.floats(0.01, 3.0))
    def time_passes(self, seconds: float) -> None:
        """As the shell does: Tick at each deadline on the way."""
        end = self.now + seconds
        for _ in range(200):
            due = self.arbiter.deadline()
            if due > end:
                break
            self.now = max(self.now, due)
            self.feed(ev.Tick())
        else:
            raise AssertionError("the arbiter asks for ticks without end")
        self.now = end

    @invariant()
    def motion_has_an_end(self) -> None:
        if self.arbiter.phase is Phase.MOVING:
            assert self.arbiter.deadline() <= self.life_ends
            assert self.now <= self.life_ends

    @invariant()
    def an_owed_stop_is_pursued(self) -> None:
        if self.stop_owed:
            assert self.arbiter.phase is Phase.STOPPING
            assert self.arbiter._stop_in_flight is not None or self.arbiter.deadline() < self.now + 5.1


ArbiterMachine.TestCase.settings = settings(stateful_step_count=40)
TestArbiterMachine = ArbiterMachine.TestCase
