"""Who sits and who has to go when places are short."""

from __future__ import annotations

from collections import Counter

import pytest

from auth.roles import ViewingRank
from camctl.admission import FALLBACK, Admission, NoPlaceError, Places, Scope, Seat, TooManySessionsError

PUBLIC, PARTNER, CITY = ViewingRank.PUBLIC, ViewingRank.PARTNER, ViewingRank.CITY


class Hall:
    def __init__(self, **places: float) -> None:
        self.admission = Admission(Places(**{"per_person": 99, "per_camera": 10, "per_worker": 99, **places}))  # type: ignore[arg-type]
        self.number = 0

    def come(
        self, rank: ViewingRank, *, camera: str = "c", worker: int = 0, person: str = "", lag_s: float = 0.0,
        now_s: float = 0.0, visitor: str = "",
    ) -> list[str]:  # fmt: skip
        """The names of those who had to go; sessions are called s1, s2, ... in the order in which they asked."""
        self.number += 1
        name = f"s{self.number}"
        seat = Seat(name, person or name, visitor or name, camera, worker, rank)
        return [victim.session_id for victim in self.admission.admit(seat, lag_s=lag_s, now_s=now_s)]


def refused(hall: Hall, rank: ViewingRank, **more: object) -> NoPlaceError:
    with pytest.raises(NoPlaceError) as caught:
        hall.come(rank, **more)  # type: ignore[arg-type]
    return caught.value


def test_seats_without_webrtc_have_a_limit_of_their_own() -> None:
    hall = Hall(per_camera=9, per_worker=1, fallback=2, reserve_share=0.0)
    assert hall.come(PARTNER) == []
    assert hall.come(PARTNER, worker=FALLBACK) == []
    assert hall.come(PUBLIC, worker=FALLBACK) == []
    assert refused(hall, PUBLIC, worker=FALLBACK).scope is Scope.FALLBACK
    assert hall.come(CITY, worker=FALLBACK) == ["s3"]
    assert refused(hall, PARTNER).scope is Scope.WORKER


def test_the_newest_of_the_lowest_rank_gives_way() -> None:
    hall = Hall(per_camera=4, reserve_share=0.0)
    for rank in (PUBLIC, PARTNER, PUBLIC, CITY):
        assert hall.come(rank) == []
    assert hall.come(CITY) == ["s3"]
    assert hall.come(PARTNER) == ["s1"]
    assert hall.come(CITY) == ["s6"]
    assert hall.come(CITY) == ["s2"]
    error = refused(hall, CITY)
    assert (error.scope, error.retry_after_s) == (Scope.CAMERA, 10.0)
    assert len(hall.admission) == 4


def test_some_places_are_kept_for_the_highest_rank() -> None:
    hall = Hall(per_camera=10, reserve_share=0.25)
    for _ in range(8):
        hall.come(PUBLIC)
    assert refused(hall, PUBLIC).scope is Scope.CAMERA
    assert hall.come(PARTNER) == ["s8"]
    assert hall.come(CITY) == hall.come(CITY) == []
    assert hall.come(CITY) == ["s7"]


def test_a_workers_places_are_counted_over_its_cameras() -> None:
    hall = Hall(per_worker=2, reserve_share=0.0)
    hall.come(PARTNER, camera="a")
    hall.come(PUBLIC, camera="b")
    assert refused(hall, PUBLIC, camera="c").scope is Scope.WORKER
    assert hall.come(PUBLIC, camera="c", worker=1) == []
    assert hall.come(CITY, camera="c") == ["s2"]


def test_one_gives_way_where_one_is_enough_and_two_where_both_are_full() -> None:
    hall = Hall(per_camera=2, per_worker=2, reserve_share=0.0)
    hall.come(PUBLIC, camera="a", worker=0)
    hall.come(PUBLIC, camera="a", worker=1)
    hall.come(PUBLIC, camera="b", worker=0)
    assert hall.come(CITY, camera="a", worker=0) == ["s1"]  # not the newer one: it sits in another worker
    hall = Hall(per_camera=1, per_worker=1, reserve_share=0.0)
    hall.come(PUBLIC, camera="a", worker=1)
    hall.come(PUBLIC, camera="b", worker=0)
    assert hall.come(CITY, camera="a", worker=0) == ["s1", "s2"]


def test_nobody_goes_for_somebody_who_is_refused() -> None:
    hall = Hall(per_camera=1, per_worker=1, reserve_share=0.0)
    hall.come(PUBLIC, camera="a", worker=1)
    hall.come(CITY, camera="b", worker=0)
    assert refused(hall, CITY, camera="a", worker=0).scope is Scope.WORKER
    assert "s1" in hall.admission


def test_a_persons_share_is_theirs_whatever_the_rank() -> None:
    hall = Hall(per_person=2)
    for _ in range(2):
        hall.come(CITY, person="sari")
    with pytest.raises(TooManySessionsError, match="2 video sessions"):
        hall.come(CITY, person="sari")
    hall.admission.leave("s1")
    hall.admission.leave("s1")
    assert hall.come(CITY, person="sari") == []


def test_a_worker_that_runs_late_takes_the_lowest_ranks_first_no_more() -> None:
    hall = Hall(busy_lag_s=0.1)
    assert hall.come(PUBLIC, lag_s=0.04) == []
    assert refused(hall, PUBLIC, lag_s=0.05).scope is Scope.BUSY
    assert hall.come(PARTNER, lag_s=0.09) == []
    assert refused(hall, PARTNER, lag_s=0.1).scope is Scope.BUSY
    assert hall.come(CITY, lag_s=5.0) == []


def test_who_gave_way_is_told_so_for_a_while_and_not_remembered_for_ever() -> None:
    hall = Hall(per_camera=1, reserve_share=0.0, retry_after_s=10.0)
    hall.come(PUBLIC, visitor="phone")
    hall.come(CITY, now_s=100.0)
    assert refused(hall, PUBLIC, visitor="phone", now_s=101.0).gave_way
    assert not refused(hall, PUBLIC, visitor="another", now_s=101.0).gave_way
    assert not refused(hall, PUBLIC, visitor="phone", now_s=121.0).gave_way
    for number in range(50):
        hall.admission.leave(f"s{hall.number}")
        hall.come(PUBLIC, now_s=200.0 + 30 * number, camera=f"c{number}")
        hall.come(CITY, now_s=200.0 + 30 * number, camera=f"c{number}")
    assert len(hall.admission._gave_way) <= 2


def test_nothing_is_kept_of_those_who_left() -> None:
    hall = Hall()
    hall.come(CITY)
    hall.admission.leave("s1")
    hall.admission.leave("nobody")
    assert (hall.admission._areas, hall.admission._persons, len(hall.admission)) == ({}, Counter(), 0)
