"""The pure parts of the benchmarks about people: what a change ended, h2load's log, who was overtaken."""

from __future__ import annotations

import pytest

from bench.ends import Seen, judge, moments, motors, streams
from bench.h2load import read_log
from bench.match import Said
from bench.signins import overtaken

AT_S, END_S = 100.0, 104.0


def test_a_stream_is_cut_when_its_last_packet_came() -> None:
    ends = streams([100.3, 99.98, 103.99, 99.0, None], AT_S, END_S)
    assert ends.took_s == pytest.approx([0.3, 0.0])
    assert ends.uncut == 1, "one went on until the end"
    assert ends.idle == 2, "one was silent before, one never began"


def test_a_socket_is_cut_when_it_was_closed_after_the_change() -> None:
    ends = moments([100.2, None, 99.9], AT_S)
    assert (ends.took_s, ends.uncut, ends.idle) == (pytest.approx([0.2]), 1, 1)


@pytest.mark.parametrize(
    ("said", "took_s", "uncut", "idle", "again"),
    [
        ([("move", 99.5), ("stop", 100.1)], [0.1], 0, 0, 0),
        ([("move", 99.5), ("move", 100.05), ("stop", 100.1), ("stop", 100.2)], [0.1], 0, 0, 0),
        ([("move", 99.5), ("stop", 100.1), ("move", 100.4)], [0.1], 0, 0, 1),
        ([("move", 99.5), ("move", 100.4)], [], 1, 0, 0),
        ([("move", 99.0), ("stop", 99.5), ("stop", 100.1)], [], 0, 1, 0),
        ([("move", 98.0), ("stop", 100.1)], [], 0, 1, 0),
        ([("stop", 100.1)], [], 0, 1, 0),
        ([], [], 0, 1, 0),
    ],
)
def test_motors_that_turned_stand_with_the_first_stop_behind_the_change(
    said: list[Said], took_s: list[float], uncut: int, idle: int, again: int
) -> None:
    ends, came_again = motors([list(reversed(said))], AT_S)
    assert (ends.took_s, ends.uncut, ends.idle) == (pytest.approx(took_s), uncut, idle)
    assert came_again == again


def test_a_lease_is_over_with_what_its_holder_sees_first() -> None:
    told: list[tuple[float | None, float | None]] = [(100.1, None), (100.4, 100.2), (None, 100.3), (None, None)]
    trial = judge("x", 0.05, Seen(AT_S, END_S, [], [], told, []), left=1)
    ends = trial.ends["lease: its holder was told"]
    assert (ends.took_s, ends.uncut) == (pytest.approx([0.1, 0.2, 0.3]), 1)
    assert trial.left == 1


def log(*rows: tuple[float, int, int]) -> str:
    return "".join(
        f"{round(1_700_000_000_000_000 + start_s * 1e6)}\t{status}\t{took}\n" for start_s, status, took in rows
    )


def test_of_the_load_only_counts_what_was_asked_while_all_were_at_work() -> None:
    load = read_log(
        log((0.0, 200, 9), (1.0, 200, 500), (2.0, 429, 100), (2.9, 200, 1500), (3.0, 200, 9), (4.0, 200, 9)), 1.0
    )
    assert load.took_ms == [0.5, 1.5]
    assert (load.refused, load.lasted_s, load.sent) == (1, pytest.approx(2.0), 6)
    assert load.per_s == pytest.approx(1.5)


@pytest.mark.parametrize("text", ["", log((0.0, 200, 1)), log((0.0, 200, 1), (2.0, 200, 1))])
def test_a_load_that_was_too_short_is_no_figure(text: str) -> None:
    with pytest.raises(ValueError, match="long enough"):
        read_log(text, 1.0)


@pytest.mark.parametrize(
    ("ends_s", "most"), [([], 0), ([1.0], 0), ([1.0, 2.0, 3.0], 0), ([2.0, 1.0, 3.0], 1), ([4.0, 1.0, 2.0, 3.0], 3)]
)
def test_who_asked_first_and_was_answered_last_was_overtaken_by_all(ends_s: list[float], most: int) -> None:
    assert overtaken([(0.0, end_s, 200) for end_s in ends_s]) == most
