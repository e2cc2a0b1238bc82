"""What a packet costs at least on this machine: SRTP by libsrtp and one GSO send a run, with nothing around them.

    python -m bench.floor VIEWERS

One line of JSON: microseconds of CPU a packet, of many rounds. Each viewer has a key and a socket of its own, as at a
relay, so that caches are as cold; sockets are emptied between the rounds, which are what is timed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time

from pylibsrtp import Policy, Session

from streams.rtp.blocks import HEADER, VERSION
from streams.rtp.burst import BurstSender
from streams.webrtc.adapter import InPlaceSealer, TxKey

PACKETS, PAYLOAD_BYTES, TAG_BYTES = 8, 1188, 16  # about one picture of 2 Mb/s at 25 a second
_ROUNDS = 200
_KEY_BYTES = 28
_STRIDE = 12 + PAYLOAD_BYTES + TAG_BYTES


def _key() -> TxKey:
    policy = Policy(
        key=os.urandom(_KEY_BYTES),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    return TxKey(Session(policy))


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def rounds_us(viewers: int) -> list[float]:
    """CPU of each round for each of its packets."""
    sealer, sender = InPlaceSealer(), BurstSender(_socket())
    sockets, keys = [_socket() for _ in range(viewers)], [_key() for _ in range(viewers)]
    addresses = [each.getsockname() for each in sockets]
    spans = sealer.spans([(number * _STRIDE, 12 + PAYLOAD_BYTES) for number in range(PACKETS)])
    out = sealer.view[: PACKETS * _STRIDE]
    taken = []
    for number in range(_ROUNDS):
        plain = bytearray(os.urandom(len(out)))
        for place in range(PACKETS):
            HEADER.pack_into(plain, place * _STRIDE, VERSION, 96, number * PACKETS + place, number, 1)
        began_ns = time.process_time_ns()
        for key, address in zip(keys, addresses, strict=True):
            out[:] = plain
            sealer.seal(key, spans)
            sender.send_run(out, _STRIDE, PACKETS, address)
        taken.append((time.process_time_ns() - began_ns) / 1e3 / (viewers * PACKETS))
        for each in sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    each.recv(2048)
    if sender.packets != _ROUNDS * viewers * PACKETS:
        raise RuntimeError("the kernel did not take all packets")
    return taken


if __name__ == "__main__":
    sys.stdout.write(json.dumps(rounds_us(int(sys.argv[1]))) + "\n")
