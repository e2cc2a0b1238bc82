"""A command that believes in an older lease."""

from __future__ import annotations

from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter
from camctl.ptz.model import Velocity

FIRST = ev.Source("s", "p", "Ibu Sari", "official", 50, "s:ws-1")
SECOND = ev.Source("s", "p", "Ibu Sari", "official", 50, "s:ws-2")
RIGHT = Velocity(pan=0.5)


def refusals(actions: list[ev.Action]) -> list[ev.Refusal]:
    return [action.code for action in actions if isinstance(action, ev.Refuse)]


def test_a_new_socket_may_go_on_saying_the_fence_it_knew_until_the_news_arrive() -> None:
    arbiter = Arbiter()
    arbiter.handle(ev.Move(FIRST, RIGHT, 0.5), 0.0)
    known = arbiter.fence
    for step in range(1, 4):
        assert not refusals(arbiter.handle(ev.Move(SECOND, RIGHT, 0.5, fence=known), step / 10))
    assert arbiter.fence == known + 1


def test_what_comes_late_over_the_old_socket_is_refused() -> None:
    arbiter = Arbiter()
    arbiter.handle(ev.Move(FIRST, RIGHT, 0.5), 0.0)
    known = arbiter.fence
    arbiter.handle(ev.Move(SECOND, RIGHT, 0.5, fence=known), 0.1)
    assert refusals(arbiter.handle(ev.Move(FIRST, RIGHT, 0.5, fence=known), 0.2)) == [ev.Refusal.FENCED]


def test_the_fence_of_an_earlier_lease_counts_for_nothing_even_on_the_same_socket() -> None:
    arbiter = Arbiter()
    arbiter.handle(ev.Take(FIRST), 0.0)
    known = arbiter.fence
    arbiter.handle(ev.Release(FIRST), 0.1)
    arbiter.handle(ev.Take(FIRST), 0.2)
    assert refusals(arbiter.handle(ev.Move(FIRST, RIGHT, 0.5, fence=known), 0.3)) == [ev.Refusal.FENCED]
