import { expect, it } from "vitest";
import { MultipartError, MultipartReader } from "./multipart";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function part(body: string, more = ""): string {
  return `Content-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}\r\n--b\r\n`;
}

it("gives the same parts however the bytes are cut", () => {
  const bytes = encoder.encode(`--b\r\n${part("one")}${part("", "X-Camctl-Hidden: sector\r\n")}${part("\r\n--b\r\nthree")}`);
  for (const size of [1, 2, 7, 50, bytes.length]) {
    const reader = new MultipartReader();
    const parts = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(...reader.push(bytes.subarray(at, at + size)));
    expect(parts.map(({ body }) => decoder.decode(body))).toEqual(["one", "", "\r\n--b\r\nthree"]);
    expect(parts[1]?.headers.get("x-camctl-hidden")).toBe("sector");
  }
});

it("refuses what is no part, and does not gather without end", () => {
  expect(() => new MultipartReader().push(encoder.encode("--b\r\nContent-Type: image/jpeg\r\n\r\n"))).toThrow(MultipartError);
  expect(() => new MultipartReader().push(encoder.encode("Content-Length: 99999999\r\n\r\n"))).toThrow(MultipartError);
  expect(() => new MultipartReader().push(encoder.encode("Content-Length: -1\r\n\r\n"))).toThrow(MultipartError);
  expect(() => new MultipartReader().push(new Uint8Array(5000))).toThrow(MultipartError);
});
