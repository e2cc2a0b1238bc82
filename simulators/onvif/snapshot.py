"""GET /snapshot.jpg?stream=main|sub: the present picture as JPEG, with HTTP digest or Basic."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import cv2

from simulators.onvif.auth import Login
from simulators.onvif.device import Device
from simulators.onvif.http import Exchange, plain_reply
from simulators.onvif.soap import Reply
from simulators.onvif.tokens import StreamName
from simulators.picture import PictureMaker

PATH = "/snapshot.jpg"
_QUALITY = 85


class Photographer:
    """Makes JPEG pictures of one camera, one at a time, outside the event loop."""

    def __init__(self, device: Device) -> None:
        self._device = device
        camera = device.camera
        self._makers = {
            "main": PictureMaker(camera, camera.config.main),
            "sub": PictureMaker(camera, camera.config.sub),
        }
        self._busy = asyncio.Lock()

    async def serve(self, exchange: Exchange) -> Reply:
        """Answer one request for the snapshot."""
        device = self._device
        if exchange.method != "GET":
            return plain_reply(405, "GET only", ("allow", "GET"))
        now_s = device.now_s
        authorization = exchange.header("authorization")
        login = device.gate.check_http(authorization, method="GET", uri=exchange.uri, now_s=now_s)
        if login is not Login.GOOD:
            offers = device.gate.challenges(now_s, stale=login is Login.STALE, basic=True)
            return plain_reply(401, "authentication is needed", *(("www-authenticate", offer) for offer in offers))
        asked = parse_qs(exchange.query).get("stream", ["main"])[-1]
        if asked not in self._makers:
            return plain_reply(404, "stream is main or sub")
        async with self._busy:
            picture = await asyncio.to_thread(self._jpeg, "main" if asked == "main" else "sub")
        return Reply(200, "image/jpeg", picture, (("cache-control", "no-store"),))

    def _jpeg(self, name: StreamName) -> bytes:
        camera = self._device.camera
        image = self._makers[name].picture(camera.clock.monotonic(), camera.stream(name).encoded)
        good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not good:
            raise RuntimeError("OpenCV did not encode the picture")
        return data.tobytes()
