import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { localProblem } from "../../api/problem";
import { failure, success, type Result } from "../../api/result";
import type { VideoView } from "../../api/video";
import { ANSWER, FakePeer, flow, newest, pass } from "./whep-kit";
import { WhepDriver } from "./whep-driver";

let views: (VideoView | null)[];
let holds: number[];
let looked: string[];
let driver: WhepDriver;

function shows(session: string): Promise<Result<VideoView>> {
  looked.push(session);
  return Promise.resolve(success({ quality: newest().heightPx > 400 ? "main" : "sub", why: "link" }));
}

beforeEach(() => {
  vi.useFakeTimers();
  FakePeer.all = [];
  FakePeer.areReachable = true;
  views = [];
  holds = [];
  looked = [];
  driver = new WhepDriver(
    {
      offer: () => Promise.resolve(ANSWER),
      restart: () => Promise.resolve(failure(localProblem("network"))),
      end: () => undefined,
      show: shows,
      ask: (session) => shows(`${session}/quality`),
      makePeer: () => ({ connection: new FakePeer() as unknown as RTCPeerConnection, control: null, hold: (ms) => holds.push(ms) }),
      isShown: () => true,
    },
    { onState: () => undefined, onStream: () => undefined, onSound: () => undefined, onDelay: () => undefined, onView: (view) => views.push(view), onChannel: () => undefined },
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

describe("main or sub", () => {
  it("is asked of the service when the picture's size is another one, and when the person wants another", async () => {
    driver.start();
    await pass(0);
    await flow(4_000);
    expect(looked).toEqual(["/whep/1"]);
    expect(views.at(-1)).toEqual({ quality: "main", why: "link" });
    newest().heightPx = 360;
    await flow(2_000);
    expect(looked).toEqual(["/whep/1", "/whep/1"]);
    expect(views.at(-1)).toEqual({ quality: "sub", why: "link" });
    driver.ask();
    await pass(0);
    expect(looked.at(-1)).toBe("/whep/1/quality");
    driver.close();
    expect(views.at(-1)).toBeNull();
    driver.ask();
    expect(looked).toHaveLength(3);
  });

  it("holds pictures back only while packets get lost", async () => {
    driver.start();
    await pass(0);
    await flow(3_000);
    expect(new Set(holds)).toEqual(new Set([0]));
    newest().lost += 20;
    await flow(2_000);
    expect(holds.at(-1)).toBeGreaterThan(0);
    await flow(30_000);
    expect(holds.at(-1)).toBe(0);
  });
});
