"""What a record says became of control: the real arbiter's holders before and after each event, and gestures."""

from __future__ import annotations

from dataclasses import replace

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter
from camctl.ptz.history import Gesture, GestureWatch, LeaseChange, LeaseStep, Trip, lease_changes
from camctl.ptz.model import Velocity

LURAH = ev.Source("s1", "p1", "Ibu Lurah", "official", 50, "s1:ws-1")
CAMAT = ev.Source("s2", "p2", "Pak Camat", "official", 60, "s2:ws-2", may_break=True)
PATROL = ev.Source("patrol:1", "patrol:1", "Keliling", "patrol", 10, "patrol:1", kind=ev.SourceKind.PATROL)
PAN, REST = Velocity(0.5, 0.0, 0.0), Velocity(0.0, 0.0, 0.0)
STEP = LeaseStep


class Told:
    """An arbiter and what is told of it."""

    def __init__(self) -> None:
        self.arbiter = Arbiter()
        self.watch = GestureWatch()
        self.gestures: list[Gesture | Trip] = []

    def __call__(self, event: ev.Event, now: float) -> list[LeaseChange]:
        before = self.arbiter.view().holder
        actions = self.arbiter.handle(event, now)
        after = self.arbiter.view().holder
        self.gestures += self.watch.saw(event, actions, self.arbiter.lease_source, now)
        for action in actions:
            if isinstance(action, ev.SendStop):
                self(ev.StopAnswered(action.number, ok=True), now)
            elif isinstance(action, ev.SendMove | ev.SendTravel):
                self(ev.MoveAnswered(action.number, ok=True), now)
        return lease_changes(before, event, after, now)

    def steps(self, event: ev.Event, now: float) -> list[tuple[LeaseStep, str]]:
        return [(change.step, change.source.name) for change in self(event, now)]


def test_taking_and_releasing() -> None:
    told = Told()
    assert told.steps(ev.Take(LURAH), 1.0) == [(STEP.TAKE, "Ibu Lurah")]
    assert told.steps(ev.Take(LURAH), 2.0) == []
    assert told.steps(ev.Take(replace(LURAH, channel="s1:ws-9")), 2.5) == [], "another socket is no other lease"
    (change,) = told(ev.Release(LURAH), 3.0)
    assert (change.step, change.rule) == (STEP.RELEASE, "released")


def test_a_lease_that_ran_out_and_the_next_one_are_two_steps() -> None:
    told = Told()
    told(ev.Move(LURAH, PAN, 0.5), 1.0)
    first, second = told(ev.Move(CAMAT, PAN, 0.5), 100.0)
    assert (first.step, first.source, first.rule) == (STEP.RELEASE, LURAH, "lease-ended")
    assert (second.step, second.source, second.other) == (STEP.TAKE, CAMAT, None)


def test_taking_over_and_breaking_say_from_whom_and_why() -> None:
    told = Told()
    told(ev.Take(LURAH), 1.0)
    (change,) = told(ev.TakeOver(CAMAT, "banjir"), 2.0)
    assert (change.step, change.source, change.other, change.words) == (STEP.TAKE_OVER, CAMAT, LURAH, "banjir")
    told(ev.Release(CAMAT), 3.0)
    reserved = told(ev.Reserve(LURAH, "jaga", 600.0), 4.0)
    assert [change.step for change in reserved] == [STEP.TAKE, STEP.RESERVE]
    assert reserved[1].reserved_s == 600.0
    (broken,) = told(ev.TakeOver(CAMAT, "kebakaran"), 5.0)
    assert (broken.step, broken.other, broken.words) == (STEP.BREAK, LURAH, "kebakaran")


def test_reserving_handing_over_and_the_queue() -> None:
    told = Told()
    told(ev.Take(LURAH), 1.0)
    assert told.steps(ev.Reserve(LURAH, "jaga", 600.0), 2.0) == [(STEP.RESERVE, "Ibu Lurah")]
    assert told.steps(ev.Unreserve(LURAH), 3.0) == [(STEP.UNRESERVE, "Ibu Lurah")]
    assert told.steps(ev.Request(CAMAT, "giliran"), 3.5) == []
    ticket = told.arbiter.view().queue[0].ticket
    (change,) = told(ev.HandOver(LURAH, ticket), 4.0)
    assert (change.step, change.source, change.other) == (STEP.HAND_OVER, LURAH, CAMAT)
    told(ev.Request(LURAH, "lagi"), 4.5)
    assert told.steps(ev.Release(CAMAT), 5.0) == [(STEP.RELEASE, "Pak Camat"), (STEP.TAKE, "Ibu Lurah")]
    assert told.steps(ev.Revoke("s1"), 6.0) == [(STEP.RELEASE, "Ibu Lurah")]


def test_a_person_gets_the_camera_from_a_patrol() -> None:
    told = Told()
    told(ev.Travel(PATROL, "1"), 1.0)
    (change,) = told(ev.Move(LURAH, PAN, 0.5), 2.0)
    assert (change.step, change.source, change.other) == (STEP.TAKE, LURAH, PATROL)
    assert told.gestures == [], "a patrol's trips are its plan's, which is on record"


def test_a_gesture_is_one_however_many_moves_and_rests() -> None:
    told = Told()
    for tenth in range(10):
        told(ev.Move(LURAH, REST if tenth == 5 else PAN, 0.5, gesture=1), 1.0 + tenth / 10)
    assert told.gestures == []
    told(ev.Stop(LURAH, gesture=1), 2.0)
    assert told.gestures == [Gesture(LURAH, 9, 1.0, "asked")]
    told(ev.Stop(LURAH, gesture=1), 2.1)
    assert len(told.gestures) == 1


def test_what_ends_a_gesture_is_said() -> None:
    told = Told()
    told(ev.Move(LURAH, PAN, 0.5, gesture=1), 1.0)
    told(ev.Tick(), 1.6)
    told(ev.Move(LURAH, PAN, 0.5, gesture=2), 2.0)
    told(ev.Move(LURAH, PAN, 0.5, gesture=3), 2.2)
    told(ev.Travel(LURAH, "7"), 2.4)
    told(ev.Move(LURAH, PAN, 0.5, gesture=4), 3.0)
    told(ev.TakeOver(CAMAT, "banjir"), 3.2)
    ends = [one.ended_by if isinstance(one, Gesture) else f"to {one.preset}" for one in told.gestures]
    assert ends == ["silence", "next", "next", "to 7", "taken-over"]


def test_a_refused_move_is_no_gesture() -> None:
    told = Told()
    told(ev.Take(CAMAT), 1.0)
    told(ev.Move(LURAH, PAN, 0.5, gesture=1), 1.1)
    told(ev.Release(CAMAT), 1.2)
    assert told.gestures == []
