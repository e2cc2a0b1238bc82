"""A changed right bites within a second: at the viewer, at the holder, at the motors; by the load of a benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import cuts
from bench.ends import Trial

pytestmark = pytest.mark.system

PEOPLE = 12
WITHIN_S = 1.0


async def test_one_change_cuts_all_that_ran_on_it_and_nothing_else(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    edited, closed = await cuts.trials(tmp_path, PEOPLE)
    record_property("figures", cuts.table(edited) + cuts.table(closed))
    assert uses(edited) == {
        "WebRTC: last packet": 9,
        "MP4: last piece": 3,
        "MP4: socket closed": 3,
        "lease: its holder was told": 12,
        "lease: Stop at the motors": 12,
    }
    assert uses(closed) == {
        "WebRTC: last packet": 2,
        "MP4: last piece": 1,
        "MP4: socket closed": 1,
        "lease: its holder was told": 2,
        "lease: Stop at the motors": 2,
    }
    assert edited.bystanders == (2, 2), "somebody who kept their rights was cut off"
    for trial in (edited, closed):
        late = {name: max(ends.took_s) for name, ends in trial.ends.items() if max(ends.took_s) > WITHIN_S}
        assert not late, trial.name
        assert (trial.turned_again, trial.left) == (0, 0), trial.name


def uses(trial: Trial) -> dict[str, int]:
    """How many of each ran when the change came and ended after it; one that went on is told."""
    went_on = {name: (ends.uncut, ends.idle) for name, ends in trial.ends.items() if ends.uncut or ends.idle}
    assert not went_on, f"{trial.name}: went on, or did not run at all: {went_on}"
    return {name: len(ends.took_s) for name, ends in trial.ends.items()}
