from __future__ import annotations

import asyncio

from streams.keys import ASK_EVERY_S, CAMERA_DELAY_S, Curtain, KeyAsker


def test_a_curtain_lets_nothing_through_that_was_taken_before_it_went_up() -> None:
    curtain = Curtain()
    assert curtain.lets(0.0)
    assert curtain.hide()
    assert not curtain.hide()
    assert not curtain.lets(50.0)
    assert curtain.show(100.0)
    assert not curtain.show(200.0), "up already: no new wait"
    assert not curtain.lets(100.0 + CAMERA_DELAY_S - 0.01)
    assert curtain.lets(100.0 + CAMERA_DELAY_S)
    assert curtain.hidings == 1


def test_key_pictures_are_asked_for_once_a_second_and_not_behind_the_curtain() -> None:
    now_s, asked, curtain = 10.0, [], Curtain()
    keys = KeyAsker(lambda: asked.append(now_s), curtain, lambda: now_s)
    keys.want()
    keys.want()
    now_s = 11.0
    curtain.hide()
    keys.want()
    curtain.show(now_s)
    now_s = 11.4
    keys.want()
    assert asked == [10.0]
    now_s = 11.5
    keys.want()
    assert asked == [10.0, 11.5]
    assert keys.wanted == 5


async def test_begging_goes_on_until_it_is_not_needed_and_pauses_when_nobody_watches() -> None:
    loop, asked = asyncio.get_running_loop(), 0

    def ask() -> None:
        nonlocal asked
        asked += 1

    answers: list[bool | None] = [None, True, False]
    keys = KeyAsker(ask, Curtain(), loop.time)
    for _ in range(len(answers)):
        keys.beg(0, lambda: answers.pop(0))
        await asyncio.sleep(0.005)
    assert (asked, answers) == (1, [])
    keys.beg(0, lambda: True)
    keys.stop()
    keys.stop()
    await asyncio.sleep(0.005)
    assert asked == 1


async def test_who_begs_within_a_second_of_the_last_asking_asks_when_that_is_over() -> None:
    loop, asked = asyncio.get_running_loop(), []
    offset_s = 0.0

    def clock() -> float:
        return loop.time() + offset_s

    keys = KeyAsker(lambda: asked.append(clock()), Curtain(), clock)
    keys.want()
    offset_s = ASK_EVERY_S - 0.1  # of the second nearly all has passed
    keys.beg(0, lambda: True)
    await asyncio.sleep(0.3)
    keys.stop()
    assert len(asked) == 2, "not a whole second later"
    assert asked[1] - asked[0] >= ASK_EVERY_S
