"""Many requests of one sign-in at the same time cost one look at the database, and none is given an older answer."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime

import pytest

from auth.cache import SharedReads
from auth.errors import AuthUnavailableError
from auth.model import Person
from auth.records import SessionRecord

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RECORD = SessionRecord(Person("a", "a", "A"), "s", NOON, NOON, None)


class Database:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self, token_sha256: str) -> SessionRecord | None:
        self.asked.append(token_sha256)
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        return RECORD


async def begun(*asking: asyncio.Task[SessionRecord | None]) -> None:
    """Until they wait for the database."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in asking)


async def test_all_who_ask_at_the_same_time_are_given_one_read() -> None:
    database, reads = Database(), SharedReads(0.5)
    asking = [asyncio.create_task(reads.get("t", number / 100, 0, database.read)) for number in range(20)]
    other = asyncio.create_task(reads.get("u", 0.0, 0, database.read))
    await begun(*asking, other)
    assert database.asked == ["t", "u"]
    database.go_on.set()
    assert await asyncio.gather(*asking) == [RECORD] * 20
    assert await other == RECORD
    await reads.get("t", 0.2, 0, database.read)
    assert database.asked == ["t", "u", "t"], "what is over is not given again: that is the memory's to do"


@pytest.mark.parametrize(
    ("now_s", "generation"),
    [(0.0, 1), (0.5, 0), (-0.1, 0)],
    ids=["somebody changed meanwhile", "it has been under way for too long", "the clock went back"],
)
async def test_an_older_read_is_not_shared(now_s: float, generation: int) -> None:
    database, reads = Database(), SharedReads(0.5)
    first = asyncio.create_task(reads.get("t", 0.0, 0, database.read))
    await begun(first)
    second = asyncio.create_task(reads.get("t", now_s, generation, database.read))
    await begun(first, second)
    third = asyncio.create_task(reads.get("t", now_s, generation, database.read))
    await begun(first, second, third)
    assert database.asked == ["t", "t"]
    database.go_on.set()
    assert await asyncio.gather(first, second, third) == [RECORD] * 3


async def test_without_a_time_for_which_it_is_fresh_everybody_reads_anew() -> None:
    database, reads = Database(), SharedReads(0.0)
    database.go_on.set()
    await asyncio.gather(*(reads.get("t", 0.0, 0, database.read) for _ in range(3)))
    assert database.asked == ["t"] * 3


async def test_who_hangs_up_takes_the_answer_from_nobody() -> None:
    database, reads = Database(), SharedReads(0.5)
    first, second = (asyncio.create_task(reads.get("t", 0.0, 0, database.read)) for _ in range(2))
    await begun(first, second)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    database.go_on.set()
    assert await second == RECORD
    assert database.asked == ["t"]


async def test_a_failed_read_is_everybodys_and_the_next_is_a_new_one(caplog: pytest.LogCaptureFixture) -> None:
    database, reads = Database(), SharedReads(0.5)
    database.fault = AuthUnavailableError()
    asking = [asyncio.create_task(reads.get("t", 0.0, 0, database.read)) for _ in range(3)]
    await begun(*asking)
    asking[0].cancel()
    database.go_on.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in answers[1:]] == [AuthUnavailableError] * 2
    database.fault = None
    assert await reads.get("t", 0.0, 0, database.read) == RECORD
    lonely = asyncio.create_task(reads.get("v", 0.0, 0, database.read))
    database.go_on.clear()
    database.fault = AuthUnavailableError()
    await begun(lonely)
    lonely.cancel()
    database.go_on.set()
    await asyncio.sleep(0.01)
    gc.collect()
    assert "never retrieved" not in caplog.text
