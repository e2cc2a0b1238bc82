"""A process that floods a UDP port of this machine: `python -m tests.system.flood PORT RATE SECONDS UFRAG PASSWORD`.

It sends datagrams that nobody of good will sends: random bytes, STUN of nobody and of somebody with a wrong signature,
torn and replayed STUN, records and reports of no session. `UFRAG` and `PASSWORD` are of a session that may suffer: its
one valid check is what is replayed. Prints how many datagrams it sent. Goes to 127.0.0.1 only, and ends by itself.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import sys
import time

from aioice import stun

SOCKETS = 16  # as many source addresses
BATCH_S = 0.002


def check(ufrag: str, password: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:flood"
    message.attributes["PRIORITY"] = 1
    message.add_message_integrity(password.encode())
    return bytes(message)


def ammunition(ufrag: str, password: str, count: int = 4000) -> list[bytes]:
    """Ready-made datagrams, so that sending is all that costs time."""
    dice = random.Random(7)
    valid = check(ufrag, password)
    forged = check(ufrag, "wrong" * 5)
    kinds = (
        lambda: dice.randbytes(dice.randrange(0, 1400)),
        lambda: check(dice.randbytes(6).hex(), "nobody" * 4),
        lambda: forged,
        lambda: valid,
        lambda: valid[: dice.randrange(len(valid))],
        lambda: bytes((dice.randrange(20, 27), 0xFE, 0xFD)) + dice.randbytes(dice.randrange(10, 200)),
        lambda: struct.pack("!BB", 0x80, dice.choice([96, 200, 201, 205, 206])) + dice.randbytes(60),
    )
    return [kinds[number % len(kinds)]() for number in range(count)]


def main(port: int, rate: int, seconds: float, ufrag: str, password: str) -> int:
    datagrams = ammunition(ufrag, password)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
    for one in sockets:
        one.connect(("127.0.0.1", port))
        one.setblocking(False)
    sent, began_s = 0, time.monotonic()
    while (now_s := time.monotonic()) - began_s < seconds:
        for _ in range(max(0, int((now_s - began_s) * rate) - sent)):
            with contextlib.suppress(OSError):  # a full queue, or the port is gone: the test sees that itself
                sockets[sent % SOCKETS].send(datagrams[sent % len(datagrams)])
            sent += 1
        time.sleep(BATCH_S)
    for one in sockets:
        one.close()
    return sent


if __name__ == "__main__":
    port, rate, seconds, ufrag, password = sys.argv[1:]
    sys.stdout.write(f"{main(int(port), int(rate), float(seconds), ufrag, password)}\n")
