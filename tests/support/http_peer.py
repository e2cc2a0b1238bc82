"""An HTTP server on 127.0.0.1 that misbehaves as its scripts say, each connection by the next one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from camctl.egress import PinnedTarget


@dataclass
class Peer:
    """A TCP server whose connections are each handled by the next of `scripts`; the last one serves the rest."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def target(self) -> PinnedTarget:
        return PinnedTarget(f"http://cam.example.org:{self.port}/", "cam.example.org", "127.0.0.1", self.port)

    def read_request(self, client: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith(b"body"):
            part = client.recv(65_536)
            if not part:
                return False
            data += part
        self.requests.append(data)
        return True


Script = Callable[[Peer, socket.socket], None]


@contextlib.contextmanager
def peer(*scripts: Script) -> Iterator[Peer]:
    listener = socket.create_server(("127.0.0.1", 0))
    it = Peer(listener.getsockname()[1])
    open_now: list[socket.socket] = []

    def handle(client: socket.socket, script: Script) -> None:
        with client, contextlib.suppress(OSError):  # the client under test hangs up on purpose
            script(it, client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # the test is over
            open_now.append(client)
            script = scripts[min(it.connections, len(scripts) - 1)]
            it.connections += 1
            threading.Thread(target=handle, args=(client, script), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in open_now:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        thread.join(2)
        assert not thread.is_alive()


def answers(*replies: bytes) -> Script:
    """Answer one request after the other with these; then hang up."""

    def script(it: Peer, client: socket.socket) -> None:
        for reply in replies:
            if not it.read_request(client):
                return
            client.sendall(reply)

    return script
