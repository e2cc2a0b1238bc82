import { describe, expect, it } from "vitest";
import { relaysIn, restartFragment, withCredentials } from "./ice";

const OFFER = ["v=0", "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=ice-ufrag:abcd", "a=ice-pwd:efgh$&", "a=mid:0", "m=application 9 UDP/DTLS/SCTP x", "a=ice-ufrag:abcd", "a=ice-pwd:efgh$&", "a=mid:1", ""].join("\r\n");

describe("a restart", () => {
  it("sends the credentials and the section that they are for", () => {
    expect(restartFragment(OFFER)).toBe("a=ice-ufrag:abcd\r\na=ice-pwd:efgh$&\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n");
    expect(restartFragment("v=0\r\nm=video 9 x 1\r\na=mid:0\r\n")).toBeNull();
  });

  it("takes the service's credentials into every section of the answer", () => {
    const answer = withCredentials(OFFER, "a=ice-lite\r\na=ice-ufrag:n+w\r\na=ice-pwd:s$&cret\r\na=candidate:1\r\n");
    expect(answer?.match(/a=ice-ufrag:n\+w\r\n/g)).toHaveLength(2);
    expect(answer?.match(/a=ice-pwd:s\$&cret\r\n/g)).toHaveLength(2);
    expect(answer).not.toContain("abcd");
    expect(answer?.split("\r\n")).toHaveLength(OFFER.split("\r\n").length);
    expect(withCredentials(OFFER, "a=end-of-candidates\r\n")).toBeNull();
  });
});

describe("relays in Link", () => {
  const one = '<turn:[2001:db8::1]:3478?transport=udp>; rel="ice-server"; username="17:a"; credential="b+/="; credential-type="password"';

  it("are read from one header that holds several", () => {
    const two = '<turns:t.example:443?transport=tcp>;rel=ice-server;username="u";credential="p,q;r"';
    expect(relaysIn(`${one}, ${two}`)).toEqual([
      { urls: "turn:[2001:db8::1]:3478?transport=udp", username: "17:a", credential: "b+/=" },
      { urls: "turns:t.example:443?transport=tcp", username: "u", credential: "p,q;r" },
    ]);
  });

  it.each([null, "", "garbage", "<turn:x>", '<turn:x>; rel="ice-server"', '<https://x>; rel="ice-server"; username="u"; credential="c"', one.replace("ice-server", "next")])("are none in %s", (header) => {
    expect(relaysIn(header)).toEqual([]);
  });
});
