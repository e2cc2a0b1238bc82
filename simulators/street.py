"""Many simulated cameras in one process: an RTSP server each, and one ONVIF application for all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from simulators import scene
from simulators.camera import SimulatedCamera
from simulators.config import CameraConfig, StreetConfig
from simulators.onvif import CameraEndpoint, build_app, make_server, serve_discovery
from simulators.onvif.discovery import Discovery
from simulators.onvif.serving import StreetServer
from streams.rtsp.server import RtspServer

REALM = "simulated camera"
_READY_S = 10.0
_END_S = 3.0  # for requests that are being answered


class StreetError(Exception):
    """The street cannot run; the message names the key or the part."""


class Street:
    """A running street; `endpoints` are its cameras in the order of the configuration."""

    def __init__(self, config: StreetConfig) -> None:
        self.config = config
        self.endpoints: tuple[CameraEndpoint, ...] = ()
        self._cameras = [SimulatedCamera(camera) for camera in config.cameras]
        self._servers: list[RtspServer] = []
        self._onvif: StreetServer | None = None
        self._discovery: Discovery | None = None
        self._serving: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Take the ports and serve.

        Raises:
            StreetError: a port is taken.
            OSError: discovery is wanted and impossible.
        """
        sockets = self._bind_onvif()
        try:
            for index, camera in enumerate(self._cameras):
                self._servers.append(await self._serve_rtsp(index, camera))
            self.endpoints = tuple(
                CameraEndpoint(camera, sock.getsockname()[1], server.port, self.config.host)
                for camera, sock, server in zip(self._cameras, sockets, self._servers, strict=True)
            )
            onvif = make_server(build_app(self.endpoints))
        except BaseException:
            for sock in sockets:
                sock.close()
            raise
        self._onvif = onvif
        self._watch(onvif, sockets)
        if self.config.discovery:
            self._discovery = await serve_discovery(self.endpoints, interface=self.config.host)
        self._warming = asyncio.create_task(asyncio.to_thread(_warm, self.config.cameras), name="worlds")
        self._warming.add_done_callback(self._warmed)
        await self._until_started(onvif)

    async def failed(self) -> None:
        """Wait until a part fails; raises what it failed with."""
        await asyncio.shield(self._failed)

    async def close(self) -> None:
        """End everything and give the ports back; idempotent."""
        if self._onvif is not None:
            self._onvif.should_exit = True
        if self._discovery is not None:
            await self._discovery.close()
            self._discovery = None
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=_END_S)
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
            self._serving = None
        if self._warming is not None:
            await asyncio.gather(self._warming, return_exceptions=True)
        await asyncio.gather(*(server.close() for server in self._servers))
        self._servers.clear()
        await asyncio.gather(*(camera.close() for camera in self._cameras))
        if not self._failed.done():
            self._failed.cancel()

    def _bind_onvif(self) -> list[socket.socket]:
        sockets: list[socket.socket] = []
        try:
            sockets.extend(
                _bind(self.config.host, _port(self.config.first_onvif_port, index))
                for index in range(len(self._cameras))
            )
        except OSError as error:
            for sock in sockets:
                sock.close()
            port = _port(self.config.first_onvif_port, len(sockets))
            raise StreetError(f"first_onvif_port: port {port} on {self.config.host}: {error.strerror}") from error
        return sockets

    async def _serve_rtsp(self, index: int, camera: SimulatedCamera) -> RtspServer:
        account = camera.config
        streams = {"main": camera.main, "sub": camera.sub}
        for stream in streams.values():
            stream.failed = self._fail
        credentials = {account.username: account.password.get_secret_value()}
        server = RtspServer(streams.get, credentials=credentials, realm=REALM, transports=account.rtsp_transports)
        port = _port(self.config.first_rtsp_port, index)
        try:
            await server.start(self.config.host, port)
        except OSError as error:
            raise StreetError(f"first_rtsp_port: port {port} on {self.config.host}: {error.strerror}") from error
        return server

    def _watch(self, onvif: StreetServer, sockets: list[socket.socket]) -> None:
        async def serve() -> None:
            try:
                await onvif.serve(sockets=sockets)
            except Exception as error:  # noqa: BLE001  # handed to whoever waits in failed()
                self._fail(error)
            if not onvif.should_exit:
                self._fail(StreetError("the ONVIF server ended by itself"))

        self._serving = asyncio.create_task(serve(), name="the ONVIF server")

    async def _until_started(self, onvif: StreetServer) -> None:
        async with asyncio.timeout(_READY_S):
            while not onvif.started:
                if self._failed.done():
                    self._failed.result()
                await asyncio.sleep(0.01)

    def _warmed(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # it counts as seen even when nobody waits


async def run_street(config: StreetConfig) -> Street:
    """Start a street; close it when done.

    Raises:
        StreetError: a port is taken.
    """
    street = Street(config)
    try:
        await street.start()
    except BaseException:
        with contextlib.suppress(asyncio.CancelledError):
            await street.close()
        raise
    return street


def describe(endpoints: Sequence[CameraEndpoint]) -> dict[str, Any]:
    """What a program needs to find the cameras; no passwords."""
    return {
        "cameras": [
            {
                "name": endpoint.camera.config.name,
                "onvif_url": f"http://{endpoint.host}:{endpoint.onvif_port}/onvif/device_service",
                "rtsp_url": f"rtsp://{endpoint.host}:{endpoint.rtsp_port}/main",
                "rtsp_sub_url": f"rtsp://{endpoint.host}:{endpoint.rtsp_port}/sub",
            }
            for endpoint in endpoints
        ]
    }


def _warm(cameras: Sequence[CameraConfig]) -> None:
    """Make up the streets before somebody watches: a real camera has its picture ready."""
    for camera in cameras:
        scene.world(camera.seed, camera.daylight)


def _port(first: int, index: int) -> int:
    return first + index if first else 0


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Two listeners must not share a port unnoticed: bind alone succeeds where another process only bound.
        sock.listen(128)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
