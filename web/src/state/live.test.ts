import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chooseLanguage, words } from "../i18n/locale";
import { LiveSession } from "./live";
import { CAMERA, FakeSocket, json } from "./live-kit";
import { clearNotice, notice } from "./notices";
import { session } from "./session";

const RIGHT = { pan: 1, tilt: 0, zoom: 0 };

let asked: string[];
let cameraAnswer: () => Response;
let openingsAnswer: () => Response;
let reasonsAnswer: () => Promise<Response>;
let live: LiveSession;

const OPENING = {
  id: "o1",
  camera_id: "c1",
  opened_by: { username: "lurah" },
  category: "flood",
  incident: "1",
  reason: "x",
  state: "unreviewed",
  opened_at: "2026-03-01T12:00:00Z",
  review_by: "2026-03-08T12:00:00Z",
};

const REASONS = "/api/v1/cameras/c1/permissions";
const DENIED = { items: { live: { allowed: true, why: "allowed" }, control: { allowed: false, why: "denied" } } };

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
  openingsAnswer = () => json({ items: [], next: null });
  reasonsAnswer = () => Promise.resolve(json(DENIED));
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCPeerConnection", undefined);
  Reflect.deleteProperty(globalThis, "RTCPeerConnection");
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push(`${init.method ?? "GET"} ${path}`);
    if (path.startsWith("/api/v1/emergencies?")) return Promise.resolve(openingsAnswer());
    if (path === REASONS) return reasonsAnswer();
    return Promise.resolve(path.endsWith("/cameras/c1") ? cameraAnswer() : json({}));
  });
  live = new LiveSession("c1");
});

afterEach(() => {
  live.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a camera that one may know of, but not watch", () => {
  it("is asked for nothing, and is watched as soon as that is allowed", async () => {
    cameraAnswer = () => json({ ...CAMERA, may: { ...CAMERA.may, live: false, control: false } });
    await begin();
    expect(live.isForbidden.value).toBe(true);
    expect(live.picture.value.name).toBe("idle");
    expect(live.link.value.name).toBe("idle");
    const before = FakeSocket.last;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.last).toBe(before);
    expect(live.picture.value.name).toBe("idle");
    cameraAnswer = () => json(CAMERA);
    live.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(live.isForbidden.value).toBe(false);
    expect(FakeSocket.last).not.toBe(before);
    expect(live.picture.value.name).not.toBe("idle");
  });
});

describe("the right to steer", () => {
  it("takes the controls with it and leaves the reason, and comes back with them", async () => {
    const askedWhy = (): number => asked.filter((path) => path === `GET ${REASONS}`).length;
    await begin();
    state({});
    cameraAnswer = () => json({ ...CAMERA, may: { live: true, control: false } });
    state({ may_control: false });
    state({ may_control: false });
    await vi.advanceTimersByTimeAsync(0);
    expect([live.maySteer.value, live.whyNot.reasons.value.control, askedWhy()]).toEqual([false, "denied", 1]);
    cameraAnswer = () => json(CAMERA);
    state({});
    await vi.advanceTimersByTimeAsync(0);
    expect([live.maySteer.value, live.whyNot.reasons.value.control, askedWhy()]).toEqual([true, null, 1]);
  });

  it("leaves its reason also when that is heard only after the network was away", async () => {
    cameraAnswer = () => json({ ...CAMERA, may: { live: true, control: false } });
    reasonsAnswer = () => Promise.reject(new TypeError("failed to fetch"));
    await begin();
    expect([live.problem.value, live.whyNot.reasons.value.control]).toEqual([null, null]);
    reasonsAnswer = () => Promise.resolve(json(DENIED));
    live.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(live.whyNot.reasons.value.control).toBe("denied");
  });
});

