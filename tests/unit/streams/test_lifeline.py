from __future__ import annotations

import os
import socket
import threading

from streams.lifeline import watch


def test_the_end_of_a_pipe_is_noticed() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    thread = watch(reading, ended.set)
    assert not ended.wait(0.05)
    os.close(writing)
    assert ended.wait(2)
    thread.join(2)
    os.close(reading)


def test_a_socket_is_watched_without_being_read() -> None:
    ours, theirs = socket.socketpair()
    ended = threading.Event()
    thread = watch(theirs.fileno(), ended.set)
    ours.send(b"a message")
    assert not ended.wait(0.05)
    assert theirs.recv(100) == b"a message"
    ours.close()
    assert ended.wait(2)
    thread.join(2)
    theirs.close()
