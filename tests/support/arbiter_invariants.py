"""What always holds in an arbiter's world (tests/support/arbiter_world.py): of the motor, the state and each change."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Phase, Rules
from camctl.ptz.view import ControlView
from tests.support.arbiter_rules import capped_at, check_reservation
from tests.support.misbehaving_camera import CALL_LIMIT_S, TIMEOUT_S

if TYPE_CHECKING:
    from tests.support.arbiter_world import World

RULES = Rules(
    lease_idle_s=4.0,
    lease_cap_s=20.0,
    cap_notice_s=5.0,
    http_wait_s=8.0,
    reserve_max_s=30.0,
    queue_max=3,
    travel_limit_s=10.0,
)
TICK_LATE_S = 0.05
POLL_S = 0.25
TURNS_ON_S = 0.8  # a camera that turns so long after a confirmed Stop did not stop
# Everything a camera that answers may take: a late tick, a move that is just under way, and the Stop after its answer.
GOOD_STOP_S = TICK_LATE_S + 2 * 0.3
# One that answers nothing: its last move comes through late and runs until the camera's own Timeout.
TIMED_OUT_S = TICK_LATE_S + CALL_LIMIT_S + TIMEOUT_S
STOP_PAUSE_S = CALL_LIMIT_S + RULES.stop_retry_max_s + TICK_LATE_S
EPSILON_S = 1e-6


def holder_of(view: ControlView) -> str | None:
    return view.holder.source.sign_in if view.holder is not None else None


def check_motor(world: World) -> None:
    """It turns only while somebody wants it, or as long as stopping takes; and is told to stop until it does."""
    if world.live is not None or not world.camera.is_turning(world.now):
        return
    unlicensed_s = world.now - world.unlicensed_since - EPSILON_S
    if world.camera.is_good:
        assert unlicensed_s <= GOOD_STOP_S, "it turns and nobody wants it"
    elif world.camera.honours_timeout and not world.camera.is_travelling:
        assert unlicensed_s <= TIMED_OUT_S, "it turns past its own Timeout and nobody wants it"
    if unlicensed_s > TIMED_OUT_S and world.camera.tells_position:
        said_s = world.now - world.stop_said_at
        assert said_s <= STOP_PAUSE_S + TURNS_ON_S + 2 * POLL_S, "it turns and is no longer told to stop"


def check_state(world: World) -> None:
    """The state by itself."""
    view, arbiter = world.arbiter.view(), world.arbiter
    if world.stop_owed:
        assert arbiter.phase is Phase.STOPPING
        assert world.now - world.stop_said_at <= STOP_PAUSE_S, "a Stop is owed and not said"
    assert arbiter.is_settled == (arbiter.phase is Phase.STILL and not world.moves)
    if arbiter.phase in {Phase.MOVING, Phase.TRAVELLING}:
        assert world.live is not None or world.now >= arbiter.deadline()
    sign_ins = [waiter.source.sign_in for waiter in view.queue]
    assert view.holder is not None or not sign_ins, "they wait for nobody"
    assert len(set(sign_ins)) == len(sign_ins) <= RULES.queue_max
    assert view.holder is None or view.holder.source.sign_in not in sign_ins
    assert all(waiter.source.kind is ev.SourceKind.PERSON for waiter in view.queue)
    if view.holder is not None:
        assert view.holder.fence == arbiter.fence
        assert (view.holder.capped_at or math.inf) == capped_at(view, RULES)
        wanted_until = world.live.ends_at if world.live is not None else -math.inf
        if world.now < arbiter.deadline():
            assert view.holder.ends_at == world.clock.ends_at(view, wanted_until, RULES)


def check_change(
    world: World, event: ev.Event, views: tuple[ControlView, ...], actions: list[ev.Action], fence: int
) -> None:
    """Fences grow, a new holder comes with a Stop, and everyone is told; `views`: shown before, due now, afterwards."""
    shown, before, after = views
    assert world.arbiter.fence >= fence, "a fence went back"
    old, new = before.holder, after.holder
    if new is not None and (old is None or old.source != new.source):
        assert new.fence > (old.fence if old is not None else fence), "a new holder or channel with an old fence"
    for earlier, later, cause in ((shown, before, ev.Tick()), (before, after, event)):
        if earlier.holder is None or later.holder is None or holder_of(earlier) == holder_of(later):
            continue
        is_said = world.newest_stop is not None and world.now <= world.stop_said_at + RULES.stop_merge_s
        assert is_said, "a new holder without a Stop"
        assert not any(isinstance(action, ev.SendMove | ev.SendTravel) for action in actions)
        check_reservation(cause, earlier.holder, later.holder)
    if _without_end(after) != _without_end(shown):
        assert ev.Publish() in actions, "a change that nobody was told of"


def _without_end(view: ControlView) -> ControlView:
    return replace(view, holder=replace(view.holder, ends_at=0.0)) if view.holder is not None else view


def snapshot(arbiter: Arbiter) -> tuple[object, ...]:
    """Everything that the arbiter remembers."""
    own = {name: copy.copy(value) for name, value in vars(arbiter).items() if name not in {"_motion", "_queue"}}
    return (own, dict(vars(arbiter._motion)), dict(vars(arbiter._queue)))