describe("a camera that is open for an emergency", () => {
  const SHUT = { ...CAMERA, may: { live: false, control: false }, emergency: { may_open: true, open_until: null } };
  const until = (ms: number): object => ({ ...CAMERA, emergency: { may_open: true, open_until: new Date(Date.now() + ms).toISOString() } });

  it("is shut within one answer when the service says so, and the page says why", async () => {
    cameraAnswer = () => json(until(900_000));
    await begin();
    expect(live.picture.value.name).not.toBe("idle");
    cameraAnswer = () => json(SHUT);
    openingsAnswer = () => json({ items: [{ ...OPENING, closed_by: "tono", over_at: new Date(Date.now() - 1).toISOString() }], next: null });
    socket().onclose?.({ code: 4404 });
    await vi.advanceTimersByTimeAsync(0);
    expect(live.isForbidden.value).toBe(true);
    expect(live.picture.value.name).toBe("idle");
    expect(live.emergency.ended.value).toEqual({ kind: "closed", by: "tono" });
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked.length).toBe(before); // nothing is tried again
  });

  it("is looked at when its time is over, and not before", async () => {
    cameraAnswer = () => json(until(60_000));
    await begin();
    const looked = (): number => asked.filter((path) => path === "GET /api/v1/cameras/c1").length;
    await vi.advanceTimersByTimeAsync(59_900);
    expect(looked()).toBe(1);
    cameraAnswer = () => json(SHUT);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(looked()).toBe(2);
    expect(live.emergency.ended.value).toEqual({ kind: "unknown" });
    cameraAnswer = () => json(until(60_000));
    live.lookAgain();
    await vi.advanceTimersByTimeAsync(0);
    expect(live.emergency.ended.value).toBeNull();
    expect(live.picture.value.name).not.toBe("idle");
  });

  it("says nothing of an end where there was no opening", async () => {
    cameraAnswer = () => json(SHUT);
    await begin();
    expect(live.isForbidden.value).toBe(true);
    expect(live.emergency.ended.value).toBeNull();
  });
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

  it("begins on a patrol's camera without a question, and goes on while the patrol is still named", async () => {
    await begin();
    state({ holder: { name: "Pagi", kind: "patrol", you: false }, may_take: true });
    live.hold("pad", RIGHT);
    state({ holder: { name: "Pagi", kind: "patrol", you: false }, may_take: true, moving: true });
    expect(live.steering.value).toBe("moving");
    state({ holder: { name: "Siti", you: true, expires_in_ms: 9000 }, fence: 4 });
    expect(live.steering.value).toBe("moving");
    expect(notice.value).toBeNull();
  });

  it("ends when the lease it began in has gone, with words, and a new press may follow", async () => {
    await begin();
    live.hold("pad", RIGHT);
    socket().onmessage?.({ data: '{"type":"error","seq":2,"code":"fenced","detail":""}' });
    expect(live.steering.value).toBe("spent");
    expect(notice.value?.text).toBe(words.value.problemFenced);
    live.release("pad");
    live.hold("pad", RIGHT);
    expect(live.steering.value).toBe("moving");
  });

  it("goes on when only a wish is refused", async () => {
    await begin();
    live.hold("pad", RIGHT);
    live.ask({ type: "reserve", reason: "parade", limit_s: 900 });
    socket().onmessage?.({ data: '{"type":"error","seq":3,"code":"not-holder","detail":""}' });
    expect(live.steering.value).toBe("moving");
    expect(notice.value?.text).toBe(words.value.problemNotHolder);
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
    await vi.advanceTimersByTimeAsync(500);
    expect(said()).toEqual(["move", "stop", "goto"]); // no second Stop, which would end the journey
    live.release("pad");
    live.hold("pad", RIGHT);
    live.close();
    expect(said().at(-1)).toBe("stop");
  });
});

describe("the queue", () => {
  const waiter = { ticket: 3, name: "Budi", role: "operator", you: false, reason: "banjir", waiting_ms: 0 };
  const mine = { holder: { name: "Siti", you: true, expires_in_ms: 9000 } };
  const his = { holder: { name: "Budi", you: false, reason: "kebakaran", expires_in_ms: 9000 } };

  it("shakes the holder's phone once for each who asks, and hands over with one tap", async () => {
    const shaken: unknown[] = [];
    Object.assign(navigator, { vibrate: (pattern: unknown) => shaken.push(pattern), userActivation: { hasBeenActive: true } });
    await begin();
    state(mine);
    state({ ...mine, queue: [waiter] });
    state({ ...mine, queue: [waiter] });
    expect(shaken).toHaveLength(1);
    expect(live.control.value?.queue[0]).toMatchObject({ name: "Budi", reason: "banjir" });
    live.ask({ type: "hand_over", ticket: 3 });
    expect(socket().sent.at(-1)).toMatchObject({ type: "hand_over", ticket: 3 });
  });

  it("says when one's turn has come", async () => {
    await begin();
    state({ ...his, queue: [{ ...waiter, name: "Siti", you: true }] });
    state(mine);
    expect(notice.value).toEqual({ text: words.value.granted, tone: "calm" });
  });

  it("says who took control and why, also when a reservation was broken", async () => {
    await begin();
    state(mine);
    state(his);
    expect(notice.value?.text).toBe(words.value.lostToBecause("Budi", "kebakaran"));
    state({ holder: { ...mine.holder, reserved: true } });
    state(his);
    expect(notice.value?.text).toBe(words.value.reservationBrokenBecause("Budi", "kebakaran"));
  });

  it("lets no late refusal of the press hide who took control", async () => {
    await begin();
    state({ ...mine, fence: 4 });
    live.hold("pad", RIGHT);
    state(his);
    socket().onmessage?.({ data: '{"type":"error","seq":2,"code":"fenced","detail":""}' });
    expect(live.steering.value).toBe("spent");
    expect(notice.value?.text).toBe(words.value.lostToBecause("Budi", "kebakaran"));
  });

  it("says so when a wish cannot be sent", async () => {
    await begin();
    socket().onclose?.({ code: 1006 });
    expect(live.ask({ type: "request" })).toBe(false);
    expect(notice.value?.text).toBe(words.value.controlLost);
  });
});

describe("what the service says", () => {
  it("keeps the card over a withheld picture while the controls are lost", async () => {
    await begin();
    state({ hidden: "sector" });
    expect(live.hidden.value).toBe("sector");
    socket().onclose?.({ code: 1006 });
    expect(live.hidden.value).toBe("sector");
    await vi.advanceTimersByTimeAsync(1_000);
    socket().onopen?.();
    state({});
    expect(live.hidden.value).toBeNull();
  });

  it("looks again what a camera can do that came to life", async () => {
    cameraAnswer = () => json({ ...CAMERA, steerable: false });
    await begin();
    state({ camera: { state: "connecting" } });
    expect(live.maySteer.value).toBe(false);
    cameraAnswer = () => json(CAMERA);
    state({});
    await vi.advanceTimersByTimeAsync(0);
    expect(live.maySteer.value).toBe(true);
  });


  it("counts the lease from when it was told", async () => {
    await begin();
    state({ holder: { name: "Siti", you: true, expires_in_ms: 9000 } });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(live.control.value?.holder?.expiresInMs).toBe(9000);
    expect(live.toldAt.value).toBe(performance.now() - 2_000);
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
