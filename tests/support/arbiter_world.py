"""An arbiter's whole world on a clock of its own: sign-ins and their commands, the session's timer, and a camera.

Every event that the arbiter is fed is held against the rules (tests/support/arbiter_rules.py), and every action against
what was commanded; the camera's motor is integrated beside it, and arbiter_invariants.py asserts what always holds.
"""

from __future__ import annotations

import copy
import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Phase
from camctl.ptz.model import Velocity
from camctl.ptz.view import ControlView
from tests.support.arbiter_invariants import (
    EPSILON_S,
    GOOD_STOP_S,
    POLL_S,
    RULES,
    TIMED_OUT_S,
    TURNS_ON_S,
    check_change,
    check_motor,
    holder_of,
    snapshot,
)
from tests.support.arbiter_rules import Clock, Presses, holder_after, queue_after, refusal_of, served_first
from tests.support.misbehaving_camera import TIMEOUT_S, Camera


@dataclass
class Live:
    """The newest accepted command: what alone may reach the camera's motor. Without a velocity it is a travel."""

    sign_in: str
    channel: str
    velocity: Velocity | None
    preset: str | None
    ends_at: float


class World:
    """`now` only grows. `feed` gives the arbiter an event; `run` lets time pass, with all that happens in it."""

    def __init__(self, camera: Camera, tick_late_s: float) -> None:
        self.arbiter = Arbiter(RULES)
        self.camera = camera
        self.now = 100.0
        self.tick_late_s = tick_late_s
        self.travel_s = 2.0
        self.live: Live | None = None
        self.unlicensed_since = -math.inf
        self.moves: set[int] = set()  # in flight
        self.newest_stop: int | None = None  # while it is unanswered
        self.stop_said_at = -math.inf
        self.stop_owed = False
        self.attempt = 0  # what the next Stop has to say
        self.failures = 0
        self.sent_at = -math.inf
        self.confirmed_at = -math.inf
        self.has_lied = False  # a Stop was confirmed and not done: without positions nobody can know
        self.presses = Presses()
        self.clock = Clock()
        self.life = 0  # of the process; calls end with it
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._polls = False
        self._is_arriving = False  # with the event that is fed now the travel ends

    def at(self, when: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), what))

    # Time -----------------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        ticks, ticked_at = 0, -math.inf
        while True:
            tick_at = max(self.now, self.arbiter.deadline() + self.tick_late_s)
            happens_at = self._agenda[0][0] if self._agenda else math.inf
            if min(tick_at, happens_at) > end:
                break
            if happens_at <= tick_at:
                self.now = max(self.now, happens_at)
                heapq.heappop(self._agenda)[2]()
            else:
                ticks = ticks + 1 if tick_at == ticked_at else 0
                ticked_at = tick_at
                assert ticks < 10, "the arbiter asks for ticks without end"
                self.now = tick_at
                self.feed(ev.Tick())
            check_motor(self)
        self.now = end
        check_motor(self)

    def restart(self) -> None:
        """The process dies and comes again: with the journal's holder, without memory of anything else."""
        before = self.arbiter.view().holder
        fence = self.arbiter.fence
        self.arbiter = Arbiter(RULES)
        self.arbiter.restore(fence, before, self.now)
        self._end_live(self.now)
        self.life += 1
        self.moves, self.newest_stop, self.stop_owed = set(), None, False
        self.attempt = self.failures = 0
        self.sent_at = self.now  # the new process cannot know when the old one sent its last move
        self.presses = Presses()
        after = self.arbiter.view().holder
        assert self.arbiter.fence == fence, "a fence went back or was skipped"
        if before is not None and self.now < before.ends_at:
            assert after is not None
            assert (after.source, after.fence) == (before.source, before.fence)
            is_reserved = self.now < (before.reserved_until or 0.0)
            assert after.reserved_until == (before.reserved_until if is_reserved else None)
            assert is_reserved or after.ends_at <= max(before.ends_at, self.now + RULES.lease_idle_s)
            self.clock.used_at = min(self.now, before.ends_at - RULES.lease_idle_s)
        else:
            assert after is None, "a lease that had ended came back"
        self.feed(ev.ForceStop(ev.StopReason.START))

    # Events and what they may lead to -------------------------------------------------------------------------------

    def _settled_view(self) -> ControlView:
        """The state in which nothing is overdue: a late tick must make no difference to what an event finds."""
        if self.now < self.arbiter.deadline():
            return self.arbiter.view()
        twin = copy.deepcopy(self.arbiter)
        twin.handle(ev.Tick(), self.now)
        return twin.view()

    def feed(self, event: ev.Event) -> ev.Refusal | None:
        arbiter, shown, fence = self.arbiter, self.arbiter.view(), self.arbiter.fence
        before = self._settled_view()
        self._let_go(shown, before)
        inside = None if self.now >= arbiter.deadline() else snapshot(arbiter)
        fence_before = fence if before.holder is None else max(fence, before.holder.fence)
        expected = refusal_of(event, before, fence_before, self.presses, RULES)
        actions = arbiter.handle(event, self.now)
        refusals = [action.code for action in actions if isinstance(action, ev.Refuse)]
        assert refusals == ([expected] if expected is not None else []), (event, refusals, expected)
        if expected is not None:
            assert inside is None or snapshot(arbiter) == inside, "a refusal changed something"
        else:
            self._accept(event, before)
        after = arbiter.view()
        holder = after.holder.source.sign_in if after.holder is not None else None
        wanted = holder_after(event, before) if expected is None else holder_of(before)
        assert holder == wanted, (event, before.holder, after.holder)
        if expected is None:
            self.clock.after(event, before, holder, self.now)
        awaited = queue_after(event if expected is None else ev.Tick(), before, holder, self.now)
        assert [(waiter.source.sign_in, waiter.since) for waiter in after.queue] == awaited, event
        for action in actions:
            self._carry_out(action, holder)
        check_change(self, event, (shown, before, after), actions, fence)
        return expected

    def _let_go(self, shown: ControlView, before: ControlView) -> None:
        """What time alone ended, before anything else happens: no more and no less than was due."""
        if self.live is not None and self.now >= self.live.ends_at:
            self._end_live(self.live.ends_at)
        old = shown.holder
        if old is None:
            return
        left = tuple(waiter for waiter in shown.queue if not self.clock.is_overdue(waiter, self.now, RULES))
        if old.reserved_until is not None and self.now >= old.reserved_until:
            old = replace(old, reserved_until=None)
            self.clock.used_at = self.now
        wanted_until = self.live.ends_at if self.live is not None else -math.inf
        is_over = self.now >= self.clock.ends_at(ControlView(old, left), wanted_until, RULES)
        holder = served_first(left) if is_over else old.source.sign_in
        assert holder_of(before) == holder, (old, before.holder)
        assert {waiter.ticket for waiter in left if waiter.source.sign_in != holder} == {
            waiter.ticket for waiter in before.queue
        }
        if is_over:
            self.clock.used_at = self.now
            self.presses.end_all()
            self._end_live(self.now)

    def _end_live(self, when: float) -> None:
        if self.live is None:
            return
        self.live = None
        self.unlicensed_since = when
        for allowed_s in (GOOD_STOP_S, TIMED_OUT_S):
            self.at(when + allowed_s + 2 * EPSILON_S, lambda: check_motor(self))

    def _accept(self, event: ev.Event, before: ControlView) -> None:
        """What an accepted event means for the newest command and the presses."""
        if holder_after(event, before) != holder_of(before):
            self.presses.end_all()
            self._end_live(self.now)
        match event:
            case ev.Move(source=source, gesture=gesture) if gesture is not None:
                self.presses.newest[source.channel] = gesture
            case ev.Stop(source=source, gesture=gesture):
                if gesture is not None:
                    over = self.presses.over
                    over[source.channel] = max(gesture, over.get(source.channel, -1))
                self.presses.end_all()
            case ev.ChannelClosed(channel=channel):
                self.presses.newest.pop(channel, None)
                self.presses.over.pop(channel, None)
        self._want(event)

    def _want(self, event: ev.Event) -> None:
        live, ends_at = self.live, self.now + RULES.travel_limit_s
        match event:
            case ev.Move(velocity=velocity) | ev.Adjust(velocity=velocity) if velocity.is_zero:
                if isinstance(event, ev.Move) or (live is not None and live.velocity is not None):
                    self._end_live(self.now)
            case ev.Adjust(velocity=velocity):
                if live is not None and live.velocity is not None:
                    self.live = replace(live, velocity=velocity)
            case ev.Move(source=source, velocity=velocity):
                self.live = Live(source.sign_in, source.channel, velocity, None, self.now + event.life_s)
            case ev.Travel(source=source, preset=preset):
                self.live = Live(source.sign_in, source.channel, None, preset, ends_at)
            case ev.Stop() | ev.ForceStop():
                self._end_live(self.now)
            case ev.StandstillSeen() | ev.MoveAnswered() if self._is_arriving:
                self._is_arriving = False
                self._end_live(self.now)
            case ev.ChannelClosed(channel=channel) if live is not None and live.channel == channel:
                self._end_live(self.now)

    def _carry_out(self, action: ev.Action, holder: str | None) -> None:
        match action:
            case ev.SendMove(number=number, velocity=velocity):
                self._check_departure(holder)
                assert self.live is not None
                assert velocity == self.live.velocity, "not the newest command"
                self._call(number, lambda: self.camera.turn(self.now))
            case ev.SendTravel(number=number, preset=preset):
                self._check_departure(holder)
                assert self.live is not None
                assert self.live.velocity is None
                assert preset == self.live.preset, "not the newest command"
                self._call(number, lambda: self.camera.travel(self.travel_s, self.now))
            case ev.SendStop(number=number, attempt=attempt):
                assert attempt == self.attempt, "not the way of stopping whose turn it is"
                self.newest_stop, self.stop_owed, self.stop_said_at = number, True, self.now
                answer = self.camera.asked_to_stop(attempt, self.now)
                if answer.effect_at is not None:
                    self.at(answer.effect_at, lambda: self.camera.halt(self.now))
                self._answer(answer.answer_at, lambda: self._stop_answered(number, answer.ok))
                self.has_lied |= answer.ok and answer.effect_at is None

    def _check_departure(self, holder: str | None) -> None:
        assert not self.moves, "two moves in flight"
        assert self.newest_stop is None, "a move beside a Stop"
        assert self.live is not None, "a move that nobody wants"
        assert self.live.sign_in == holder, "a move of somebody who is not the holder"
        assert self.now < self.live.ends_at, "a move after its life"
        has_timed_out = self.now >= self.sent_at + TIMEOUT_S + RULES.stop_merge_s
        gives_way = self.failures >= RULES.give_way_after_failures and has_timed_out
        assert not self.stop_owed or gives_way, "a move although a Stop is owed"
        self.stop_owed, self.attempt, self.failures, self.sent_at = False, 0, 0, self.now

    def _call(self, number: int, effect: Callable[[], None]) -> None:
        answer = self.camera.asked_to_move(self.now)
        self.moves.add(number)
        if answer.effect_at is not None:
            self._answer(answer.effect_at, effect)
        self._answer(answer.answer_at, lambda: self._move_answered(number, answer.ok, answer.refused))

    def _answer(self, when: float, what: Callable[[], object]) -> None:
        """Let something happen then unless the process that asked for it has died."""
        life = self.life
        self.at(when, lambda: what() if life == self.life else None)

    # What the session sees of the camera ----------------------------------------------------------------------------

    def _move_answered(self, number: int, ok: bool, refused: bool) -> None:
        self.moves.discard(number)
        motion, is_trip = self.arbiter._motion, self.live is not None and self.live.velocity is None
        self._is_arriving = refused and is_trip and motion.want is motion._sent
        self.feed(ev.MoveAnswered(number, ok, refused))
        self.watch()

    def _stop_answered(self, number: int, ok: bool) -> None:
        if self.arbiter.deadline() <= self.now:
            # What ends at this very instant ends first, and may say a newer Stop, which this is no answer to.
            self.feed(ev.Tick())
        if number == self.newest_stop:
            self.newest_stop = None
            self.attempt += not ok
            self.failures = 0 if ok else self.failures + 1
            if ok:
                self.stop_owed, self.confirmed_at = False, self.now
        self.feed(ev.StopAnswered(number, ok))
        self.watch()

    def watch(self) -> None:
        """Ask for the position as long as it is unclear whether it stands."""
        if self.camera.tells_position and not self._polls:
            self._polls = True
            self.at(self.now + POLL_S, self._poll)

    def _poll(self) -> None:
        self._polls = False
        phase, since = self.arbiter.phase, self.camera.stands_since(self.now)
        stood = since <= self.now - POLL_S and self.now - POLL_S >= self.stop_said_at + 0.2
        if phase is Phase.STOPPING and stood:
            self.newest_stop, self.stop_owed, self.failures = None, False, 0
            self.feed(ev.StandstillSeen())
            if self.arbiter.phase is Phase.STILL:
                self.newest_stop, self.stop_owed, self.confirmed_at = None, False, self.now
        elif phase is Phase.TRAVELLING and since < self.now and not self.moves:
            self._is_arriving = True
            self.feed(ev.StandstillSeen())
        elif phase is Phase.STILL and since == math.inf and self.now >= self.confirmed_at + TURNS_ON_S:
            self.attempt += self.arbiter.stop_confirmed is True and self.live is None
            self.feed(ev.TurningSeen())
        if self.arbiter.is_moving or since == math.inf or self.now < self.confirmed_at + 2 * TURNS_ON_S:
            self.watch()
