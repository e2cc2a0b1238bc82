"""The peer of `command`: onvif-zeep as its documentation uses it, in a process of its own.

    python -m bench.peer_zeep HOST PORT USER PASSWORD

Each line {"moves": N, "speed": S, "pause_s": P} on standard input makes N ContinuousMove calls with alternating
direction; the answer has for each when it was called and when it returned, in monotonic seconds. Ends with its input.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from typing import Any

from onvif import ONVIFCamera

from bench.program import answer


def main() -> None:
    host, port, user, password = sys.argv[1:5]
    camera = ONVIFCamera(host, int(port), user, password)
    profile = camera.create_media_service().GetProfiles()[0].token
    ptz = camera.create_ptz_service()
    answer(ready=True)
    for line in sys.stdin:
        question = json.loads(line)
        calls = []
        for index in range(question["moves"]):
            calls.append(_move(ptz, profile, question["speed"] * (-1) ** index))
            time.sleep(question["pause_s"])
        ptz.Stop({"ProfileToken": profile, "PanTilt": True, "Zoom": True})
        answer(calls=calls)


def _move(ptz: Any, profile: str, pan: float) -> tuple[float, float]:  # noqa: ANN401  # zeep has no types
    called_s = time.monotonic()
    velocity = {"PanTilt": {"x": pan, "y": 0.0}}
    ptz.ContinuousMove({"ProfileToken": profile, "Velocity": velocity, "Timeout": timedelta(seconds=1)})
    return called_s, time.monotonic()


if __name__ == "__main__":
    main()
