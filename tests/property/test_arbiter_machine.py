"""A state machine over the arbiter, sockets, the clock, a patrol, an event and a camera that misbehaves.

The world (tests/support/arbiter_world.py) asserts the invariants at every event, action and turn of the motor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from tests.support.arbiter_invariants import RULES, TICK_LATE_S, check_state
from tests.support.arbiter_world import World
from tests.support.misbehaving_camera import Camera, Moves, Stops

PERSON, EVENT, PATROL = ev.SourceKind.PERSON, ev.SourceKind.EVENT, ev.SourceKind.PATROL
EXAMPLES = max(500, settings().max_examples)  # also in the gate; nightly asks for more


@dataclass
class Client:
    """One sign-in with its present socket, and what it believes."""

    base: ev.Source
    sockets: int = 1
    is_open: bool = True
    fence: int | None = None
    gesture: int = 0

    def source(self, *, http: bool = False) -> ev.Source:
        channel = "http" if http else f"ws-{self.sockets}"
        return replace(self.base, channel=f"{self.base.sign_in}:{channel}")


def sign_in(name: str, person: str, priority: int, kind: ev.SourceKind = PERSON, *, breaks: bool = False) -> ev.Source:
    return ev.Source(name, person, person, "official", priority, "", kind, breaks)


PEOPLE = (
    sign_in("lurah-phone", "lurah", 50),
    sign_in("lurah-tablet", "lurah", 50),
    sign_in("neighbour", "neighbour", 50),
    sign_in("camat", "camat", 60),
    sign_in("admin", "admin", 40, breaks=True),
    sign_in("guest", "guest", 5),
)
MACHINES = (sign_in("patrol:1", "patrol:1", 10, PATROL), sign_in("event:1", "event:1", 30, EVENT))
# By their roles of the moment more often than by chance: what they do has more consequences.
HOLDER, WAITER, OTHER_DEVICE = -1, -2, -3
people = st.sampled_from([*range(len(PEOPLE)), *[HOLDER] * 6, *[WAITER] * 2, *[OTHER_DEVICE] * 2])
machines = st.integers(len(PEOPLE), len(PEOPLE) + len(MACHINES) - 1)
lives = st.sampled_from([0.5, 0.6, 0.9])
pauses = st.sampled_from([0.05, 0.1, 0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0, 4.0, 6.0, 12.0])
delays = st.sampled_from([0.0, 0.2, 0.6, 2.0, 7.0])
limits = st.sampled_from([2.0, 10.0, 100.0])
fences = st.sampled_from(["known", "none", "old"])


def next_station(source: ev.Source) -> ev.Travel:
    return ev.Travel(source, "9")


def reserve_for_ten_seconds(source: ev.Source) -> ev.Reserve:
    return ev.Reserve(source, "flood", 10.0)


DONE_BY_MACHINES = (ev.Take, next_station, next_station, ev.Release, ev.Request, reserve_for_ten_seconds)


class ArbiterMachine(RuleBasedStateMachine):
    """Sign-ins, sockets and machines command; the camera answers as it likes."""

    @initialize(
        good=st.booleans(),
        honours_timeout=st.booleans(),
        tells_position=st.booleans(),
        late=st.sampled_from([0.0, 0.0, 0.01, TICK_LATE_S]),
        call_s=st.sampled_from([0.02, 0.1, 0.3]),
    )
    def begin(self, good: bool, honours_timeout: bool, tells_position: bool, late: float, call_s: float) -> None:
        camera = Camera(good, honours_timeout or good, tells_position, call_s)
        self.world = World(camera, late)
        self.clients = [Client(base) for base in PEOPLE + MACHINES]
        self.unique = 0

    def client(self, who: int) -> Client:
        view = self.world.arbiter.view()
        name = ""
        if who == HOLDER and view.holder is not None:
            name = view.holder.source.sign_in
        elif who == WAITER and view.queue:
            name = view.queue[-1].source.sign_in
        elif who == OTHER_DEVICE and view.holder is not None:
            held = view.holder.source
            others = (base.sign_in for base in PEOPLE if base.person == held.person and base.sign_in != held.sign_in)
            name = next(others, "")
        return next((client for client in self.clients if client.base.sign_in == name), self.clients[max(who, 0)])

    def velocity(self) -> Velocity:
        """One that no other move has, so that what reaches the camera says whose it is."""
        self.unique += 1
        return Velocity(pan=self.unique / 10_000)

    def send(self, client: Client, event: ev.Event, delay_s: float = 0.0, copies: int = 1) -> None:
        """Let a command arrive, perhaps late, perhaps twice; commands of a closed socket are lost with it."""
        socket = client.sockets

        def arrive() -> None:
            if client.sockets == socket and client.is_open:
                self.world.feed(event)
                self.world.watch()
                self.learn()

        for _ in range(copies):
            if delay_s:
                self.world.at(self.world.now + delay_s, arrive)
            else:
                arrive()

    def learn(self) -> None:
        """Tell the holder its fence, as the pushed state does."""
        holder = self.world.arbiter.view().holder
        for client in self.clients:
            if holder is not None and client.base.sign_in == holder.source.sign_in:
                client.fence = holder.fence

    def fence(self, client: Client, which: str) -> int | None:
        return None if which == "none" or client.fence is None else client.fence - (which == "old")

    # People and their sockets ---------------------------------------------------------------------------------------

    @rule(who=people, life=lives, fence=fences, new=st.booleans(), delay=delays, copies=st.integers(1, 2))
    def press(self, who: int, life: float, fence: str, new: bool, delay: float, copies: int) -> None:
        client = self.client(who)
        client.gesture += new
        move = ev.Move(client.source(), self.velocity(), life, client.gesture, self.fence(client, fence))
        self.send(client, move, delay, copies)

    @rule(who=people, steps=st.integers(2, 12), fence=fences)
    def hold_the_finger(self, who: int, steps: int, fence: str) -> None:
        client = self.client(who)
        client.gesture += 1
        for _ in range(steps):
            move = ev.Move(client.source(), self.velocity(), 0.6, client.gesture, self.fence(client, fence))
            self.send(client, move)
            self.world.run(0.1)

    @rule(who=people, named=st.booleans(), http=st.booleans(), fence=fences, delay=delays, copies=st.integers(1, 2))
    def lift(self, who: int, named: bool, http: bool, fence: str, delay: float, copies: int) -> None:
        client = self.client(who)
        gesture = client.gesture if named and not http else None
        self.send(client, ev.Stop(client.source(http=http), gesture, self.fence(client, fence)), delay, copies)

    @rule(who=people)
    def rest_in_the_dead_zone(self, who: int) -> None:
        client = self.client(who)
        self.send(client, ev.Move(client.source(), Velocity(), 0.6, client.gesture))

    @rule(who=people, hold_s=st.sampled_from([0.2, 2.0, 9.0]))
    def hold_over_http(self, who: int, hold_s: float) -> None:
        client = self.client(who)
        self.send(client, ev.Move(client.source(http=True), self.velocity(), hold_s))

    @rule(who=people, travel_s=st.sampled_from([0.3, 3.0, 20.0]), preset=st.sampled_from([None, "1", "2"]))
    def go_to_a_preset(self, who: int, travel_s: float, preset: str | None) -> None:
        self.world.travel_s = travel_s
        client = self.client(who)
        self.send(client, ev.Travel(client.source(), preset, 0.5))

    @rule(who=people, kind=st.sampled_from([ev.Take, ev.Release, ev.Withdraw, ev.Unreserve]), http=st.booleans())
    def say(self, who: int, kind: type[ev.Take | ev.Release | ev.Withdraw | ev.Unreserve], http: bool) -> None:
        client = self.client(who)
        self.send(client, kind(client.source(http=http)))

    @rule(who=people, delay=delays)
    def take_over(self, who: int, delay: float) -> None:
        client = self.client(who)
        self.send(client, ev.TakeOver(client.source(), "accident"), delay)

    @rule(winner=people, still_down=st.booleans(), fence=fences, delay=delays)
    def take_it_from_under_the_finger(self, winner: int, still_down: bool, fence: str, delay: float) -> None:
        """The loser's finger stays down, and what it sent is under way, while another takes over and lets go."""
        loser, taker = self.client(HOLDER), self.client(winner)
        late = ev.Move(loser.source(), self.velocity(), 0.6, loser.gesture, self.fence(loser, fence))
        self.send(loser, late, delay, copies=2)
        self.send(taker, ev.TakeOver(taker.source(), "flood"))
        self.world.run(0.5)
        self.send(taker, ev.Release(taker.source()))
        if still_down:
            self.send(loser, replace(late, velocity=self.velocity()))

    @rule(who=people, http=st.booleans())
    def request(self, who: int, http: bool) -> None:
        client = self.client(who)
        self.send(client, ev.Request(client.source(http=http), "please"))

    @rule(who=people, limit_s=limits, delay=delays)
    def reserve(self, who: int, limit_s: float, delay: float) -> None:
        client = self.client(who)
        self.send(client, ev.Reserve(client.source(), "flood", limit_s), delay)

    @rule(who=people, place=st.integers(0, 2))
    def hand_over(self, who: int, place: int) -> None:
        queue = self.world.arbiter.view().queue
        ticket = queue[place].ticket if place < len(queue) else 999
        client = self.client(who)
        self.send(client, ev.HandOver(client.source(), ticket))

    @rule(who=people, delay=delays)
    def the_socket_closes(self, who: int, delay: float) -> None:
        client = self.client(who)
        if client.is_open:
            client.is_open = False
            self.world.feed(ev.ChannelClosed(client.source().channel))
            self.world.at(self.world.now + delay, lambda: self.reopen(client))

    def reopen(self, client: Client) -> None:
        client.sockets += 1
        client.is_open = True
        client.gesture = 0

    @rule(who=people)
    def the_sign_in_is_revoked(self, who: int) -> None:
        self.world.feed(ev.Revoke(self.client(who).base.sign_in))

    # Machines, the service and the camera ---------------------------------------------------------------------------

    @rule(who=machines, make=st.sampled_from(DONE_BY_MACHINES))
    def a_round_goes_on(self, who: int, make: Callable[[ev.Source], ev.Event]) -> None:
        client = self.client(who)
        source = client.source()
        self.world.travel_s = 3.0
        self.send(client, make(source))

    @rule(share=st.sampled_from([0.0, 0.5]))
    def a_limit_is_near(self, share: float) -> None:
        self.world.feed(ev.Adjust(self.velocity() if share else Velocity()))

    @rule()
    def the_service_wants_it_still(self) -> None:
        self.world.feed(ev.ForceStop(ev.StopReason.START))

    @rule()
    def the_process_dies_and_comes_again(self) -> None:
        self.world.restart()
        self.learn()

    @precondition(lambda self: not self.world.camera.is_good)
    @rule(moves=st.sampled_from(Moves), stops=st.sampled_from(Stops), attempt=st.sampled_from([0, 0, 1, 3]))
    def the_camera_misbehaves(self, moves: Moves, stops: Stops, attempt: int) -> None:
        camera = self.world.camera
        camera.moves, camera.stops, camera.first_good_attempt = moves, stops, attempt

    @rule(seconds=pauses)
    def time_passes(self, seconds: float) -> None:
        self.world.run(seconds)
        self.learn()

    @rule(late=st.sampled_from([0.0, 0.01, TICK_LATE_S]))
    def to_the_very_deadline(self, late: float) -> None:
        """Not a tick but the next command is what the arbiter hears first at a deadline."""
        deadline = self.world.arbiter.deadline()
        if self.world.now < deadline + late < math.inf:
            self.world.tick_late_s = TICK_LATE_S
            self.world.run(deadline + late - self.world.now)

    @invariant()
    def what_always_holds(self) -> None:
        if hasattr(self, "world"):
            check_state(self.world)

    def teardown(self) -> None:
        """Everybody falls silent: the camera comes to rest, and nobody holds it any more."""
        if not hasattr(self, "world"):
            return
        world, camera = self.world, self.world.camera
        camera.moves, camera.stops = Moves.DONE, Stops.DONE
        world.run(RULES.travel_limit_s + 30.0)
        assert not camera.is_turning(world.now) or (world.has_lied and not camera.tells_position)
        world.run(RULES.reserve_max_s + (RULES.queue_max + 1) * (RULES.lease_idle_s + RULES.lease_cap_s))
        check_state(world)
        assert world.arbiter.is_settled
        assert world.arbiter.view().holder is None
        assert world.arbiter.deadline() == math.inf


ArbiterMachine.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, report_multiple_bugs=False)
TestArbiterMachine = ArbiterMachine.TestCase
