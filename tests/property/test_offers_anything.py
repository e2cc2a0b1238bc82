"""Offers and fragments are text from anywhere: they are understood, or refused as StreamError BAD_OFFER or CODEC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import StreamError, StreamFault
from streams.webrtc.codecs import choose
from streams.webrtc.mux import IceCredentials
from streams.webrtc.sdp import AnswerFacts, build_answer, parse_offer
from streams.webrtc.whep import Patch, judge_patch, parse_fragment

OFFERS = sorted((Path(__file__).parents[1] / "fixtures" / "offers").iterdir())
FACTS = AnswerFacts(("192.0.2.1",), 8200, IceCredentials("u", "p"), ("sha-256", "AA:BB"), 7, "name")
T = TypeVar("T")
REFUSALS = {StreamFault.BAD_OFFER, StreamFault.CODEC}

values = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
words = st.sampled_from(
    [
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "m=video 0 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:0", "a=mid:1", "a=mid:", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", "a=ice-options:trickle",
        "a=fingerprint:sha-256 AA:BB:CC", "a=fingerprint:", "a=fingerprint:md5 AA", "a=setup:actpass", "a=setup:active",
        "a=setup:passive", "a=rtpmap:96 H264/90000", "a=rtpmap:97 rtx/90000", "a=rtpmap:x H264/90000", "a=rtpmap:96",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f", "a=fmtp:96 profile-level-id=zz;packetization-mode=1",
        "a=fmtp:97 apt=96", "a=fmtp:97 apt=97", "a=rtcp-fb:96 nack pli", "a=rtcp-mux", "a=recvonly", "a=sendonly",
        "a=sctp-port:5000", "a=sctp-port:99999", "a=max-message-size:99999999999999999999", "a=end-of-candidates",
        "a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=candidate:", "m=", "a=", "=", "",
    ]
)  # fmt: skip
lines = st.lists(st.one_of(words, words, words, values), max_size=40).map("\r\n".join)


@st.composite
def spoilt_offers(draw: st.DrawFn) -> str:
    """A real browser's offer with a few lines lost, doubled, swapped or overwritten."""
    text = draw(st.sampled_from(OFFERS)).read_text().splitlines()
    for _ in range(draw(st.integers(1, 6))):
        at, other = draw(st.integers(0, len(text) - 1)), draw(st.integers(0, len(text) - 1))
        change = draw(st.sampled_from(["lose", "double", "swap", "cut", "write"]))
        if change == "lose" and len(text) > 1:
            del text[at]
        elif change == "double":
            text.insert(at, text[other % len(text)])
        elif change == "swap":
            text[at], text[other] = text[other], text[at]
        elif change == "cut":
            text[at] = text[at][: draw(st.integers(0, len(text[at])))]
        else:
            text[at] = draw(st.one_of(words, values))
    return "\r\n".join(text) + "\r\n"


def attempt(work: Callable[[], T]) -> T | StreamError:
    """What comes out, or the refusal; anything else is raised."""
    try:
        return work()
    except StreamError as refusal:
        return refusal


def answer(text: str) -> None:
    offer = attempt(lambda: parse_offer(text))
    choice = offer if isinstance(offer, StreamError) else attempt(lambda: choose(offer.choices, "H264", "42e01f"))
    if isinstance(offer, StreamError) or isinstance(choice, StreamError):
        refusal = offer if isinstance(offer, StreamError) else choice
        assert isinstance(refusal, StreamError)
        assert refusal.fault in REFUSALS
        assert len(refusal.detail) < 500
        return
    sdp = build_answer(offer, choice, FACTS)
    assert sdp.count("\r\nm=") == len(offer.sections)  # as many as offered (RFC 3264 section 6)
    assert not any(line[1:2] != "=" for line in sdp.splitlines()), "a line of the offer leaked into ours"


@settings(deadline=None)
@given(st.one_of(lines, spoilt_offers(), st.text(st.characters(blacklist_categories=("Cs",)), max_size=300)))
def test_any_offer_is_answered_or_refused(text: str) -> None:
    answer(text)


@pytest.mark.parametrize("path", OFFERS, ids=lambda path: path.name)
def test_an_offer_of_endless_lines_is_refused_or_answered_at_once(path: Path) -> None:
    answer(path.read_text() + "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n" * 1500)
    answer("v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 2000)


@settings(deadline=None)
@given(st.one_of(lines, st.text(max_size=300)), st.none() | st.text(max_size=30))
def test_any_fragment_is_judged_or_refused(text: str, if_match: str | None) -> None:
    fragment = attempt(lambda: parse_fragment(text))
    if isinstance(fragment, StreamError):
        assert fragment.fault is StreamFault.BAD_OFFER
        return
    verdict = attempt(lambda: judge_patch(fragment, if_match, '"etag"', "known"))
    if isinstance(verdict, StreamError):
        assert verdict.fault is StreamFault.BAD_OFFER
        return
    assert verdict is not Patch.RESTART or (fragment.ufrag and fragment.password)
