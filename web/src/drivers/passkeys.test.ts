import { describe, expect, it } from "vitest";
import { askingOptions, makingOptions, passkeysAt, toBase64url, toBytes } from "./passkeys";

describe("where passkeys work", () => {
  it("is at a name with HTTPS, in a browser that knows them", () => {
    expect(passkeysAt("cctv.example.go.id", true, true)).toBe("yes");
    expect(passkeysAt("localhost", true, true)).toBe("yes");
    expect(passkeysAt("10.20.0.5", true, true)).toBe("needs-name");
    expect(passkeysAt("[2001:db8::1]", true, true)).toBe("needs-name");
    expect(passkeysAt("cctv.example.go.id", false, true)).toBe("needs-https");
    expect(passkeysAt("cctv.example.go.id", true, false)).toBe("none");
  });
});

describe("the service's JSON", () => {
  it("is bytes and back, whatever the bytes are", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect(toBase64url(bytes.buffer)).not.toMatch(/[+/=]/);
    expect([...toBytes(toBase64url(bytes.buffer))]).toEqual([...bytes]);
  });

  it("becomes what the browser asks, always with the owner's check", () => {
    const asked = askingOptions({ challenge: "AQID", rpId: "example.id", timeout: 1, allowCredentials: [{ id: "BAU", type: "public-key" }], userVerification: "discouraged" });
    expect([...(asked.challenge as Uint8Array)]).toEqual([1, 2, 3]);
    expect(asked.userVerification).toBe("required");
    expect([...(asked.allowCredentials?.[0]?.id as Uint8Array)]).toEqual([4, 5]);
    const made = makingOptions({ challenge: "AQID", rp: { id: "example.id", name: "camctl" }, user: { id: "Bg", name: "sari", displayName: "Ibu Sari" }, pubKeyCredParams: [{ type: "public-key", alg: -7 }], timeout: 1 });
    expect(made.authenticatorSelection).toEqual({ residentKey: "required", requireResidentKey: true, userVerification: "required" });
    expect(made.pubKeyCredParams).toEqual([{ type: "public-key", alg: -7 }]);
  });

  it("that lacks something is no options", () => {
    expect(() => askingOptions({ challenge: "AQID" })).toThrow("rpId");
  });
});
