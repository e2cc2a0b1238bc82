import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NO_REASONS, readCamera, type Camera } from "../api/model";
import { CAMERA, json } from "./live-kit";
import { isRefused, WhyNotWatch } from "./why-not";

const MAY_NOT_STEER = { may: { live: true, control: false } };
const MAY_NOT_SEE = { may: { live: false, control: false } };

let asked: string[];
let answer: () => Promise<Response>;
let whyNot: WhyNotWatch;

function camera(more: object): Camera {
  return readCamera({ ...CAMERA, ...more }, "camera");
}

function told(control: string, live = "allowed"): () => Promise<Response> {
  return () => Promise.resolve(json({ items: { live: { why: live }, control: { why: control } } }));
}

/** What is told of the camera, and all that follows from it. */
async function tell(more: object): Promise<void> {
  whyNot.told(camera(more));
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answer = told("hours");
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    return answer();
  });
  whyNot = new WhyNotWatch("c1", new AbortController().signal);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the service", () => {
  it.each([
    ["everything is allowed", {}],
    ["nobody steers the camera", { ...MAY_NOT_STEER, steerable: false }],
    ["the page offers to open it in an emergency", { ...MAY_NOT_SEE, emergency: { may_open: true } }],
  ])("is asked nothing where %s", async (_name, more) => {
    await tell(more);
    whyNot.nudge();
    expect(isRefused(camera(more))).toBe(false);
    expect(asked).toEqual([]);
  });

  it.each([
    ["not steer", MAY_NOT_STEER],
    ["not see", MAY_NOT_SEE],
    ["neither see nor open", { ...MAY_NOT_SEE, emergency: { may_open: false } }],
  ])("is asked once why one may %s", async (_name, more) => {
    await tell(more);
    whyNot.nudge();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual(["/api/v1/cameras/c1/permissions"]);
    expect(whyNot.reasons.value).toEqual({ ...NO_REASONS, control: "hours" });
  });

  it("is asked again with every look at the camera, and what it said stands meanwhile", async () => {
    answer = told("over", "over");
    await tell(MAY_NOT_SEE);
    answer = told("waiting", "waiting");
    whyNot.told(camera(MAY_NOT_SEE));
    expect(whyNot.reasons.value.live).toBe("over");
    await vi.advanceTimersByTimeAsync(0);
    expect(whyNot.reasons.value.live).toBe("waiting");
    await tell({});
    expect(whyNot.reasons.value).toEqual(NO_REASONS);
  });

  it.each([
    ["an error", () => Promise.resolve(json({}, 503))],
    ["no network", () => Promise.reject(new TypeError("failed to fetch"))],
    ["an answer that is not ours", () => Promise.resolve(json({ items: [] }))],
  ])("is asked again when the network may be back after %s, and until then there is no reason", async (_name, bad) => {
    await tell(MAY_NOT_STEER);
    answer = bad;
    await tell(MAY_NOT_STEER);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked.length, whyNot.reasons.value]).toEqual([2, NO_REASONS]);
    answer = told("area");
    whyNot.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(whyNot.reasons.value.control).toBe("area");
  });

  it("is not believed when the right came while it answered", async () => {
    let late: (response: Response) => void = () => undefined;
    answer = () => new Promise((resolve) => (late = resolve));
    await tell(MAY_NOT_STEER);
    await tell({});
    late(await told("hours")());
    await vi.advanceTimersByTimeAsync(0);
    expect(whyNot.reasons.value).toEqual(NO_REASONS);
  });
});
