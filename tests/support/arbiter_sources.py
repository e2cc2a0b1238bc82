"""Sources and small steps for tests of the arbiter; time is a number."""

from __future__ import annotations

from typing import TypeVar

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Rules
from camctl.ptz.model import Velocity

RIGHT = Velocity(pan=0.5)
LEFT = Velocity(pan=-0.5)

A = TypeVar("A")


def person(
    name: str, priority: int = 50, channel: str = "ws-1", sign_in: str | None = None, *, may_break: bool = False
) -> ev.Source:
    name_of_sign_in = sign_in or f"signin-{name}"
    channel = f"{name_of_sign_in}:{channel}" if sign_in else f"{name}:{channel}"
    return ev.Source(name_of_sign_in, name, name, "official", priority, channel, may_break=may_break)


def machine(kind: ev.SourceKind, priority: int) -> ev.Source:
    name = f"{kind.value}:1"
    return ev.Source(name, name, "Round", kind.value, priority, name, kind)


LURAH = person("lurah", 50)
LURAH_TABLET = person("lurah", 50, "ws-9", sign_in="signin-tablet")
OTHER_LURAH = person("other", 50)
CAMAT = person("camat", 60)
ADMIN = person("admin", 40, may_break=True)
PATROL = machine(ev.SourceKind.PATROL, 10)
EVENT = machine(ev.SourceKind.EVENT, 30)


def move(
    source: ev.Source = LURAH,
    velocity: Velocity = RIGHT,
    life_s: float = 0.6,
    gesture: int | None = None,
    fence: int | None = None,
) -> ev.Move:
    return ev.Move(source, velocity, life_s, gesture, fence)


def sent(actions: list[ev.Action], kind: type[A]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def refused(actions: list[ev.Action]) -> ev.Refusal | None:
    codes = [action.code for action in sent(actions, ev.Refuse)]
    assert len(codes) <= 1
    return codes[0] if codes else None


def only_stop(actions: list[ev.Action]) -> ev.SendStop:
    [stop] = sent(actions, ev.SendStop)
    return stop


def moving(source: ev.Source = LURAH, now: float = 0.0, rules: Rules | None = None) -> Arbiter:
    """An arbiter whose camera turns for `source`, as it has confirmed."""
    arbiter = Arbiter(rules)
    [action] = sent(arbiter.handle(move(source), now), ev.SendMove)
    arbiter.handle(ev.MoveAnswered(action.number, ok=True), now)
    return arbiter


def held(source: ev.Source = LURAH, now: float = 0.0, rules: Rules | None = None) -> Arbiter:
    """An arbiter whose camera stands still and belongs to `source`."""
    arbiter = Arbiter(rules)
    arbiter.handle(ev.Take(source), now)
    return arbiter


def confirm_stop(arbiter: Arbiter, stop: ev.SendStop, now: float) -> list[ev.Action]:
    return arbiter.handle(ev.StopAnswered(stop.number, ok=True), now)


def holder(arbiter: Arbiter) -> ev.Source | None:
    view = arbiter.view().holder
    return view.source if view is not None else None


def waiting(*waiters: ev.Source, now: float = 1.0, rules: Rules | None = None) -> Arbiter:
    """The lurah holds a still camera since 0; the others wait, a second apart, from `now` on."""
    arbiter = held(rules=rules)
    for later_s, waiter in enumerate(waiters):
        assert refused(arbiter.handle(ev.Request(waiter, f"{waiter.name} asks"), now + later_s)) is None
    return arbiter
