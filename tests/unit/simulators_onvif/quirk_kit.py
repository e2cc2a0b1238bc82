"""What the checks of quirks have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.support.sim_onvif_kit import Answer, Street

Check = Callable[[Street], Awaitable[None]]


class Checks(dict[str, Check]):
    """Checks by the name of their quirk; each passes on a street with it and fails on one without."""

    def of(self, name: str) -> Callable[[Check], Check]:
        def register(check: Check) -> Check:
            self[name] = check
            return check

        return register


def good(answer: Answer) -> Answer:
    assert answer.status == 200, answer.body
    return answer


def refused(answer: Answer, *codes: str) -> None:
    assert answer.fault == list(codes)
