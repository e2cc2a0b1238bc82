"""A camera's rounds against the real arbiter."""

from __future__ import annotations

import pytest

from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.rounds import Window
from tests.support.round_kit import IDLE_S, TRAVEL_LIMIT_S, RoundKit, event, patrol, person

SARI = person()
MOVE = Velocity(pan=0.5)


def kit_at_first_station(*presets: str, dwell_s: float = 20.0) -> RoundKit:
    kit = RoundKit()
    kit.set_patrols(patrol(*presets, dwell_s=dwell_s))
    kit.arrive()
    return kit


def test_a_patrol_goes_from_station_to_station_and_round_again() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2", dwell_s=20))
    for preset, other in (("1", "2"), ("2", "1"), ("1", "2")):
        assert kit.travels[-1] == preset
        kit.pass_time(3)
        kit.arrive()
        assert kit.view.state == "running"
        kit.pass_time(19.9)
        assert kit.travels[-1] == preset
        kit.pass_time(0.2)
        assert kit.travels[-1] == other


def test_it_holds_the_camera_as_what_it_is_and_keeps_it_while_it_dwells() -> None:
    kit = kit_at_first_station("1", "2", dwell_s=300)
    kit.pass_time(299)
    assert kit.holder is not None
    assert (kit.holder.name, kit.holder.kind, kit.holder.priority) == ("Patrol a", ev.SourceKind.PATROL, 10)
    takes = [command for command in kit.commands if isinstance(command, ev.Take)]
    assert 20 <= len(takes) <= 80, "half-way through each lease of 10 s"


def test_a_person_pauses_it_and_it_goes_on_at_the_same_station_after_the_idle_time() -> None:
    kit = kit_at_first_station("1", "2", "3")
    kit.pass_time(20)
    kit.arrive()  # at the second one
    kit.put(ev.Move(SARI, MOVE, 0.6))
    assert kit.holder == SARI
    assert (kit.view.state, kit.view.stop) == ("paused", 1)
    kit.pass_time(5)
    kit.put(ev.Release(SARI))
    assert kit.view.state == "resting"
    assert kit.view.resumes_at == pytest.approx(kit.now + IDLE_S)
    kit.pass_time(IDLE_S - 0.1)
    assert kit.travels == ["1", "2"]
    kit.pass_time(0.2)
    assert kit.travels == ["1", "2", "2"]


def test_a_stop_by_a_person_on_the_way_pauses_it_too() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2"))
    kit.answer()
    kit.put(ev.Stop(SARI))
    assert kit.view.state == "paused"
    kit.pass_time(10.1)  # the person's lease idles out
    assert kit.view.state == "resting"
    kit.pass_time(IDLE_S)
    assert kit.travels == ["1", "1"]


def test_a_person_who_comes_and_goes_between_two_looks_pauses_it_too() -> None:
    kit = kit_at_first_station("1", "2")
    kit.put(ev.Take(SARI), ev.Release(SARI))
    assert kit.view.state == "resting"
    kit.pass_time(IDLE_S - 1)
    assert kit.travels == ["1"]


def test_it_leaves_a_person_of_lower_priority_alone_as_well() -> None:
    kit = RoundKit()
    kit.put(ev.Take(person(priority=5)))
    kit.set_patrols(patrol("1"))
    kit.pass_time(9)
    assert kit.travels == []
    assert kit.view.state == "paused"


def test_switching_it_off_stops_the_camera_and_gives_control_back() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2"))
    kit.answer()
    assert kit.arbiter.is_moving
    kit.set_patrols(patrol("1", "2", enabled=False))
    assert kit.holder is None
    assert not kit.arbiter.is_moving
    assert kit.machine.view() is None


def test_an_event_comes_before_the_patrol_which_then_goes_on_where_it_was() -> None:
    kit = kit_at_first_station("1", "2", dwell_s=20)
    kit.pass_time(20)
    kit.answer()  # on the way to the second one
    kit.show(event("9", hold_s=15))
    assert kit.travels[-1] == "9"
    assert kit.view.kind is ev.SourceKind.EVENT
    kit.arrive()
    kit.pass_time(14.9)
    assert kit.travels[-1] == "9"
    kit.pass_time(0.2)
    assert kit.travels == ["1", "2", "9", "2"]


