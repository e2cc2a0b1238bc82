"""All viewers of a process: they join, are read together, counted, and a sample of what they get is decrypted."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Sequence

import httpx
import numpy as np
from numpy.typing import NDArray

from bench.drain import Batch, Drain, drops
from bench.receiver import Receiver, reached
from bench.tally import HEAD_BYTES, Count, Heads, Tally
from bench.ways import Way

_MOST = 2000
_TICK_S = 0.005
_REPORT_S = 1.0
_AT_ONCE = 8  # joins under way
_MOST_REPEATED = 20


class Crowd:
    """Viewers, each coming by the next one of `ways`; `check` raises when what the first one gets is no video."""

    def __init__(self, ways: Sequence[Way], *, key_packets: int = 1, stamps: bool = False) -> None:
        self._ways = ways
        self._key_packets = key_packets
        self._stamps = stamps
        self._drain = Drain(self._count, stamps=stamps)
        self._tally = Tally(_MOST)
        self._receivers: list[Receiver] = []
        self._taken: list[socket.socket] = []
        self._decrypted = [0, 0]  # not video, video
        self.repeated = 0
        self.kept: list[NDArray[np.int64]] | None = None  # with a list: viewer, timestamp, arrival of each packet
        self.lasts_ns = np.zeros(_MOST, dtype=np.int64)  # wall clock of each viewer's last RTP packet, with stamps

    def __len__(self) -> int:
        return len(self._receivers)

    @property
    def count(self) -> Count:
        """What all viewers received since they are read together."""
        return self._tally.count

    @property
    def packets(self) -> NDArray[np.int64]:
        """What each viewer received."""
        return self._tally.packets[: len(self)].copy()

    def lost(self, viewers: int) -> int:
        """Packets that did not come to the first so many viewers."""
        return int(self._tally.lost[:viewers].sum())

    @property
    def dropped(self) -> int:
        """Packets that came but found no room in the viewers' own sockets."""
        return sum(map(drops, self._taken))

    @property
    def profile(self) -> str:
        """The first viewer's SRTP profile."""
        return self._receivers[0].profile

    def check(self) -> None:
        """Raises OSError when the decrypted sample is not what it should be."""
        bad, good = self._decrypted
        if bad or not good:
            raise OSError(f"of a sample of {bad + good} packets {bad} were not authentic H.264")

    async def grow(self, wanted: int) -> None:
        """Let viewers join until there are so many, a few at a time.

        Raises:
            OSError: one was refused.
            TimeoutError: too many did not get through; a few may try again, and count in `repeated`.
        """
        async with httpx.AsyncClient() as client:
            while len(self) < wanted:
                newcomers = await self.prepared(min(_AT_ONCE, wanted - len(self)))
                for receiver in newcomers:
                    await receiver.open(client)
                through = await reached(newcomers)
                self.admit(through)
                failed = [each for each in newcomers if each not in through]
                self.repeated += len(failed)
                if self.repeated > _MOST_REPEATED:
                    raise TimeoutError(f"{self.repeated} joins of {len(self)} did not get through ({failed[0].state})")
                for receiver in failed:
                    await receiver.close()

    async def prepared(self, count: int) -> list[Receiver]:
        """Viewers that have not asked yet."""
        ways = itertools.islice(itertools.cycle(self._ways), len(self) % len(self._ways), None)
        receivers = [Receiver(next(ways), self._key_packets) for _ in range(count)]
        for receiver in receivers:
            await receiver.prepare()
        return receivers

    def admit(self, newcomers: list[Receiver]) -> None:
        """Read these connected viewers together with the others from now on."""
        for receiver in newcomers:
            sock = receiver.take_socket()
            self._taken.append(sock)
            self._drain.add(sock, len(self._receivers))
            self._receivers.append(receiver)

    async def run(self) -> None:
        """Read and report until cancelled."""
        at_s, reported = time.monotonic(), 0
        while True:
            self._drain.run()
            due = int((time.monotonic() - at_s) / _REPORT_S * len(self))
            if due - reported > len(self):
                reported = due - len(self)  # more viewers than before, or late: nobody reports twice for it
            for number in range(reported, due):
                await self._report(number % len(self))
            reported = due
            await asyncio.sleep(_TICK_S)

    async def _report(self, viewer: int) -> None:
        ssrc = self._tally.ssrc(viewer)
        if ssrc is not None:
            highest, lost = int(self._tally.highest[viewer]), int(self._tally.lost[viewer])
            await self._receivers[viewer].report(ssrc, highest, lost)

    def _count(self, batch: Batch) -> None:
        heads = Heads(batch.viewers, batch.data[:, :HEAD_BYTES], batch.sizes)
        are_rtp = heads.are_rtp
        for index in np.flatnonzero(~are_rtp):
            self._receivers[batch.viewers[index]].hear(batch.data[index, : batch.sizes[index]].tobytes())
        rtp = heads.only(are_rtp)
        is_main = self._tally.add(rtp)
        if self._stamps:
            np.maximum.at(self.lasts_ns, rtp.viewers, batch.stamps_ns[are_rtp])
        if self.kept is not None:
            self.kept.append(np.stack([rtp.viewers, rtp.words(4), batch.stamps_ns[are_rtp]])[:, is_main])
        for index in np.flatnonzero(are_rtp & (batch.viewers == 0)):
            packet = batch.data[index, : batch.sizes[index]].tobytes()
            self._decrypted[self._receivers[0].decrypts(packet)] += 1
