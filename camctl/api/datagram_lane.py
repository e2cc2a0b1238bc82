"""A control socket's second lane: the data channel of the same person's video session on the same camera."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from camctl.api.access import Visit
from camctl.api.control_gate import Refused
from camctl.media import Media

_log = logging.getLogger(__name__)

NO_VIDEO = Refused("no-video", "There is no such video session of this sign-in on this camera; open it again.")


class DatagramLane:
    """Brings a video session's datagrams to `hear` and answers over the same channel, until either end is over."""

    def __init__(self, media: Media, hear: Callable[[str], None]) -> None:
        self._media = media
        self._hear = hear
        self._video: str | None = None
        self._unlisten: Callable[[], None] | None = None

    def open(self, video: str, visit: Visit) -> Refused | None:
        """Listen to this video session from now on, and to no other; why not, when it is not the caller's own."""
        session = self._media.get(video)
        if (
            session is None
            or session.camera_id != visit.camera.entry.id
            or session.sign_in != visit.sign_in.session_id
            or session.person != visit.sign_in.person.id
        ):
            return NO_VIDEO
        self.close()
        self._video = video
        self._unlisten = self._media.listen(video, self._hear_safely)
        return None

    def _hear_safely(self, text: str) -> None:
        try:
            self._hear(text)
        except Exception:  # noqa: BLE001  ours alone: the worker's other sessions and cameras must not suffer from it
            _log.exception("a datagram of a control socket could not be handled")

    def say(self, message: dict[str, Any]) -> None:
        """Send an answer back, as far as anybody is there."""
        if self._video is not None:
            self._media.send_datagram(self._video, json.dumps(message))

    def close(self) -> None:
        """Listen no longer; nothing happens if nobody did."""
        if self._unlisten is not None:
            self._unlisten()
        self._unlisten = None
        self._video = None
