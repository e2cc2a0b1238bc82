import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { VideoView } from "../../api/video";
import type { PictureFault, WhepState } from "../whep/states";
import { NetworkMemory, type Way } from "./ladder";
import { PictureDriver } from "./picture-driver";
import type { PictureEvents, PictureSource, PictureWay } from "./source";

class FakeWay implements PictureWay {
  state: WhepState = { name: "idle" };
  isWithheld = false;
  rerouted = 0;
  asked = 0;
  readonly ended: string[] = [];

  constructor(
    readonly way: Way,
    readonly events: PictureEvents,
  ) {}

  start(): void {
    this.become({ name: "connecting", attempt: 0 });
  }

  nudge(): void {
    this.become({ name: "connecting", attempt: 0 });
  }

  ask(): void {
    this.asked += 1;
  }

  reroute(): void {
    this.rerouted += 1;
  }

  sessionEnded(video: string): void {
    this.ended.push(video);
  }

  close(): void {
    this.become({ name: "idle" });
  }

  withhold(isWithheld: boolean): void {
    this.isWithheld = isWithheld;
  }

  sawFrame(): void {
    this.become({ name: "live" });
  }

  fails(kind: "ice" | "lost"): void {
    this.become({ name: "retrying", attempt: 1, fault: { kind } satisfies PictureFault, waitMs: 1 });
  }

  shows(url: string): void {
    this.events.onSource({ kind: "still", url });
    this.become({ name: "live" });
  }

  become(state: WhepState): void {
    this.state = state;
    this.events.onState(state);
  }
}

let made: FakeWay[];
let states: string[];
let sources: (PictureSource | null)[];
let ways: Way[];
let views: (VideoView | null)[];
let driver: PictureDriver;

function newest(): FakeWay {
  const way = made.at(-1);
  if (way === undefined) throw new Error("nothing was made");
  return way;
}

beforeEach(() => {
  vi.useFakeTimers();
  made = [];
  states = [];
  sources = [];
  ways = [];
  views = [];
  driver = new PictureDriver(
    {
      support: { webrtc: true, mse: true },
      memory: new NetworkMemory(),
      make: (way, events) => {
        made.push(new FakeWay(way, events));
        return newest();
      },
    },
    { onState: (state) => states.push(state.name), onSource: (source) => sources.push(source), onDelay: () => undefined, onView: (view) => views.push(view), onWay: (way) => ways.push(way) },
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

function fallToMse(): FakeWay {
  driver.start();
  newest().fails("ice");
  newest().fails("ice");
  newest().shows("mse");
  return newest();
}

it("goes the next way after two failures, without a word of the failure in between", () => {
  fallToMse();
  expect(made.map(({ way }) => way)).toEqual(["webrtc", "mse"]);
  expect(made[0]?.state.name).toBe("idle");
  expect(ways).toEqual(["webrtc", "mse"]);
  expect(states).toEqual(["connecting", "retrying", "connecting", "live"]);
});

it("tries WebRTC beside the running picture, and changes over only when that has one", async () => {
  const mse = fallToMse();
  await vi.advanceTimersByTimeAsync(181_000);
  const trial = newest();
  expect([trial.way, mse.state.name, driver.way]).toEqual(["webrtc", "live", "mse"]);
  trial.events.onSource({ kind: "still", url: "webrtc" });
  trial.events.onView({ quality: "main", why: "good" });
  expect(views.at(-1)).toBeNull();
  driver.ask();
  expect([trial.asked, mse.asked]).toEqual([1, 1]);
  expect(sources.at(-1)).toEqual({ kind: "still", url: "mse" });
  trial.become({ name: "live" });
  expect(sources.at(-1)).toEqual({ kind: "still", url: "webrtc" });
  expect(views.at(-1)).toEqual({ quality: "main", why: "good" });
  expect([driver.way, driver.state.name, mse.state.name]).toEqual(["webrtc", "live", "idle"]);
  expect(states.slice(-2)).toEqual(["live", "live"]);
});

it("goes on undisturbed when that fails, and tries again at once in another network", async () => {
  const mse = fallToMse();
  await vi.advanceTimersByTimeAsync(181_000);
  newest().fails("ice");
  expect(newest().state.name).toBe("idle");
  expect([driver.way, mse.state.name]).toEqual(["mse", "live"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made).toHaveLength(3);
  driver.reroute();
  expect(mse.rerouted).toBe(1);
  driver.sessionEnded("v");
  expect(mse.ended).toEqual(["v"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(made.map(({ way }) => way)).toEqual(["webrtc", "mse", "webrtc", "webrtc"]);
});

it("goes back from single pictures to MSE at once", async () => {
  const mse = fallToMse();
  mse.fails("lost");
  mse.fails("lost");
  expect(driver.way).toBe("jpeg");
  newest().shows("jpeg");
  await vi.advanceTimersByTimeAsync(61_000);
  expect([driver.way, newest().way, newest().state.name]).toEqual(["mse", "mse", "connecting"]);
});

it("passes on what is withheld, and ends a trial meanwhile", async () => {
  const mse = fallToMse();
  await vi.advanceTimersByTimeAsync(181_000);
  driver.withhold(true);
  expect([mse.isWithheld, newest().state.name]).toEqual([true, "idle"]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(made).toHaveLength(3);
});

it("ends everything when closed, and begins again with what it had come to", async () => {
  fallToMse();
  await vi.advanceTimersByTimeAsync(181_000);
  driver.close();
  expect(made.map(({ state }) => state.name)).toEqual(["idle", "idle", "idle"]);
  expect(vi.getTimerCount()).toBe(0);
  driver.start();
  expect(made).toHaveLength(3);
  expect([driver.way, driver.state.name]).toEqual(["mse", "connecting"]);
});

it("begins anew the same way when that is asked for, and the picture stays until then", () => {
  driver.start();
  newest().shows("a");
  const before = newest();
  driver.renew();
  expect(made).toHaveLength(2);
  expect(newest().way).toBe(before.way);
  expect(before.state.name).toBe("idle");
  expect(sources).toEqual([{ kind: "still", url: "a" }]);
  driver.close();
  driver.renew();
  expect(made).toHaveLength(2);
});
