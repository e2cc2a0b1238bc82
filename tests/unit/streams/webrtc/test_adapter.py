from __future__ import annotations

import asyncio

import pytest

from streams.rtp.fanout import Fanout, Receiver
from streams.webrtc import adapter
from streams.webrtc.adapter import (
    ContractError,
    CopyingSealer,
    DtlsLink,
    HandshakeError,
    InPlaceSealer,
    PacketSealer,
    SrtpError,
    check_contract,
    fingerprint,
    make_certificate,
)
from tests.unit.streams.rtp.fanout_kit import FakeSender, HandTimer


async def linked() -> tuple[DtlsLink, DtlsLink]:
    mine, theirs = make_certificate(), make_certificate()
    server, client = adapter._connect_two(mine, theirs)
    await asyncio.gather(
        server.handshake([fingerprint(theirs)], 5),
        client.handshake([fingerprint(mine)], 5),
    )
    return server, client


async def test_the_contract_holds_with_what_is_installed() -> None:
    assert isinstance(await check_contract(), InPlaceSealer)


async def test_without_the_binding_the_public_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(adapter.pylibsrtp, "_binding")
    assert isinstance(await check_contract(), CopyingSealer)


async def test_a_missing_private_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_PRIVATE", ("_set_role", "_gone"))
    with pytest.raises(ContractError, match="_gone"):
        await check_contract()


@pytest.mark.parametrize("make", [InPlaceSealer, CopyingSealer])
async def test_what_the_fanout_sends_can_be_decrypted(make: type[PacketSealer]) -> None:
    server, client = await linked()
    assert (server.profile, server.tag_length) == ("SRTP_AEAD_AES_128_GCM", 16)
    sender, timer = FakeSender(), HandTimer()
    fanout = Fanout(make(), sender, timer)
    receiver = Receiver(("192.0.2.1", 1), server.tx_key, server.tag_length, ssrc=77, payload_type=96)
    payloads = [b"a" * 1188] * 20 + [b"b" * 70]
    fanout.push(payloads, 90_000, is_key=True, arrived_s=0)
    fanout.join(receiver)
    timer.run_out()
    fanout.push([b"next"], 93_600, is_key=False, arrived_s=0)
    raws = [part for parts, _ in sender.runs for part in parts]
    plain = [client.unprotect(raw) for raw in raws]
    assert [packet[12:] for packet in plain] == [*payloads, b"next"]
    assert all(b"aaaa" not in raw for raw in raws)
    with pytest.raises(SrtpError):
        client.unprotect(raws[0][:-1] + bytes([raws[0][-1] ^ 1]))
    await asyncio.gather(server.close(), client.close())


async def test_rtcp_goes_both_ways_and_forgeries_do_not() -> None:
    server, client = await linked()
    report = bytes((0x80, 201, 0, 1, 0, 0, 0, 9))
    assert client.unprotect_rtcp(server.protect_rtcp(report)) == report
    sealed = client.protect_rtcp(report)
    with pytest.raises(SrtpError):
        server.unprotect_rtcp(sealed[:-1] + b"\0\0")
    assert server.unprotect_rtcp(sealed) == report
    with pytest.raises(SrtpError):
        server.unprotect_rtcp(b"")
    await asyncio.gather(server.close(), client.close())


async def test_another_certificate_than_announced_is_refused() -> None:
    mine, theirs = make_certificate(), make_certificate()
    server, client = adapter._connect_two(mine, theirs)
    results = await asyncio.gather(
        server.handshake([fingerprint(make_certificate())], 2),
        client.handshake([fingerprint(mine)], 2),
        return_exceptions=True,
    )
    assert isinstance(results[0], HandshakeError)
    with pytest.raises(SrtpError):
        server.protect_rtcp(b"x" * 8)
    await asyncio.gather(server.close(), client.close())


async def test_a_silent_peer_and_garbage_end_the_handshake_in_time() -> None:
    link = DtlsLink(make_certificate(), lambda data: None)
    for number in range(100):
        link.feed(bytes([22, number]) * 20)
    with pytest.raises(HandshakeError):
        await link.handshake([("sha-256", "AA")], 0.1)
    await link.close()


async def test_goodbye_is_heard() -> None:
    server, client = await linked()
    heard = asyncio.Event()
    server._on_closed = heard.set
    await client.close()
    async with asyncio.timeout(2):
        await heard.wait()
    await server.close()
