from __future__ import annotations

import base64

import pytest

from streams.rtsp.auth import (
    ClientAuth,
    DigestInput,
    ServerAuth,
    Verdict,
    digest_response,
    hashes_of,
    parse_credentials,
)

URI = "rtsp://10.0.0.1/main"


@pytest.mark.parametrize(
    ("given", "password", "expected"),
    [
        (  # RFC 2617 section 3.5
            DigestInput(
                "MD5",
                "Mufasa",
                "testrealm@host.com",
                "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                "GET",
                "/dir/index.html",
                "auth",
                "0a4f113b",
                "00000001",
            ),
            "Circle Of Life",
            "6629fae49393a05397450978507c4ef1",
        ),
        (  # RFC 2069 section 2.4 with its erratum
            DigestInput(
                "MD5",
                "Mufasa",
                "testrealm@host.com",
                "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                "GET",
                "/dir/index.html",
            ),
            "CircleOfLife",
            "1949323746fe6a43ef61f9606e7febea",
        ),
        *(
            (  # RFC 7616 section 3.9.1
                DigestInput(
                    algorithm,
                    "Mufasa",
                    "http-auth@example.org",
                    "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                    "GET",
                    "/dir/index.html",
                    "auth",
                    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                    "00000001",
                ),
                "Circle of Life",
                expected,
            )
            for algorithm, expected in (
                ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
                ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            )
        ),
    ],
)
def test_digests_of_the_standards(given: DigestInput, password: str, expected: str) -> None:
    assert digest_response(given, password) == expected


def test_several_challenges_in_one_value_and_in_several() -> None:
    found = parse_credentials(
        [
            'Digest realm="a, \\"b\\"", nonce="n=1", qop="auth,auth-int", stale=FALSE, Basic realm="x"',
            "Negotiate",
            "=,;=",
        ]
    )
    assert [(one.scheme, dict(one.parameters)) for one in found] == [
        ("digest", {"realm": 'a, "b"', "nonce": "n=1", "qop": "auth,auth-int", "stale": "FALSE"}),
        ("basic", {"realm": "x"}),
        ("negotiate", {}),
    ]


@pytest.mark.parametrize("token", ["YTpi", "YTpiYw==", "YTpiYz4=", "a/b+c="])
def test_the_token_of_a_basic_answer(token: str) -> None:
    (found,) = parse_credentials([f"Basic {token}"])
    assert (found.scheme, found.token) == ("basic", token)


def test_a_digest_without_commas_as_some_cameras_write_it() -> None:
    (found,) = parse_credentials(['Digest realm="r" nonce="n" algorithm="MD5"'])
    assert dict(found.parameters) == {"realm": "r", "nonce": "n", "algorithm": "MD5"}


@pytest.mark.parametrize(
    ("values", "scheme", "algorithm"),
    [
        (['Basic realm="r"', 'Digest realm="r", nonce="n"'], "digest", "MD5"),
        (
            ['Digest realm="r", nonce="n", algorithm=MD5, Digest realm="r", nonce="m", algorithm=SHA-256'],
            "digest",
            "SHA-256",
        ),
        (['Digest realm="r", nonce="n", algorithm=SHA-512-256', 'Basic realm="r"'], "basic", "MD5"),
        (['Digest realm="r", nonce="n", qop="auth-int"', 'Basic realm="r"'], "basic", "MD5"),
        (['Digest realm="r", nonce="n", algorithm="md5-sess"', 'Digest realm="r", nonce="n"'], "digest", "MD5-SESS"),
    ],
)
def test_the_strongest_challenge_that_we_can_answer_is_taken(values: list[str], scheme: str, algorithm: str) -> None:
    auth = ClientAuth("u", "p")
    taken = auth.challenge(values)
    assert taken is not None
    assert (taken.scheme, taken.algorithm) == (scheme, algorithm)
    answer = auth.answer("DESCRIBE", URI)
    assert answer is not None
    assert answer.lower().startswith(scheme)


def test_no_challenge_that_we_know() -> None:
    auth = ClientAuth("u", "p")
    assert auth.challenge(["Negotiate", "Digest realm=x"]) is None
    assert auth.answer("OPTIONS", URI) is None


def test_the_client_counts_the_uses_of_a_nonce() -> None:
    auth = ClientAuth("u", "p", random=lambda: "c")
    auth.challenge(['Digest realm="r", nonce="n", qop="auth", opaque="o", algorithm=SHA-256'])
    answers = [parse_credentials([auth.answer("PLAY", URI) or ""])[0].parameters for _ in range(2)]
    assert [answer["nc"] for answer in answers] == ["00000001", "00000002"]
    assert (answers[0]["opaque"], answers[0]["qop"], answers[0]["algorithm"]) == ("o", "auth", "SHA-256")
    auth.challenge(['Digest realm="r", nonce="m", qop="auth"'])
    assert parse_credentials([auth.answer("PLAY", URI) or ""])[0].parameters["nc"] == "00000001"


