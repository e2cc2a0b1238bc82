import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { problemOf } from "../../api/problem";
import { failure, success, type Result } from "../../api/result";
import { Backoff, RECONNECT } from "../backoff";
import type { WhepState } from "../whep/states";
import { JpegDriver } from "./jpeg-driver";
import type { PictureSource } from "./source";

let states: WhepState[];
let sources: (PictureSource | null)[];
let answers: Result<ReadableStream<Uint8Array>>[];
let bodies: ReadableStreamDefaultController<Uint8Array>[];
let dropped: string[];
let made: number;
let signals: AbortSignal[];
let driver: JpegDriver;

const encoder = new TextEncoder();

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

async function says(text: string): Promise<void> {
  bodies.at(-1)?.enqueue(encoder.encode(text));
  await pass(0);
}

function picture(more = ""): string {
  return `Content-Length: 4\r\n${more}\r\njpeg\r\n--b\r\n`;
}

beforeEach(() => {
  vi.useFakeTimers();
  states = [];
  sources = [];
  answers = [];
  bodies = [];
  dropped = [];
  made = 0;
  signals = [];
  driver = new JpegDriver(
    {
      open: (signal) => {
        signals.push(signal);
        const body = new ReadableStream<Uint8Array>({ start: (controller) => void bodies.push(controller) });
        return Promise.resolve(answers.shift() ?? success(body));
      },
      makeUrl: () => `blob:${(made += 1)}`,
      dropUrl: (url) => dropped.push(url),
    },
    { onState: (state) => states.push(state), onSource: (source) => sources.push(source), onDelay: () => undefined, onView: () => undefined },
    new Backoff(RECONNECT, () => 0.5),
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

it("shows each picture and lets go of old ones", async () => {
  driver.start();
  await pass(0);
  for (let shown = 0; shown < 4; shown += 1) await says(picture());
  expect(sources).toEqual([1, 2, 3, 4].map((number) => ({ kind: "still", url: `blob:${number}` })));
  expect(dropped).toEqual(["blob:1", "blob:2"]);
  expect(states.map((state) => state.name)).toEqual(["connecting", "live"]);
  driver.close();
  expect(dropped).toHaveLength(4);
  expect(signals[0]?.aborted).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it("shows nothing while the picture is withheld, and goes on with the next one", async () => {
  driver.start();
  await pass(0);
  await says(picture());
  driver.withhold(true);
  await says(picture("X-Camctl-Hidden: sector\r\n"));
  expect(sources.at(-1)).toBeNull();
  expect(driver.state.name).toBe("connecting");
  driver.withhold(false);
  await says(picture());
  expect(driver.state.name).toBe("live");
});

it("fetches again after an end, a loss, silence and nonsense", async () => {
  driver.start();
  await pass(0);
  await says(picture());
  bodies.at(-1)?.close();
  await pass(0);
  expect(states.at(-1)).toMatchObject({ name: "retrying", fault: { kind: "ended" } });
  await pass(500);
  bodies.at(-1)?.error(new TypeError("network"));
  await pass(0);
  expect(states.at(-1)).toMatchObject({ name: "retrying", fault: { kind: "lost" } });
  driver.nudge();
  await pass(15_000);
  expect(states.findLast((state) => state.name === "retrying")).toMatchObject({ fault: { kind: "no-picture" } });
  driver.nudge();
  await pass(0);
  await says("Content-Type: text/html\r\n\r\n");
  expect(states.at(-1)).toMatchObject({ fault: { kind: "refused", problem: { kind: "garbled" } } });
});

it("waits as the service asks, and not at all for what no try can mend", async () => {
  answers = [failure(problemOf(409, "5", { type: "urn:camctl:problem:hidden" })), failure(problemOf(404, null, {}))];
  driver.start();
  await pass(0);
  expect(states.at(-1)).toMatchObject({ name: "retrying", waitMs: 5_000 });
  await pass(5_000);
  expect(states.at(-1)).toMatchObject({ name: "failed", fault: { problem: { kind: "not-found" } } });
});
