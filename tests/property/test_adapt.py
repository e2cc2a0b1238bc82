"""Whatever a link does, the governor keeps its rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.adapt import Governor, LinkReport, Phase
from streams.quality import Demand, Quality, Why, Wish

DEMANDS = st.builds(Demand, st.sampled_from(Wish), st.sampled_from([0, 200, 1080]), st.booleans())
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.just(0), st.just(0.0)),
        st.tuples(st.just("report"), st.integers(0, 120), st.floats(0, 2)),
        st.tuples(st.just("estimate"), st.integers(0, 5_000_000), st.just(0.0)),
        st.tuples(st.just("failed"), st.just(0), st.just(0.0)),
        st.tuples(st.just("probed"), st.just(0), st.just(0.0)),
    ),
    max_size=80,
)
RTTS = st.one_of(st.none(), st.floats(0, 1))


@given(DEMANDS, st.booleans(), st.booleans(), RTTS, STEPS, st.lists(st.floats(0.01, 3), min_size=80, max_size=80))
def test_it_moves_nobody_who_is_pinned_and_never_up_without_proof(
    demand: Demand,
    has_both: bool,
    can_probe: bool,
    rtt_s: float | None,
    steps: list[tuple[str, int, float]],
    pauses: list[float],
) -> None:
    governor = Governor(demand, has_both=has_both, can_probe=can_probe)
    now_s, sent, lost = 0.0, 0, 0
    governor.begin(now_s, rtt_s)
    start = (governor.target, governor.why)
    low_since_s = now_s
    for (kind, number, value), pause_s in zip(steps, pauses, strict=False):
        now_s += pause_s
        before, phase = governor.target, governor.phase
        if kind == "tick":
            governor.tick(now_s)
        elif kind == "report":
            sent, lost = sent + 120, lost + number
            governor.report(LinkReport(lost, sent, value, now_s - pause_s), now_s)
        elif kind == "estimate":
            governor.estimate(number, 2e6, now_s)
        elif kind == "probed":
            governor.probed(now_s)
        else:
            governor.failed(now_s)
        if not has_both or demand.wants is not None:
            assert (governor.target, governor.why) == start
            assert governor.phase is Phase.FIXED
        if before is Quality.MAIN and governor.target is Quality.SUB:
            low_since_s = now_s
        if before is Quality.SUB and governor.target is Quality.MAIN and kind != "failed":
            assert now_s - low_since_s >= 1.0
            assert phase is (Phase.PROBING if can_probe else Phase.LOW)
        assert (governor.target is Quality.MAIN) == (governor.phase is Phase.HIGH) or governor.phase is Phase.FIXED
        assert governor.why is not Why.LINK or governor.target is Quality.SUB
        assert not governor.wants_probe or governor.phase is Phase.PROBING
