"""Where a viewer goes: to the camera's own worker, until too many are there."""

from __future__ import annotations

import pytest

from streams.placement import Placement, camera_of, place

KEY = "gate/main"


def admit(placement: Placement, key: str, count: int, up: range | None = None) -> list[int]:
    """Where each of `count` more viewers went."""
    went = []
    for _ in range(count):
        worker = placement.choose(key, up or range(9))
        placement.joined(key, worker)
        went.append(worker)
    return went


def test_a_camera_has_one_worker_for_both_its_streams() -> None:
    assert camera_of("cam-1/main") == camera_of("cam-1/sub") == "cam-1"
    assert place("cam-1/main", 7) == place("cam-1/sub", 7)


def test_the_owner_serves_alone_until_it_has_enough() -> None:
    placement = Placement(3, 100)
    owner = placement.owner(KEY)
    assert set(admit(placement, KEY, 100)) == {owner}
    assert placement.choose(KEY, range(3)) != owner
    assert [placement.load(worker) for worker in range(3)] == [100 * (worker == owner) for worker in range(3)]


def test_a_flood_on_one_camera_ends_up_shared_by_all() -> None:
    placement = Placement(4, 100)
    admit(placement, KEY, 1000)
    loads = [placement.load(worker) for worker in range(4)]
    assert sum(loads) == 1000
    assert max(loads) - min(loads) <= 100 // 4
    assert sum(placement.viewers(KEY, worker) for worker in range(4)) == 1000


def test_a_few_viewers_of_many_cameras_are_not_sent_around_for_a_small_difference() -> None:
    placement = Placement(2, 100)
    keys = [f"cam-{number}/main" for number in range(400)]
    for key in keys:
        admit(placement, key, 1)
    carried_twice = [key for key in keys if placement.viewers(key, 1 - placement.owner(key))]
    assert len(carried_twice) < 20


def test_a_worker_that_is_down_takes_nobody_but_the_owner_is_waited_for() -> None:
    placement = Placement(2, 10)
    owner = placement.owner(KEY)
    admit(placement, KEY, 10)
    assert placement.choose(KEY, ()) == owner
    assert placement.choose(KEY, (1 - owner,)) == 1 - owner
    assert placement.choose(KEY, (owner,)) == owner


def test_who_leaves_makes_room_again() -> None:
    placement = Placement(2, 10)
    owner = placement.owner(KEY)
    went = admit(placement, KEY, 30)
    assert 1 - owner in went
    for worker in went:
        placement.left(KEY, worker)
    assert [placement.load(worker) for worker in range(2)] == [0, 0]
    assert not placement._viewers
    assert placement.choose(KEY, range(2)) == owner


def test_both_streams_of_a_camera_count_together() -> None:
    placement = Placement(2, 4)
    other = 1 - placement.owner(KEY)
    went = admit(placement, "gate/main", 5)
    assert went[-1] == other
    assert placement.viewers("gate/sub", other) == 1


@pytest.mark.parametrize(("workers", "spread_after"), [(0, 1), (1, 0)])
def test_nonsense_is_refused(workers: int, spread_after: int) -> None:
    with pytest.raises(ValueError, match="placement"):
        Placement(workers, spread_after)
