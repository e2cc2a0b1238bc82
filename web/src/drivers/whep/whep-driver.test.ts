import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WhepAnswer } from "../../api/calls";
import { localProblem, problemOf } from "../../api/problem";
import { failure, success, type Result } from "../../api/result";
import { Backoff, RECONNECT } from "../backoff";
import type { WhepState } from "./states";
import { ANSWER, FakePeer, flow, newest, pass } from "./whep-kit";
import { WhepDriver } from "./whep-driver";

/** As much of the session's data channel as the driver uses. */
class FakeChannel {
  readyState: RTCDataChannelState = "connecting";
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;

  open(): void {
    this.readyState = "open";
    this.onopen?.();
  }
}

let channel: FakeChannel | null;
let channels: (string | null)[];
let answers: Result<WhepAnswer>[];
let offers: string[];
let ended: string[];
let states: WhepState[];
let sounds: (MediaStream | null)[];
let streams: unknown[];
let delays: (number | null)[];
let driver: WhepDriver;
let hold: Promise<void> | null;
let hasWebRtc: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  FakePeer.all = [];
  FakePeer.areReachable = true;
  channel = null;
  channels = [];
  answers = [];
  offers = [];
  ended = [];
  states = [];
  sounds = [];
  streams = [];
  delays = [];
  hold = null;
  hasWebRtc = true;
  driver = new WhepDriver(
    {
      offer: async (sdp) => {
        offers.push(sdp);
        if (hold !== null) await hold;
        return answers.shift() ?? ANSWER;
      },
      restart: () => Promise.resolve(failure(localProblem("network"))),
      end: (session) => ended.push(session),
      show: () => Promise.resolve(failure(localProblem("network"))),
      ask: () => Promise.resolve(failure(localProblem("network"))),
      makePeer: () => (hasWebRtc ? { connection: new FakePeer() as unknown as RTCPeerConnection, control: channel as unknown as RTCDataChannel | null, hold: () => undefined } : null),
      isShown: () => true,
    },
    { onState: (state) => states.push(state), onStream: (stream) => streams.push(stream), onSound: (stream) => sounds.push(stream), onDelay: (delay) => delays.push(delay), onView: () => undefined, onChannel: (open) => channels.push(open?.video ?? null) },
    new Backoff(RECONNECT, () => 0.5),
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

describe("joining", () => {
  it("posts the offer at once and is live with the first frame", async () => {
    driver.start();
    await pass(0);
    expect(offers).toEqual(["offer"]);
    expect(newest().remote).toEqual({ type: "answer", sdp: "answer" });
    expect(streams).toEqual(["stream"]);
    expect(driver.state.name).toBe("connecting");
    newest().frames = 1;
    await pass(100);
    expect(states.map((state) => state.name)).toEqual(["connecting", "live"]);
  });

  it("gives out sound as such, and takes its end for no fault of the picture", async () => {
    driver.start();
    await flow(400);
    const track = { kind: "audio", onended: null };
    newest().ontrack?.({ streams: ["sound"], track });
    expect([streams, sounds]).toEqual([["stream"], ["sound"]]);
    expect(track.onended).toBeNull();
    driver.close();
    expect(sounds.at(-1)).toBeNull();
  });

  it("measures the delay of the picture while it is live", async () => {
    driver.start();
    await flow(4_000);
    expect(delays.length).toBeGreaterThan(1);
    expect(delays.at(-1)).toBe(50);
  });

  it("ends the session on the service when closed, and only once", async () => {
    driver.start();
    await flow(400);
    driver.close();
    driver.close();
    expect(ended).toEqual(["/whep/1"]);
    expect(newest().closed).toBe(true);
    expect(streams.at(-1)).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends a session that was granted after it was closed", async () => {
    let go = (): void => undefined;
    hold = new Promise((resolve) => (go = resolve));
    driver.start();
    await pass(0);
    driver.close();
    expect(ended).toEqual([]);
    go();
    await pass(0);
    expect(ended).toEqual(["/whep/1"]);
    expect(driver.state.name).toBe("idle");
  });
});

it("does not wait long in a network that lets no video through", async () => {
  FakePeer.areReachable = false;
  driver.start();
  await pass(5_900);
  expect(driver.state.name).toBe("connecting");
  await pass(200);
  expect(states.at(-1)).toMatchObject({ name: "retrying", fault: { kind: "ice" } });
  FakePeer.areReachable = true;
  await pass(1_000);
  await flow(400);
  expect(driver.state.name).toBe("live");
  await flow(7_000);
  expect(driver.state.name).toBe("live");
});

describe("the channel for commands", () => {
  beforeEach(() => {
    channel = new FakeChannel();
  });

  it("is offered with the session's id once it is open", async () => {
    answers = [success<WhepAnswer>({ sdp: "answer", session: "/api/v1/cameras/c1/whep/s%2042", links: null })];
    driver.start();
    await pass(0);
    expect(channels).toEqual([]);
    channel?.open();
    expect(channels).toEqual(["s 42"]);
  });

  it("is gone when it closes, and when its session ends", async () => {
    driver.start();
    await pass(0);
    channel?.open();
    channel?.onclose?.();
    expect(channels).toEqual(["1", null]);
    driver.close();
    expect(channels.at(-1)).toBeNull();
  });

  it("comes back with the next session", async () => {
    driver.start();
    await pass(0);
    channel?.open();
    const first = channel;
    channel = new FakeChannel();
    newest().become("failed");
    expect(channels).toEqual(["1", null]);
    await pass(500);
    first?.open(); // too late: its session is over
    channel.open();
    expect(channels).toEqual(["1", null, "1"]);
  });
});

describe("a service without a place for this viewer", () => {
  it.each(["no-place", "gave-way"])("is asked again when it said (%s), and not before", async (kind) => {
    answers = [failure(problemOf(503, "10", { type: `urn:camctl:problem:${kind}` }))];
    driver.start();
    await pass(9_900);
    expect(driver.state).toMatchObject({ name: "retrying", fault: { kind: "refused", problem: { kind } } });
    expect(offers).toHaveLength(1);
    await pass(200);
    expect(offers).toHaveLength(2);
  });
});

describe("a withheld picture", () => {
  it("keeps its session without any frame, and is live again with the first new one", async () => {
    driver.start();
    await flow(1_000);
    driver.withhold(true);
    expect(driver.state.name).toBe("connecting");
    await pass(60_000);
    expect(offers).toHaveLength(1);
    driver.withhold(false);
    await pass(3_000);
    expect(driver.state.name).toBe("connecting"); // what stands on the screen is from before
    newest().frames += 1;
    await pass(100);
    expect(driver.state.name).toBe("live");
    expect(offers).toHaveLength(1);
  });

  it("that does not come back counts as none", async () => {
    driver.start();
    await flow(1_000);
    driver.withhold(true);
    await pass(5_000);
    driver.withhold(false);
    await pass(12_500);
    expect(states.find((state) => state.name === "retrying")).toMatchObject({ fault: { kind: "no-picture" } });
  });

  it("is not asked for again and again, and at once when it may be seen again", async () => {
    answers = Array.from({ length: 9 }, () => failure(problemOf(409, null, { type: "urn:camctl:problem:hidden" })));
    driver.withhold(true);
    driver.start();
    await pass(29_000);
    expect(offers).toHaveLength(2);
    answers = [];
    driver.withhold(false);
    await pass(0);
    expect(offers).toHaveLength(3);
    expect(newest().remote).not.toBeNull();
  });
});

describe("a session that the service has lost", () => {
  it("is followed by another almost at once, without asking the service to end it", async () => {
    driver.start();
    await flow(11_000);
    driver.sessionEnded("1");
    expect(driver.state).toMatchObject({ name: "retrying", fault: { kind: "ended" }, waitMs: 100 });
    await pass(100);
    expect(offers).toHaveLength(2);
    expect(ended).toEqual([]);
  });

  it("is not followed as quickly when the next one is lost too", async () => {
    driver.start();
    await flow(1_000);
    driver.sessionEnded("1");
    await pass(100);
    await flow(1_000);
    driver.sessionEnded("1");
    expect(driver.state).toMatchObject({ name: "retrying", waitMs: 1000 });
  });

  it("is none of ours when it is another one, or when there is none", async () => {
    driver.sessionEnded("1");
    driver.start();
    await flow(1_000);
    driver.sessionEnded("2");
    expect(driver.state.name).toBe("live");
    driver.withhold(true);
    driver.sessionEnded("1");
    expect(driver.state).toMatchObject({ name: "retrying", waitMs: 15_000 });
  });
});

describe("what another try may mend", () => {
  it("waits as long as the service asks", async () => {
    answers = [failure(problemOf(409, "5", { type: "urn:camctl:problem:not-live", fault: "unreachable" }))];
    driver.start();
    await pass(0);
    expect(driver.state).toMatchObject({ name: "retrying", waitMs: 5000, attempt: 1 });
    await pass(4_999);
    expect(offers).toHaveLength(1);
    await pass(1);
    expect(offers).toHaveLength(2);
  });

  it("waits longer from try to try, and tries at once when nudged", async () => {
    answers = [failure(localProblem("network")), failure(localProblem("network")), failure(localProblem("network"))];
    driver.start();
    await pass(500);
    expect(offers).toHaveLength(2);
    await pass(999);
    expect(offers).toHaveLength(2);
    driver.nudge();
    await pass(0);
    expect(offers).toHaveLength(3);
  });

  it.each([
    ["a failed path", (peer: FakePeer) => peer.become("failed"), "ice"],
    ["an ended track", (peer: FakePeer) => peer.track.onended?.(), "ended"],
  ] as const)("comes back after %s", async (_name, hurt, kind) => {
    driver.start();
    await flow(400);
    hurt(newest());
    expect(driver.state).toMatchObject({ name: "retrying", fault: { kind } });
    expect(ended).toEqual(["/whep/1"]);
    await pass(500);
    expect(FakePeer.all).toHaveLength(2);
    await flow(400);
    expect(driver.state.name).toBe("live");
  });

  it("gives a disturbed path four seconds to mend", async () => {
    driver.start();
    await flow(400);
    newest().become("disconnected");
    await flow(2_000);
    newest().become("connected");
    await flow(4_000);
    expect(driver.state.name).toBe("live");
    newest().become("disconnected");
    await flow(4_200);
    expect(states.some((state) => state.name === "retrying")).toBe(true);
  });

  it("notices a picture that froze, and one that never came", async () => {
    driver.start();
    await flow(1_000);
    await pass(5_200);
    expect(states.find((state) => state.name === "retrying")).toMatchObject({ fault: { kind: "stalled" } });
    states = [];
    await pass(14_000);
    expect(states.find((state) => state.name === "retrying")).toMatchObject({ fault: { kind: "no-picture" } });
  });

  it("survives an answer that the browser refuses", async () => {
    driver.start();
    newest().refusesAnswer = true;
    await pass(0);
    expect(driver.state).toMatchObject({ name: "retrying", fault: { kind: "answer" } });
    expect(ended).toEqual(["/whep/1"]);
  });

  it("does not hammer a picture that comes and goes", async () => {
    driver.start();
    await flow(400);
    newest().become("failed");
    await pass(500);
    await flow(400);
    newest().become("failed");
    expect(driver.state).toMatchObject({ name: "retrying", waitMs: 1000 });
    await pass(1_000);
    await flow(11_000); // proved
    newest().become("failed");
    expect(driver.state).toMatchObject({ name: "retrying", waitMs: 500 });
  });
});

describe("what no try mends", () => {
  it("fails in a browser without WebRTC", () => {
    hasWebRtc = false;
    driver.start();
    expect(driver.state).toEqual({ name: "failed", fault: { kind: "unsupported" } });
  });

  it.each([
    [406, { type: "urn:camctl:problem:codec", codec: "H.265" }],
    [404, null],
    [401, null],
    [403, null],
  ])("fails on %i and stays so until asked", async (status, body) => {
    answers = [failure(problemOf(status, null, body))];
    driver.start();
    await pass(60_000);
    expect(driver.state.name).toBe("failed");
    expect(offers).toHaveLength(1);
    driver.nudge();
    await pass(0);
    expect(offers).toHaveLength(2);
  });
});
