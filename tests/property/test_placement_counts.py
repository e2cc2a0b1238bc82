"""Whatever comes and goes, placement counts right and asks no worker that is down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.placement import Placement

KEYS = st.sampled_from([f"cam-{number}/{quality}" for number in range(6) for quality in ("main", "sub")])
STEP = st.tuples(KEYS, st.sets(st.integers(0, 4)), st.booleans())


@given(st.integers(1, 5), st.integers(1, 12), st.lists(STEP, max_size=120))
def test_counts_add_up_and_who_is_down_gets_nobody(
    workers: int, spread_after: int, steps: list[tuple[str, set[int], bool]]
) -> None:
    placement = Placement(workers, spread_after)
    there: list[tuple[str, int]] = []
    for key, up, leaves in steps:
        if leaves and there:
            placement.left(*there.pop(0))
        chosen = placement.choose(key, up)
        owner = placement.owner(key)
        assert 0 <= chosen < workers
        assert chosen == owner or chosen in up
        assert chosen == owner or placement.load(owner) >= spread_after
        assert chosen == owner or placement.load(chosen) <= placement.load(owner)
        placement.joined(key, chosen)
        there.append((key, chosen))
        loads = [sum(worker == number for _, worker in there) for number in range(workers)]
        assert [placement.load(number) for number in range(workers)] == loads
    for key, worker in there:
        placement.left(key, worker)
    assert not any(placement.load(number) for number in range(workers))
