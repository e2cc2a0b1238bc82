"""Main or sub, by what is known of a link."""

from __future__ import annotations

import pytest

from streams.adapt import Governor, LinkReport, LossMeter, Phase
from streams.quality import Demand, Quality, Why, Wish

NEAR, FAR = 0.004, 0.08
MAIN_BPS = 2e6


class Link:
    """A governor and a link that reports twice a second; time goes on with every report."""

    def __init__(self, demand: Demand | None = None, *, rtt_s: float | None = FAR, **options: bool) -> None:
        self.governor = Governor(demand or Demand(), **{"has_both": True, **options})
        self.now_s = 100.0
        self.sent = self.lost = 0
        self.probes = 0
        self.rtt_s = rtt_s or FAR
        self.carries_probes = True
        self.governor.begin(self.now_s, rtt_s)

    def live(self, seconds: float, *, loss: float = 0.0, queue_s: float = 0.0) -> None:
        for _ in range(round(seconds * 2)):
            sr_sent_s = self.now_s
            self.now_s += 0.5
            self.governor.tick(self.now_s)
            extra_s = queue_s
            if self.governor.wants_probe:
                self.probes += 1
                self.governor.probed(self.now_s)
                sr_sent_s, extra_s = self.now_s, queue_s if self.carries_probes else 0.4
                self.now_s += 0.5
            self.sent += 120
            self.lost += round(120 * loss)
            report = LinkReport(self.lost, self.sent, self.rtt_s + extra_s, sr_sent_s)
            self.governor.report(report, self.now_s)

    def estimate(self, bits_per_s: float) -> None:
        self.governor.estimate(bits_per_s, MAIN_BPS, self.now_s)

    @property
    def shows(self) -> tuple[Quality, Why]:
        return self.governor.target, self.governor.why


def test_a_near_viewer_begins_with_main_and_an_unknown_one_with_sub() -> None:
    assert Link(rtt_s=NEAR).shows == (Quality.MAIN, Why.GOOD)
    assert Link(rtt_s=FAR).shows == (Quality.SUB, Why.START)
    assert Link(rtt_s=None).shows == (Quality.SUB, Why.START)
    assert Link(Demand(is_slow=True), rtt_s=NEAR).shows == (Quality.SUB, Why.START)


@pytest.mark.parametrize(
    ("demand", "has_both", "shows"),
    [
        (Demand(Wish.SUB), True, (Quality.SUB, Why.PINNED)),
        (Demand(Wish.MAIN), True, (Quality.MAIN, Why.PINNED)),
        (Demand(height_px=240), True, (Quality.SUB, Why.TILE)),
        (Demand(), False, (Quality.MAIN, Why.ONLY)),
    ],
)
def test_where_nothing_is_to_choose_nothing_changes(demand: Demand, has_both: bool, shows: tuple[Quality, Why]) -> None:
    link = Link(demand, has_both=has_both)
    link.live(20, loss=0.4, queue_s=1.0)
    link.estimate(1e4)
    assert link.shows == shows
    assert link.probes == 0


def test_a_good_link_proves_itself_within_seconds() -> None:
    link = Link()
    link.live(3)
    assert link.shows == (Quality.MAIN, Why.GOOD)
    assert link.probes == 1


def test_loss_that_is_mended_by_sending_again_is_no_reason() -> None:
    link = Link(rtt_s=NEAR)
    link.live(30, loss=0.05)
    assert link.shows == (Quality.MAIN, Why.GOOD)


@pytest.mark.parametrize(("loss", "queue_s"), [(0.5, 0.0), (0.2, 0.0), (0.0, 0.4)])
def test_a_link_that_got_too_thin_is_noticed_within_two_seconds(loss: float, queue_s: float) -> None:
    link = Link(rtt_s=NEAR)
    link.live(10)
    link.live(2, loss=loss, queue_s=queue_s)
    assert link.shows == (Quality.SUB, Why.LINK)


def test_an_estimate_that_falls_below_what_is_needed_counts_and_one_that_grows_does_not() -> None:
    link = Link(rtt_s=NEAR)
    for bits_per_s in (4e5, 6e5, 9e5, 1.3e6, 1.5e6, 1.5e6):
        link.live(1)
        link.estimate(bits_per_s)
    assert link.shows == (Quality.MAIN, Why.GOOD)
    link.estimate(6e5)
    assert link.shows == (Quality.MAIN, Why.GOOD), "one is none"
    link.estimate(6e5)
    assert link.shows == (Quality.SUB, Why.LINK)


def test_who_fell_comes_back_after_the_link_healed_and_not_before() -> None:
    link = Link(rtt_s=NEAR)
    link.live(10)
    link.carries_probes = False
    link.live(2, loss=0.5)
    link.live(40)
    assert link.shows == (Quality.SUB, Why.LINK)
    assert 3 <= link.probes <= 6, "ever more seldom"
    link.carries_probes = True
    link.live(14)
    assert link.shows == (Quality.MAIN, Why.GOOD)


def test_trouble_on_sub_puts_the_next_try_off() -> None:
    link = Link()
    link.live(30, loss=0.2)
    assert link.probes <= 1, "the first one may go before the loss is known"
    assert link.governor.target is Quality.SUB


def test_without_a_retransmission_stream_it_waits_longer_instead_of_probing() -> None:
    link = Link(can_probe=False)
    link.live(2)
    assert link.shows == (Quality.MAIN, Why.GOOD)
    assert link.probes == 0
    link.live(1.5, loss=0.6)
    assert link.shows == (Quality.SUB, Why.LINK)
    link.live(9)
    assert link.shows == (Quality.SUB, Why.LINK)
    link.live(3)
    assert link.shows == (Quality.MAIN, Why.GOOD)


def test_a_probe_that_nobody_answers_has_failed() -> None:
    link = Link()
    link.now_s += 1.5
    link.governor.tick(link.now_s)
    assert link.governor.wants_probe
    link.governor.probed(link.now_s)
    assert not link.governor.wants_probe
    link.governor.tick(link.now_s + 5)
    assert (link.governor.phase, link.shows) == (Phase.LOW, (Quality.SUB, Why.LINK))


def test_what_does_not_come_is_replaced_by_the_other() -> None:
    link = Link()
    link.governor.failed(link.now_s)
    assert link.shows == (Quality.MAIN, Why.GOOD)
    link.governor.failed(link.now_s)
    assert link.shows == (Quality.SUB, Why.LINK)


def test_a_viewer_may_change_its_mind() -> None:
    link = Link(rtt_s=NEAR)
    link.governor.ask(Demand(Wish.SUB), link.now_s)
    assert link.shows == (Quality.SUB, Why.PINNED)
    link.governor.ask(Demand(), link.now_s)
    assert link.shows == (Quality.SUB, Why.START), "it goes on where it is and proves itself"
    link.live(3)
    assert link.shows == (Quality.MAIN, Why.GOOD)
    link.governor.ask(Demand(height_px=1000), link.now_s)
    assert link.shows == (Quality.MAIN, Why.GOOD), "nothing new"


def test_loss_is_of_seconds_and_of_enough_packets() -> None:
    meter = LossMeter()
    assert meter.add(LinkReport(0, 0xFFFF_FFF0), 0.0) == 0.0
    assert meter.add(LinkReport(5, 4), 0.4) == 0.0, "20 packets say nothing"
    assert meter.add(LinkReport(10, 84), 0.8) == pytest.approx(0.1)
    assert meter.add(LinkReport(10, 284), 3.0) == pytest.approx(0.0), "what was lost long ago does not count"
    assert meter.add(LinkReport(9, 484), 3.5) == 0.0, "some came twice"
