import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chooseLanguage, words } from "../i18n/locale";
import { LiveSession } from "./live";
import { clearNotice, notice } from "./notices";
import { session } from "./session";

const RIGHT = { pan: 1, tilt: 0, zoom: 0 };

/** As much of a WebSocket as a live session uses; the newest one is `FakeSocket.last`. */
class FakeSocket {
  static last: FakeSocket | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  bufferedAmount = 0;
  sent: Record<string, unknown>[] = [];

  constructor(readonly address: string) {
    FakeSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.onclose = null;
  }
}

let asked: string[];
let cameraAnswer: () => Response;
let live: LiveSession;

const CAMERA = {
  id: "c1",
  name: "Monas",
  area: { code: "31", name: "Gambir" },
  steerable: true,
  abilities: { pan_tilt: true },
  may: { live: true, control: true },
};

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

function socket(): FakeSocket {
  if (FakeSocket.last === null) throw new Error("no socket was opened");
  return FakeSocket.last;
}

function said(): unknown[] {
  return socket().sent.map((message) => message["type"]).filter((type) => type !== "ping");
}

function state(more: Record<string, unknown>): void {
  socket().onmessage?.({ data: JSON.stringify({ type: "state", holder: null, may_control: true, camera: { state: "live" }, ...more }) });
}

async function begin(): Promise<void> {
  live.start();
  socket().onopen?.();
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  chooseLanguage("id");
  clearNotice();
  asked = [];
  FakeSocket.last = null;
  session.value = { name: "in", person: { username: "lurah", displayName: "Siti", role: "official" } };
  cameraAnswer = () => json(CAMERA);
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCPeerConnection", undefined);
  Reflect.deleteProperty(globalThis, "RTCPeerConnection");
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push(`${init.method ?? "GET"} ${path}`);
    return Promise.resolve(path.endsWith("/cameras/c1") ? cameraAnswer() : json({}));
  });
  live = new LiveSession("c1");
});

afterEach(() => {
  live.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("steering", () => {
  it("may begin only when the camera allows it and the controls are connected", async () => {
    expect(live.mayPress()).toBe(false);
    await begin();
    expect(live.mayPress()).toBe(true);
    socket().onclose?.({ code: 1006 });
    expect(live.mayPress()).toBe(false);
    expect(notice.value?.text).toBe(words.value.controlLost);
  });

  it("goes from the finger to the socket and back", async () => {
    await begin();
    live.hold("pad", RIGHT);
    live.release("pad");
    expect(said()).toEqual(["move", "stop"]);
    expect(live.steering.value).toBe("idle");
  });

  it("ends when somebody else takes the camera, without a Stop that is not ours", async () => {
    await begin();
    live.hold("pad", RIGHT);
    state({ holder: { name: "Budi", you: false, expires_in_ms: 9000 } });
    expect(live.steering.value).toBe("spent");
    expect(said()).toEqual(["move"]);
  });

  it("says who holds the camera when a move is refused", async () => {
    await begin();
    live.hold("pad", RIGHT);
    socket().onmessage?.({ data: '{"type":"error","seq":2,"code":"held","detail":"","holder":{"name":"Budi"}}' });
    expect(notice.value).toEqual({ text: words.value.problemHeld("Budi"), tone: "warn" });
    expect(live.steering.value).toBe("spent");
  });

  it("goes on over a move that was too often or too late", async () => {
    await begin();
    live.hold("pad", RIGHT);
    socket().onmessage?.({ data: '{"type":"error","seq":2,"code":"rate-limited","detail":""}' });
    socket().onmessage?.({ data: '{"type":"error","seq":2,"code":"stale","detail":""}' });
    expect(live.steering.value).toBe("moving");
    expect(notice.value).toBeNull();
  });

  it("stops by HTTP when the socket dies under the finger", async () => {
    await begin();
    live.hold("pad", RIGHT);
    socket().onclose?.({ code: 1006 });
    expect(live.steering.value).toBe("spent");
    expect(asked).toContain("POST /api/v1/cameras/c1/ptz/stop");
  });

  it.each(["blur", "pagehide", "offline"])("stops on %s", async (name) => {
    await begin();
    live.hold("pad", RIGHT);
    const before = socket();
    dispatchEvent(new Event(name));
    expect(before.sent.map((message) => message["type"])).toContain("stop");
    expect(live.steering.value).toBe("spent");
  });

  it("stops before it goes to a preset, and when the screen is left", async () => {
    await begin();
    live.hold("pad", RIGHT);
    live.goTo("2", "Halte");
    expect(said()).toEqual(["move", "stop", "goto"]);
    live.release("pad");
    live.hold("pad", RIGHT);
    live.close();
    expect(said().at(-1)).toBe("stop");
  });
});

describe("what the service says", () => {
  it("counts the lease from when it was told", async () => {
    await begin();
    state({ holder: { name: "Siti", you: true, expires_in_ms: 9000 } });
    expect(live.leaseEndsAt.value).toBe(performance.now() + 9000);
    state({});
    expect(live.leaseEndsAt.value).toBeNull();
  });

  it("signs out when the socket is closed for it", async () => {
    await begin();
    socket().onclose?.({ code: 4401 });
    expect(session.value).toEqual({ name: "out", lapsed: true });
  });

  it("asks no more about a camera that is not there", async () => {
    cameraAnswer = () => json({ type: "urn:camctl:problem:not-found" }, 404);
    await begin();
    expect(live.problem.value?.kind).toBe("not-found");
    expect(live.link.value.name).toBe("idle");
    const count = asked.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toHaveLength(count);
  });

  it("asks again for a camera while the service is disturbed", async () => {
    cameraAnswer = () => json({}, 503);
    await begin();
    expect(live.problem.value?.kind).toBe("overloaded");
    cameraAnswer = () => json(CAMERA);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(live.camera.value?.name).toBe("Monas");
    expect(live.problem.value).toBeNull();
  });
});