def test_a_person_pauses_an_event_which_goes_on_while_its_time_lasts() -> None:
    kit = RoundKit()
    kit.show(event("9", hold_s=100))
    kit.arrive()
    kit.put(ev.Take(SARI), ev.Release(SARI))
    assert kit.view.state == "resting"
    kit.pass_time(IDLE_S + 0.1)
    assert kit.travels == ["9", "9"]
    kit.arrive()
    kit.pass_time(100 - IDLE_S - 1)
    assert kit.view.kind is ev.SourceKind.EVENT, "its time goes on meanwhile, and no longer than that"
    kit.pass_time(1.1)
    assert kit.machine.view() is None
    assert kit.holder is None


def test_an_event_whose_time_is_over_when_the_person_leaves_is_not_shown() -> None:
    kit = RoundKit()
    kit.put(ev.Take(SARI))
    kit.show(event("9", hold_s=15))
    for _ in range(12):
        kit.pass_time(5)
        kit.put(ev.Take(SARI))
    kit.put(ev.Release(SARI))
    kit.pass_time(2 * IDLE_S)
    assert kit.travels == []


def test_a_new_event_on_a_free_camera_does_not_wait_for_the_idle_time() -> None:
    kit = RoundKit()
    kit.put(ev.Take(SARI), ev.Release(SARI))
    kit.show(event("9"))
    assert kit.travels == ["9"]


def test_a_newer_event_replaces_the_one_that_is_shown() -> None:
    kit = RoundKit()
    kit.show(event("8", name="first"))
    kit.arrive()
    kit.show(event("9", name="second"))
    assert kit.travels == ["8", "9"]
    assert kit.holder is not None
    assert kit.holder.sign_in == "event:second"


def test_a_preset_that_the_camera_refuses_is_skipped_and_said() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2", "3"))
    kit.answer("there is no such preset", refused=True)
    assert kit.travels == ["1", "2"]
    assert kit.view.state == "running"
    assert kit.view.detail == "station 1: there is no such preset"
    kit.arrive()
    assert kit.view.detail == "station 1: there is no such preset", "until that station is reached"


def test_what_was_wrong_with_a_station_is_forgotten_when_it_is_reached() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2"))
    kit.answer("there is no such preset", refused=True)
    kit.arrive()
    kit.pass_time(20)
    assert kit.travels == ["1", "2", "1"]
    kit.arrive()
    assert kit.view.detail == ""


def test_a_round_of_which_every_station_fails_is_tried_again_after_growing_pauses() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2"))
    pauses = []
    for _ in range(8):
        kit.answer("no", refused=True)
        kit.answer("no", refused=True)
        assert kit.view.state == "failed"
        assert kit.view.resumes_at is not None
        before, asked = kit.now, len(kit.travels)
        kit.pass_time(kit.view.resumes_at - kit.now - 0.01)
        assert len(kit.travels) == asked, "not before the pause is over"
        kit.pass_time(0.02)
        assert len(kit.travels) == asked + 1
        pauses.append(round(kit.now - before))
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]
    kit.arrive()
    assert kit.view.state == "running"
    kit.pass_time(20.1)
    kit.answer("no", refused=True)
    kit.answer("no", refused=True)
    assert kit.view.resumes_at == pytest.approx(kit.now + 10), "after a success the pauses begin anew"


def test_a_camera_that_does_not_answer_is_asked_for_the_same_station_again() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2"))
    kit.answer("the camera does not answer")
    assert kit.view.state == "failed"
    assert (kit.view.detail, kit.view.stop) == ("the camera does not answer", 0)
    kit.pass_time(TRAVEL_LIMIT_S + 10)  # the arbiter stops what may have begun all the same
    assert kit.travels == ["1", "1"]


def test_a_station_that_is_not_reached_in_time_is_left_for_the_next_one() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2", dwell_s=1000))
    kit.answer()
    kit.pass_time(TRAVEL_LIMIT_S + 0.1)
    assert kit.travels == ["1", "2"]
    assert kit.view.detail == "station 1: not reached within 30 s"