@pytest.mark.parametrize("scheme", ["digest", "digest-sha256", "basic"])
@pytest.mark.parametrize(("username", "password"), [("admin", 'p:a ss\\"w'), ("käthe", "пароль")])
def test_client_and_server_understand_each_other(scheme: str, username: str, password: str) -> None:
    server = ServerAuth({username: password}, 'IP "Camera"', [scheme])
    for given, verdict in ((password, Verdict.GOOD), ("wrong", Verdict.BAD), ("", Verdict.BAD)):
        client = ClientAuth(username, given)
        client.challenge(server.challenges(10.0))
        assert server.check(client.answer("PLAY", URI) or "", "PLAY", URI, 11.0) is verdict


def test_nobody_gets_in_without_a_known_name() -> None:
    server = ServerAuth({"admin": "pass"}, "r")
    for offer in server.challenges(0.0):
        client = ClientAuth("nobody", "pass")
        client.challenge([offer])
        assert server.check(client.answer("PLAY", URI) or "", "PLAY", URI, 0.0) is Verdict.BAD
    assert server.check("", "PLAY", URI, 0.0) is Verdict.MISSING
    for junk in ("Basic ====", "Basic \u00e9", "Digest", "Basic a, Basic b", "Digest algorithm=FOO", "Bearer x"):
        assert server.check(junk, "PLAY", URI, 0.0) is Verdict.BAD


def test_a_scheme_that_was_not_offered_is_refused() -> None:
    server = ServerAuth({"u": "p"}, "r", ["digest"])
    basic = "Basic " + base64.b64encode(b"u:p").decode()
    assert server.check(basic, "PLAY", URI, 0.0) is Verdict.BAD
    with pytest.raises(ValueError, match="schemes"):
        ServerAuth({}, "r", ["ntlm"])


def test_nonces_expire_and_foreign_ones_are_stale() -> None:
    server = ServerAuth({"u": "p"}, "r", nonce_lifetime_s=60)
    client = ClientAuth("u", "p")
    client.challenge(server.challenges(100.0))
    assert server.check(client.answer("PLAY", URI) or "", "PLAY", URI, 159.0) is Verdict.GOOD
    assert server.check(client.answer("PLAY", URI) or "", "PLAY", URI, 161.0) is Verdict.STALE
    assert "stale=true" in server.challenges(0.0, stale=True)[0]
    for nonce in ("made-up", "", "64-00", "zz-zz"):
        client.challenge([f'Digest realm="r", nonce="{nonce}"'])
        assert server.check(client.answer("PLAY", URI) or "", "PLAY", URI, 0.0) is Verdict.STALE


def test_an_answer_counts_for_its_method_and_its_resource_only() -> None:
    server = ServerAuth({"u": "p"}, "r")
    client = ClientAuth("u", "p")
    client.challenge(server.challenges(0.0))
    answer = client.answer("SETUP", URI) or ""
    assert server.check(answer, "SETUP", URI + "/trackID=0", 0.0) is Verdict.GOOD  # GStreamer signs the stream's URL
    assert server.check(answer, "PLAY", URI, 0.0) is Verdict.BAD
    assert server.check(answer, "SETUP", URI + "2", 0.0) is Verdict.BAD


def test_no_repr_shows_a_secret() -> None:
    auth = ClientAuth("u", "hunter2")
    auth.challenge(['Basic realm="r"'])
    assert "hunter2" not in repr(auth)
    assert "YTpi" not in repr(parse_credentials(["Basic YTpi"]))


@pytest.mark.parametrize("scheme", ["digest", "digest-sha256", "basic"])
def test_a_server_that_knows_only_hashes_says_who_it_is(scheme: str) -> None:
    accounts = {"nvr": hashes_of("nvr", "camctl", "rahasia")}
    server = ServerAuth.hashed(accounts, "camctl", [scheme])
    client = ClientAuth("nvr", "rahasia")
    assert client.challenge(server.challenges(1.0))
    answer = client.answer("DESCRIBE", "rtsp://x/cam-1/main") or ""
    judged = server.judge(answer, "DESCRIBE", "rtsp://x/cam-1/main", 2.0)
    assert (judged.verdict, judged.username) == (Verdict.GOOD, "nvr")
    accounts["nvr"] = hashes_of("nvr", "camctl", "another")
    assert server.check(answer, "DESCRIBE", "rtsp://x/cam-1/main", 2.0) is Verdict.BAD
    del accounts["nvr"]
    assert server.check(answer, "DESCRIBE", "rtsp://x/cam-1/main", 2.0) is Verdict.BAD
    assert "rahasia" not in str(hashes_of("nvr", "camctl", "rahasia"))
