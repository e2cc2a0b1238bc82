import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { QualityWish, VideoView } from "../../api/video";
import { Backoff, RECONNECT } from "../backoff";
import type { WhepState } from "../whep/states";
import type { FeedPlayer } from "./feed-player";
import type { Step } from "./live-edge";
import { MseDriver } from "./mse-driver";
import type { PictureSource } from "./source";

class FakeSocket {
  static all: FakeSocket[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = 1;
  binaryType = "blob";
  closed = false;
  sent: Record<string, unknown>[] = [];

  constructor(readonly address: string) {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  says(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

class FakePlayer {
  static all: FakePlayer[] = [];
  frames = 0;
  pieces = 0;
  closed: boolean | null = null;
  step: Step = { seekTo: null, rate: 1, behindS: 0.2, isHole: false };

  constructor(
    readonly type: string,
    readonly onBroken: () => void,
  ) {
    FakePlayer.all.push(this);
  }

  attach(): void {
    // The element is not looked at here.
  }

  append(): void {
    this.pieces += 1;
  }

  keepLive(): Step {
    const { step } = this;
    this.step = { ...step, isHole: false };
    return step;
  }

  close(isBlank = false): void {
    this.closed = isBlank;
  }
}

let states: WhepState[];
let sources: (PictureSource | null)[];
let delays: (number | null)[];
let canPlay: boolean;
let driver: MseDriver;

function socket(): FakeSocket {
  const newest = FakeSocket.all.at(-1);
  if (newest === undefined) throw new Error("no socket was opened");
  return newest;
}

function player(): FakePlayer {
  const newest = FakePlayer.all.at(-1);
  if (newest === undefined) throw new Error("no player was made");
  return newest;
}

async function flow(ms: number): Promise<void> {
  for (let now = 0; now < ms; now += 200) {
    player().frames += 5;
    await vi.advanceTimersByTimeAsync(200);
  }
}

function begin(): void {
  driver.start();
  socket().says({ type: "init", codecs: "avc1.42C01F" });
  socket().onmessage?.({ data: new ArrayBuffer(8) });
}

let wish: QualityWish;
let views: (VideoView | null)[];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  FakePlayer.all = [];
  states = [];
  sources = [];
  delays = [];
  canPlay = true;
  wish = "auto";
  views = [];
  driver = new MseDriver(
    {
      wish: () => wish,
      address: (quality) => `/feed?quality=${quality}`,
      openSocket: (address) => new FakeSocket(address) as unknown as WebSocket,
      makePlayer: (type, onBroken) => (canPlay ? (new FakePlayer(type, onBroken) as unknown as FeedPlayer) : null),
      isShown: () => true,
    },
    { onState: (state) => states.push(state), onSource: (source) => sources.push(source), onDelay: (delay) => delays.push(delay), onView: (view) => views.push(view) },
    new Backoff(RECONNECT, () => 0.5),
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

describe("main or sub", () => {
  it("is the person's choice, at once and from then on", () => {
    begin();
    expect(views.at(-1)).toEqual({ quality: "main", why: "good" });
    wish = "sub";
    driver.ask();
    expect(FakeSocket.all.map((each) => each.address)).toEqual(["/feed?quality=main", "/feed?quality=sub"]);
    socket().says({ type: "init", codecs: "avc1.42C01F" });
    expect(views.at(-1)).toEqual({ quality: "sub", why: "pinned" });
    driver.ask();
    expect(FakeSocket.all).toHaveLength(2);
    driver.close();
    expect(views.at(-1)).toBeNull();
    driver.start();
    expect(socket().address).toBe("/feed?quality=sub");
    wish = "auto";
    driver.ask();
    expect(socket().address).toBe("/feed?quality=main");
  });
});

describe("joining", () => {
  it("plays what it is sent, and is live with the first frame", async () => {
    begin();
    expect(player().type).toBe('video/mp4; codecs="avc1.42C01F"');
    expect(player().pieces).toBe(1);
    expect(sources.at(-1)?.kind).toBe("media");
    await flow(400);
    expect(states.map((state) => state.name)).toEqual(["connecting", "live"]);
  });

  it("measures the delay: what is buffered, and what the way takes", async () => {
    begin();
    await flow(2_000);
    expect(delays.at(-1)).toBe(200);
    await vi.advanceTimersByTimeAsync(50);
    socket().says({ type: "pong", seq: socket().sent.at(-1)?.["seq"], waiting_ms: 100 });
    await flow(1_000);
    expect(delays.at(-1)).toBeGreaterThan(300);
  });

  it("gives up at once where the browser cannot play it", () => {
    canPlay = false;
    begin();
    expect(states.at(-1)).toEqual({ name: "failed", fault: { kind: "unsupported" } });
    expect(socket().closed).toBe(true);
  });

  it("ends socket, player and timers when closed", async () => {
    begin();
    await flow(400);
    driver.close();
    expect([socket().closed, player().closed]).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
    expect(driver.state.name).toBe("idle");
  });
});

describe("a picture that goes away", () => {
  it("is fetched again, later each time", async () => {
    begin();
    await flow(400);
    socket().onclose?.({ code: 1006 });
    expect(states.at(-1)).toMatchObject({ name: "retrying", fault: { kind: "lost" }, waitMs: 500 });
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeSocket.all).toHaveLength(2);
    socket().onclose?.({ code: 1006 });
    expect(states.at(-1)).toMatchObject({ waitMs: 1_000 });
  });

  it("is said in the service's words, and waited for as it asks", () => {
    begin();
    socket().says({ type: "closing", reason: "x", problem: { type: "urn:camctl:problem:not-live", status: 409, retry_after_ms: 5_000 } });
    socket().onclose?.({ code: 4409 });
    expect(states.at(-1)).toMatchObject({ name: "retrying", waitMs: 5_000, fault: { kind: "refused", problem: { kind: "not-live" } } });
  });

  it.each([
    [4401, "not-signed-in"],
    [4404, "not-found"],
  ])("is not asked for again after %d", (code, kind) => {
    begin();
    socket().onclose?.({ code });
    expect(states.at(-1)).toMatchObject({ name: "failed", fault: { problem: { kind } } });
  });

  it("is noticed when it stands still, never came, or cannot be played", async () => {
    begin();
    await flow(400);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(states.find((state) => state.name === "retrying")).toMatchObject({ fault: { kind: "stalled" } });
    await vi.advanceTimersByTimeAsync(14_000);
    expect(states.filter((state) => state.name === "retrying").at(-1)).toMatchObject({ fault: { kind: "no-picture" } });
    driver.nudge();
    socket().says({ type: "init", codecs: "avc1.42C01F" });
    player().onBroken();
    expect(states.at(-1)).toMatchObject({ name: "retrying", fault: { kind: "decode" } });
    driver.nudge();
    socket().onmessage?.({ data: "nonsense" });
    expect(states.at(-1)).toMatchObject({ fault: { problem: { kind: "garbled" } } });
  });
});

it("begins anew with another format", async () => {
  begin();
  await flow(400);
  const first = player();
  socket().says({ type: "init", codecs: "avc1.64001F" });
  expect(first.closed).toBe(false);
  first.onBroken(); // too late
  await flow(400);
  expect(driver.state.name).toBe("live");
});

it("leaves nothing of a withheld picture, and keeps the socket", async () => {
  begin();
  await flow(400);
  driver.withhold(true);
  socket().says({ type: "hidden", reason: "sector" });
  expect(player().closed).toBe(true);
  expect(sources.at(-1)).toBeNull();
  expect(driver.state.name).toBe("connecting");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  driver.withhold(false);
  socket().says({ type: "hidden", reason: null });
  socket().says({ type: "init", codecs: "avc1.42C01F" });
  await flow(400);
  expect(driver.state.name).toBe("live");
});

it("asks for the small picture when the link is too slow for the large one", async () => {
  begin();
  await flow(400);
  for (let slip = 0; slip < 2; slip += 1) {
    expect(socket().address).toBe("/feed?quality=main");
    player().step = { ...player().step, isHole: true };
    await flow(400);
  }
  expect(FakeSocket.all.map((item) => item.address)).toEqual(["/feed?quality=main", "/feed?quality=sub"]);
  expect(states.some((state) => state.name === "retrying")).toBe(false);
});
