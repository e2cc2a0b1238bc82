import { afterEach, expect, it, vi } from "vitest";
import { asRecord, asString } from "./decode";
import { callJson } from "./http";

const readName = (value: unknown, where: string): string => asString(asRecord(value, where)["name"], `${where}.name`);

function answer(body: string, init: ResponseInit = {}): void {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(body, init))));
}

afterEach(() => vi.unstubAllGlobals());

it("gives the value of a good answer", async () => {
  answer('{"name":"Monas"}');
  expect(await callJson("/x", {}, readName)).toEqual({ kind: "success", value: "Monas" });
});

it("gives the service's problem with its extras", async () => {
  const body = '{"type":"urn:camctl:problem:held","status":409,"detail":"Held.","holder":{"name":"Budi"}}';
  answer(body, { status: 409, headers: { "Retry-After": "3" } });
  expect(await callJson("/x", {}, readName)).toEqual({
    kind: "error",
    problem: { kind: "held", status: 409, detail: "Held.", retryAfterMs: 3000, fault: null, codec: null, why: null, holderName: "Budi", pending: null },
  });
});

it.each([
  [502, "<html>", "unknown"],
  [401, "", "not-signed-in"],
  [503, "[]", "overloaded"],
  [500, '{"type":"urn:camctl:problem:brand-new"}', "unknown"],
  [406, '{"type":"about:blank"}', "codec"],
])("understands %i with the body %s as %s", async (status, body, kind) => {
  answer(body, { status });
  expect(await callJson("/x", {}, readName)).toMatchObject({ kind: "error", problem: { kind, status } });
});

it.each(["<html>", '{"name":3}', "null"])("calls the 200 answer %s garbled", async (body) => {
  answer(body);
  expect(await callJson("/x", {}, readName)).toMatchObject({ kind: "error", problem: { kind: "garbled" } });
});

it("tells a lost network from a wilful end", async () => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("failed to fetch"))));
  expect(await callJson("/x", {}, readName)).toMatchObject({ kind: "error", problem: { kind: "network", status: 0 } });
  const abort = new AbortController();
  abort.abort();
  expect(await callJson("/x", { signal: abort.signal }, readName)).toEqual({ kind: "aborted" });
});

it("gives up after its time limit", async () => {
  const never = (_path: string, init: RequestInit): Promise<Response> =>
    new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new DOMException("late", "TimeoutError"))));
  vi.stubGlobal("fetch", never);
  expect(await callJson("/x", { timeoutMs: 20 }, readName)).toMatchObject({ kind: "error", problem: { kind: "timeout" } });
});

it("sends cookies to its own service only and never follows a redirect", async () => {
  answer('{"name":"x"}');
  await callJson("/x", { method: "POST", json: { a: 1 } }, readName);
  const init = vi.mocked(fetch).mock.calls[0]?.[1];
  expect(init).toMatchObject({ credentials: "same-origin", redirect: "error", cache: "no-store", body: '{"a":1}' });
});
