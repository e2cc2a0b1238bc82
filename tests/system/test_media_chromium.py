from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from streams.pool import MediaPool
from tests.system.media_browser import CHROMIUM, browser
from tests.system.media_scene import FPS, HEIGHT, WIDTH, camera, encoded_loop, source_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed"),
]


async def test_chromium_shows_the_picture_and_a_second_viewer_gets_it_at_once() -> None:
    encoded_loop()
    async with camera() as (server, _):
        pool = MediaPool(2, "127.0.0.1", 0, ["127.0.0.1"])
        await pool.start()

        async def whep(session_id: str, offer: str) -> str:
            return (await pool.open_session(session_id, source_of(server), offer)).sdp

        try:
            async with browser(whep) as chromium:
                cold = await chromium.watch("cold", frames=10)
                warm = await chromium.watch("warm", frames=60)
                assert (cold["width"], cold["height"]) == (WIDTH, HEIGHT)
                # The GOP is 2 s: without the cache the mean would be 1 s. On an idle machine it is about 50 ms.
                assert warm["first"] - warm["answered"] < 500
                await asyncio.sleep(1)
                stats = await chromium.stats("warm")
                assert stats["packetsLost"] == 0
                assert stats["pliCount"] == 0
                assert stats["framesDecoded"] >= 2 * FPS
                assert stats["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"
                assert stats["reportsReceived"] >= 1
        finally:
            await pool.close()


async def test_chromium_survives_an_ice_restart() -> None:
    encoded_loop()
    async with camera() as (server, _):
        pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"])
        await pool.start()

        async def whep(session_id: str, offer: str) -> str:
            if session_id != "restart":
                return (await pool.open_session(session_id, source_of(server), offer)).sdp
            ufrag, password = (re.search(rf"a=ice-{name}:(\S+)", offer) for name in ("ufrag", "pwd"))
            assert ufrag
            assert password
            fragment = f"a=ice-ufrag:{ufrag[1]}\r\na=ice-pwd:{password[1]}\r\n"
            return (await pool.patch_session("s", fragment, "*")).sdp_fragment

        try:
            async with browser(whep) as chromium:
                await chromium.watch("s", frames=5)
                state = await chromium.evaluate(_RESTART)
                assert state == "connected"
                before = (await chromium.stats("s"))["framesDecoded"]
                await asyncio.sleep(1)
                assert (await chromium.stats("s"))["framesDecoded"] >= before + FPS // 2
        finally:
            await pool.close()


_RESTART = """
async () => {
  const {pc} = window.viewers.s;
  const credentials = (sdp) => [/a=ice-ufrag:(.*)/.exec(sdp)[1].trim(), /a=ice-pwd:(.*)/.exec(sdp)[1].trim()];
  const old = pc.remoteDescription.sdp;
  await pc.setLocalDescription(await pc.createOffer({iceRestart: true}));
  const fragment = await window.whep("restart", pc.localDescription.sdp);
  const [oldUfrag, oldPassword] = credentials(old), [ufrag, password] = credentials(fragment);
  await pc.setRemoteDescription({type: "answer", sdp: old.replace(oldUfrag, ufrag).replace(oldPassword, password)});
  for (let tries = 0; tries < 100 && pc.iceConnectionState !== "connected"; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return pc.connectionState;
}
"""
