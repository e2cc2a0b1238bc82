"""However a city is cut into grants, one of them waits: at the latest the one that makes it half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from auth.grants import Grant, GrantKind, covers
from auth.model import CameraRef, Territory
from auth.roles import Capability
from auth.whole_city import LASTING, Grantee, holds_half, second_look
from camctl.areas.tree import load_jakarta

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
# Few and treacherous parts, so that prefixes collide, in two cities; and places that are in none of them.
_PARTS = st.lists(st.sampled_from(["1", "2", "21"]), max_size=3).map(lambda parts: ".".join(["", *parts]))
PLACES = st.builds("{}{}".format, st.sampled_from(["31", "31", "3", "310"]), _PARTS)
CAMERA_IDS = st.sampled_from([f"cam-{n}" for n in range(8)])


@st.composite
def cities(draw: st.DrawFn) -> Territory:
    """A tree with the tops 31 and 310, and cameras anywhere in it, at inner areas and nowhere too."""
    codes = {"31", "310"}
    for code in draw(st.lists(PLACES.filter(lambda code: code.partition(".")[0] != "3"), max_size=12)):
        parts = code.split(".")
        codes |= {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    lowest = frozenset(code for code in codes if not any(other != code and covers(code, other) for other in codes))
    places = st.sampled_from([*sorted(codes), ""])
    cameras = {id_: CameraRef(id_, draw(places)) for id_ in draw(st.sets(CAMERA_IDS))}
    return Territory(frozenset({"31", "310"}), cameras.get, lowest=lowest, cameras=cameras.values)


GRANTS = st.builds(
    Grant,
    id=st.uuids().map(str),
    role=st.just("drawn"),
    capabilities=st.frozensets(st.sampled_from(sorted(Capability))),
    areas=st.lists(PLACES, max_size=3, unique=True).map(tuple),
    cameras=st.lists(CAMERA_IDS, max_size=3, unique=True).map(tuple),
    deny=st.booleans(),
    only_own=st.booleans(),
    ends_at=st.sampled_from([None, None, NOW - timedelta(1), NOW + LASTING, NOW + LASTING + timedelta(1)]),
    kind=st.sampled_from([GrantKind.STANDING, GrantKind.STANDING, GrantKind.EMERGENCY]),
    waits=st.booleans(),
)
HELD = st.lists(GRANTS, max_size=4)


def waits(grant: Grant, held: Sequence[Grant], city: Territory) -> bool:
    return second_look(grant, Grantee(grants=tuple(held)), NOW, city) is not None


@given(cities(), GRANTS, HELD, GRANTS)
def test_who_holds_more_is_never_judged_less_strictly(
    city: Territory, grant: Grant, held: list[Grant], more: Grant
) -> None:
    if waits(grant, held, city):
        assert waits(grant, [*held, more], city)
    for top in city.tops:
        assert holds_half([*held, more], top, NOW, city) >= holds_half(held, top, NOW, city)


@given(cities(), GRANTS, HELD.flatmap(lambda held: st.tuples(st.just(held), st.permutations(held))))
def test_in_which_order_they_were_given_does_not_matter(
    city: Territory, grant: Grant, orders: tuple[list[Grant], list[Grant]]
) -> None:
    one, other = orders
    assert waits(grant, one, city) == waits(grant, other, city)


@given(cities(), HELD, GRANTS, GRANTS)
def test_a_wider_grant_is_never_judged_less_strictly(
    city: Territory, held: list[Grant], grant: Grant, other: Grant
) -> None:
    wider = replace(grant, areas=(*grant.areas, *other.areas), cameras=(*grant.cameras, *other.cameras))
    if waits(grant, held, city):
        assert waits(wider, held, city)
        assert waits(replace(wider, ends_at=None), held, city)


@given(cities(), GRANTS, HELD)
def test_what_ends_soon_is_taken_or_was_taken_in_an_emergency_changes_nothing(
    city: Territory, grant: Grant, held: list[Grant]
) -> None:
    counting = [
        one for one in held
        if not one.deny and one.kind is GrantKind.STANDING and (one.ends_at is None or one.ends_at > NOW + LASTING)
    ]  # fmt: skip
    assert waits(grant, held, city) == waits(grant, counting, city)


def _share(pieces: Sequence[Grant], top: str, city: Territory) -> float:
    """The measure once more, slowly and in fractions."""
    lowest = [code for code in city.lowest if covers(top, code)]
    covered = [code for code in lowest if any(covers(area, code) for piece in pieces for area in piece.areas)]
    inside = [camera.id for camera in city.cameras() if covers(top, camera.area)]
    named = [id_ for id_ in inside if any(id_ in piece.cameras for piece in pieces)]
    return len(covered) / len(lowest) + (len(named) / len(inside) if inside else 0.0)


@given(cities(), st.lists(GRANTS, min_size=1, max_size=8), st.sampled_from(["31", "310"]))
def test_of_pieces_that_make_half_a_city_one_waits_at_the_latest_the_one_that_makes_it(
    city: Territory, drawn: list[Grant], top: str
) -> None:
    pieces = [replace(one, deny=False, ends_at=None, kind=GrantKind.STANDING) for one in drawn]
    for given_so_far in range(1, len(pieces) + 1):
        before, now = pieces[: given_so_far - 1], pieces[:given_so_far]
        if _share(before, top, city) < 0.5 - 1e-9 and _share(now, top, city) > 0.5 + 1e-9:
            assert waits(pieces[given_so_far - 1], before, city)
    if all(_share(pieces, each, city) < 0.5 - 1e-9 for each in city.tops):
        assert not any(waits(piece, pieces, city) for piece in pieces)


JAKARTA = Territory(frozenset({"31"}), lowest=load_jakarta().lowest)
CODES = sorted(area.code for area in load_jakarta())


@given(st.permutations(CODES), st.integers(1, 100))
@example(CODES, 1)
@example(CODES[::-1], 100)
def test_jakarta_cut_anyhow_waits_before_half_of_it_is_held(order: list[str], size: int) -> None:
    """Of 267 kelurahan 134 are half or more; what did not wait is less, whatever the pieces were."""
    held: list[Grant] = []
    for start in range(0, len(order), size):
        piece = Grant(str(start), "official", frozenset({Capability.SEE}), tuple(order[start : start + size]))
        if waits(piece, held, JAKARTA):
            held.append(replace(piece, waits=True))
            break
        held.append(piece)
    assert held[-1].waits
    had = [code for code in JAKARTA.lowest if any(covers(area, code) for one in held[:-1] for area in one.areas)]
    assert len(had) < 134
    assume(len(held) > 1)
    assert waits(held[0], held[1:], JAKARTA), "the last one given first"
