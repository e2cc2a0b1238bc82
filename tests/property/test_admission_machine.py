"""Viewers of all ranks come and go in any order: the limits hold, ranks hold, nobody goes while there is room."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auth.roles import ViewingRank
from camctl.admission import Admission, NoPlaceError, Places, Scope, Seat, TooManySessionsError

ranks = st.sampled_from(ViewingRank)


class Hall(RuleBasedStateMachine):
    """A model that counts by itself: a plain list of seats in the order in which they came."""

    @initialize(person=st.integers(1, 4), camera=st.integers(1, 6), worker=st.integers(1, 8), share=st.floats(0.0, 0.9))
    def open_hall(self, person: int, camera: int, worker: int, share: float) -> None:
        self.places = Places(person, camera, worker, share)
        self.admission = Admission(self.places)
        self.seats: list[Seat] = []
        self.number = 0
        self.now_s = 0.0

    def areas(self, seat: Seat) -> list[tuple[list[Seat], int]]:
        return [
            ([other for other in self.seats if other.camera == seat.camera], self.places.per_camera),
            ([other for other in self.seats if other.worker == seat.worker], self.places.per_worker),
        ]

    def is_full(self, there: list[Seat], limit: int, rank: ViewingRank) -> bool:
        lower = sum(seat.rank is not ViewingRank.CITY for seat in there)
        kept = int(limit * self.places.reserve_share)
        return len(there) >= limit or (rank is not ViewingRank.CITY and lower >= limit - kept)

    @rule(
        rank=ranks, person=st.integers(0, 5), camera=st.sampled_from("abc"), worker=st.integers(0, 1),
        lag_s=st.sampled_from([0.0, 0.0, 0.06, 0.2]), waited_s=st.floats(0, 20),
    )  # fmt: skip
    def come(self, rank: ViewingRank, person: int, camera: str, worker: int, lag_s: float, waited_s: float) -> None:
        self.number += 1
        self.now_s += waited_s
        seat = Seat(f"s{self.number}", f"p{person}", f"p{person}", camera, worker, rank)
        full = [there for there, limit in self.areas(seat) if self.is_full(there, limit, rank)]
        mine = sum(other.person == seat.person for other in self.seats)
        try:
            victims = self.admission.admit(seat, lag_s=lag_s, now_s=self.now_s)
        except TooManySessionsError:
            assert mine >= self.places.per_person
            return
        except NoPlaceError as error:
            assert mine < self.places.per_person
            if error.scope is Scope.BUSY:
                assert lag_s > 0
                assert rank is not ViewingRank.CITY
            else:
                assert any(all(other.rank >= rank for other in there) for there in full), "refused though one could go"
            return
        assert len(victims) <= len(full), "somebody had to go while there was room"
        assert bool(victims) == bool(full)
        self.judge(victims, rank, full)
        self.seats = [other for other in self.seats if other not in victims] + [seat]

    def judge(self, victims: tuple[Seat, ...], rank: ViewingRank, full: list[list[Seat]]) -> None:
        for victim in victims:
            assert victim in self.seats
            assert victim.rank < rank, "a lower rank displaced a higher or an equal one"
        lowest = {min(other.rank for other in there) for there in full}
        assert {victim.rank for victim in victims} <= lowest, "there was a lower rank that could have gone"
        assert len(set(victims)) == len(victims)

    @precondition(lambda self: self.seats)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        seat = data.draw(st.sampled_from(self.seats))
        self.seats.remove(seat)
        self.admission.leave(seat.session_id)
        self.admission.leave(seat.session_id)

    @invariant()
    def limits_hold(self) -> None:
        assert set(self.admission._seats) == {seat.session_id for seat in self.seats}
        for count, limit in (
            (Counter(seat.person for seat in self.seats), self.places.per_person),
            (Counter(seat.camera for seat in self.seats), self.places.per_camera),
            (Counter(seat.worker for seat in self.seats), self.places.per_worker),
        ):
            assert all(number <= limit for number in count.values())

    @invariant()
    def nothing_else_is_kept(self) -> None:
        kept = {**self.admission._areas}
        assert set(kept) == {seat.camera for seat in self.seats} | {seat.worker for seat in self.seats}
        assert set(self.admission._persons) == {seat.person for seat in self.seats}
        assert len(self.admission._gave_way) <= 6 * 3


TestHall = Hall.TestCase
TestHall.settings = settings(deadline=None, stateful_step_count=60)
