from __future__ import annotations

import pytest

from streams.errors import StreamError, StreamFault
from streams.webrtc.mux import IceCredentials
from streams.webrtc.whep import Fragment, Patch, build_fragment, judge_patch, new_credentials, new_etag, parse_fragment

TRICKLE = """a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
m=audio 9 RTP/AVP 0\r
a=mid:0\r
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host\r
a=end-of-candidates\r
"""


def test_a_fragment_is_read() -> None:
    fragment = parse_fragment(TRICKLE)
    assert (fragment.ufrag, fragment.password, fragment.mid) == ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1", "0")
    assert len(fragment.candidates) == 2
    assert fragment.is_complete
    assert "P2uYro0UCOQ4zxjKXaWCBui1" not in repr(fragment)


@pytest.mark.parametrize(
    "text", ["", "hello", "a=mid:0\r\n", "a=ice-ufrag:a b c d e\r\n", "a=candidate:" + "x" * 20_000]
)
def test_what_says_nothing_about_ice_is_refused(text: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_fragment(text)
    assert caught.value.fault is StreamFault.BAD_OFFER


def test_what_is_built_can_be_read() -> None:
    ours = IceCredentials("ourufrag", "ourpassword")
    fragment = parse_fragment(build_fragment(ours, ["a=candidate:1 1 udp 1 192.0.2.1 8555 typ host"], "0"))
    assert (fragment.ufrag, fragment.password, fragment.mid) == ("ourufrag", "ourpassword", "0")
    assert fragment.candidates == ("1 1 udp 1 192.0.2.1 8555 typ host",)


SAME, NEW = Fragment("known", "x" * 22), Fragment("other", "y" * 22)


@pytest.mark.parametrize(
    ("fragment", "if_match", "verdict"),
    [
        (SAME, '"tag"', Patch.TRICKLE),
        (SAME, None, Patch.TRICKLE),  # whip-whep sends no If-Match
        (SAME, '"old"', Patch.STALE),
        (SAME, "*", Patch.TRICKLE),
        (Fragment(candidates=("1 1 udp",)), '"tag"', Patch.TRICKLE),
        (NEW, '"*"', Patch.RESTART),
        (NEW, "*", Patch.RESTART),
        (NEW, None, Patch.UNCONDITIONAL),
        (NEW, '"old"', Patch.STALE),
        (NEW, '"old", "tag"', Patch.RESTART),
    ],
)
def test_verdicts(fragment: Fragment, if_match: str | None, verdict: Patch) -> None:
    assert judge_patch(fragment, if_match, '"tag"', "known") is verdict


def test_a_restart_needs_a_password() -> None:
    with pytest.raises(StreamError):
        judge_patch(Fragment("other"), "*", '"tag"', "known")


def test_tags_and_credentials_are_fresh_and_well_formed() -> None:
    assert new_etag() != new_etag()
    assert new_etag().startswith('"')
    first, second = new_credentials(), new_credentials()
    assert first.ufrag != second.ufrag
    assert len(first.ufrag) >= 4
    assert len(first.password) >= 22
    assert first.password not in repr(first)
