from __future__ import annotations

from dataclasses import dataclass

from streams.load import LoadFigures
from streams.tally import Histogram, Sent, StreamTally


@dataclass(eq=False)
class Viewer:
    packets: int = 0
    octets: int = 0
    dropped: int = 0
    resent: int = 0

    def send(self, packets: int) -> None:
        self.packets += packets
        self.octets += packets * 100


def test_a_histogram_counts_by_inclusive_upper_ends() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    assert histogram.payload() == {"bounds": [0.1, 1.0], "counts": [2, 1, 1], "sum": 7.65}
    assert histogram.count == 4


def test_who_left_still_counts_and_nobody_twice() -> None:
    tally, stays, leaves = StreamTally(), Viewer(), Viewer()
    for viewer in (stays, leaves):
        tally.join(viewer)
        viewer.send(10)
    tally.leave(leaves)
    tally.leave(leaves)
    leaves.send(5)
    assert tally.sent() == Sent(20, 2000)
    stays.send(1)
    stays.dropped = 2
    assert tally.sent() == Sent(21, 2100, 2)
    tally.leave(stays)
    assert tally.sent() == Sent(21, 2100, 2)
    assert not tally._marks


def test_a_viewer_that_changes_streams_counts_where_it_is() -> None:
    main, sub, viewer = StreamTally(), StreamTally(), Viewer()
    main.join(viewer)
    viewer.send(10)
    main.leave(viewer)
    sub.join(viewer)
    viewer.send(3)
    sub.leave(viewer)
    main.join(viewer)
    viewer.send(4)
    assert (main.sent().packets, sub.sent().packets) == (14, 3)


def test_lag_is_the_mean_of_the_last_second() -> None:
    load = LoadFigures()
    assert load.lag_s == 0
    for late_s in (9.0, *[0.1] * 9, 0.2, -0.5):
        load.late(late_s)
    assert round(load.lag_s, 6) == round((0.1 * 8 + 0.2) / 10, 6)
    assert load.lags.count == 12


def test_a_packets_cost_is_that_of_the_last_ten_seconds() -> None:
    load = LoadFigures()
    load.second(5.0, 0)
    assert load.cpu_per_packet_s == 0
    load.second(5.5, 0)
    assert load.cpu_per_packet_s == 0
    for second in range(20):
        load.second(6.0 + second * 0.1, second * 1000)
    assert round(load.cpu_per_packet_s, 9) == 0.0001
