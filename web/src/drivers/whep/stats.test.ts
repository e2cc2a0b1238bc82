import { expect, it } from "vitest";
import { FrameWatch } from "./frame-watch";
import { delayMs, sampleOf, type VideoSample } from "./stats";

const VIDEO = { type: "inbound-rtp", kind: "video", framesDecoded: 40, jitterBufferDelay: 2, jitterBufferEmittedCount: 40, packetsReceived: 400, packetsLost: 3, frameHeight: 720 };

it("finds the video and the chosen path in a report", () => {
  const sample = sampleOf([
    { type: "codec" },
    { type: "candidate-pair", state: "succeeded", nominated: false, currentRoundTripTime: 0.9 },
    { type: "candidate-pair", state: "succeeded", nominated: true, currentRoundTripTime: 0.04 },
    { type: "inbound-rtp", kind: "audio", framesDecoded: 1 },
    VIDEO,
  ]);
  expect(sample).toEqual({ framesDecoded: 40, bufferDelayS: 2, emitted: 40, received: 400, lost: 3, heightPx: 720, roundTripS: 0.04 });
  expect(sampleOf([{ type: "codec" }])).toBeNull();
});

it("is the mean wait of the newest frames plus half a round trip", () => {
  const before: VideoSample = { framesDecoded: 40, bufferDelayS: 2, emitted: 40, received: 0, lost: 0, heightPx: 0, roundTripS: null };
  const later: VideoSample = { ...before, framesDecoded: 65, bufferDelayS: 3, emitted: 65 };
  expect(delayMs(before, { ...later, roundTripS: 0.1 })).toBe(90);
  expect(delayMs(before, later)).toBe(40);
  expect(delayMs(before, before)).toBeNull();
});

it("waits long for the first frame, shortly for the next", () => {
  const watch = new FrameWatch(0);
  expect(watch.see(0, 11_000, true)).toBe("waiting");
  expect(watch.see(0, 12_001, true)).toBe("no-picture");
  const flowing = new FrameWatch(0);
  expect(flowing.see(1, 1_000, true)).toBe("flowing");
  expect(flowing.see(1, 4_900, true)).toBe("flowing");
  expect(flowing.see(2, 4_950, true)).toBe("flowing");
  expect(flowing.see(2, 9_000, true)).toBe("stalled");
});

it("does not blame the network while nobody looks", () => {
  const watch = new FrameWatch(0);
  watch.see(5, 1_000, true);
  expect(watch.see(5, 60_000, false)).toBe("flowing");
  expect(watch.see(5, 61_000, true)).toBe("flowing");
  expect(watch.see(5, 65_000, true)).toBe("stalled");
});
