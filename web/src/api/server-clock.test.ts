import { afterEach, expect, it, vi } from "vitest";
import { heardDate, serverNow } from "./server-clock";

const NOON = Date.parse("2026-03-01T12:00:00Z");
const AS_HEADER = "Sun, 01 Mar 2026 12:00:00 GMT";

afterEach(() => {
  heardDate(AS_HEADER, NOON);
  vi.useRealTimers();
});

it("is the service's, where this device's is wrong", () => {
  vi.useFakeTimers({ now: NOON - 7_200_000 });
  heardDate(AS_HEADER);
  expect(serverNow()).toBe(NOON + 500);
  vi.advanceTimersByTime(60_000);
  expect(serverNow()).toBe(NOON + 60_500);
});

it("is this device's, where the two say the same, or nothing is said", () => {
  vi.useFakeTimers({ now: NOON + 1_200 });
  heardDate(AS_HEADER);
  expect(serverNow()).toBe(NOON + 1_200);
  heardDate(null);
  heardDate("yesterday");
  expect(serverNow()).toBe(NOON + 1_200);
});