def test_a_way_longer_than_the_lease_is_an_arrival_all_the_same() -> None:
    kit = RoundKit()
    kit.set_patrols(patrol("1", "2", dwell_s=20))
    kit.answer()
    kit.pass_time(25)
    kit.arrive()
    kit.pass_time(19.9)
    assert kit.travels == ["1"]
    assert kit.holder is not None, "it holds the camera while it dwells"
    kit.pass_time(0.2)
    assert kit.travels == ["1", "2"]


def test_while_the_camera_is_away_it_waits_without_asking_and_then_goes_on_at_once() -> None:
    kit = kit_at_first_station("1", "2")
    kit.trouble = "the camera does not answer"
    kit.pass_time(500)
    assert (kit.view.state, kit.view.detail, kit.view.resumes_at) == ("failed", "the camera does not answer", None)
    assert kit.travels == ["1"]
    kit.trouble = ""
    kit.wake()
    assert kit.travels == ["1", "1"]


def test_it_does_not_leave_before_the_camera_stands() -> None:
    kit = RoundKit()
    kit.stops_are_confirmed = False
    kit.put(ev.ForceStop(ev.StopReason.START))
    kit.set_patrols(patrol("1"))
    kit.pass_time(1)
    assert kit.travels == []
    kit.put(ev.StandstillSeen())
    assert kit.travels == ["1"]


def test_a_schedule_starts_and_ends_it() -> None:
    kit = RoundKit(minute_of_week=7 * 60 + 59)
    kit.set_patrols(patrol("1", windows=[Window(frozenset({0}), 8 * 60, 9 * 60)]))
    assert kit.machine.view() is None
    kit.pass_time(61)
    assert kit.travels == ["1"]
    kit.arrive()
    while kit.wall_min < 9 * 60 - 1:
        kit.pass_time(20)
        kit.arrive()
    kit.pass_time(61)
    assert kit.machine.view() is None
    assert kit.holder is None


def test_a_clock_that_is_put_forward_opens_a_window_within_the_hour() -> None:
    kit = RoundKit(minute_of_week=1 * 60 + 30)
    kit.set_patrols(patrol("1", windows=[Window(frozenset({0}), 4 * 60, 5 * 60)]))
    kit.pass_time(29 * 60)
    kit.jump_wall(60)  # 01:59 is followed by 03:00
    kit.pass_time(61 * 60 + 1)
    assert kit.travels == ["1"]


def test_of_several_patrols_the_first_that_is_on_and_due_runs() -> None:
    kit = RoundKit()
    monday, tuesday = ([Window(frozenset({day}), 0, 1440)] for day in (0, 1))
    kit.set_patrols(
        patrol("1", name="off", enabled=False),
        patrol("2", name="tuesday", windows=tuesday),
        patrol("3", name="monday", windows=monday),
        patrol("4", name="always"),
    )
    assert kit.travels == ["3"]


def test_when_another_patrol_becomes_due_it_takes_over_from_the_first() -> None:
    kit = RoundKit(minute_of_week=1430)
    later = patrol("9", name="later", windows=[Window(frozenset({1}), 0, 60)])
    kit.set_patrols(later, patrol("1", name="always", dwell_s=1000))
    kit.arrive()
    kit.pass_time(601)
    assert kit.travels == ["1", "9"]
    assert kit.holder is not None
    assert kit.holder.sign_in == "patrol:later"


def test_new_stations_of_a_running_patrol_count_at_once() -> None:
    kit = kit_at_first_station("1", "2", "3", dwell_s=20)
    kit.pass_time(20)
    kit.arrive()
    kit.set_patrols(patrol("1", "7", "3", dwell_s=20))
    assert kit.travels == ["1", "2", "7"]


def test_being_told_the_same_patrols_again_disturbs_nothing() -> None:
    kit = kit_at_first_station("1", "2", dwell_s=20)
    kit.pass_time(10)
    kit.set_patrols(patrol("1", "2", dwell_s=20))
    kit.pass_time(9.9)
    assert kit.travels == ["1"]
    kit.pass_time(0.2)
    assert kit.travels == ["1", "2"]
