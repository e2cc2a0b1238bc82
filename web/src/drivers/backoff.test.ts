import { expect, it } from "vitest";
import { Backoff, RECONNECT } from "./backoff";

it("doubles up to its limit and begins anew after a success", () => {
  const backoff = new Backoff(RECONNECT, () => 0.5); // 0.5 is no jitter
  const waits = Array.from({ length: 8 }, () => backoff.next());
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  expect(backoff.attempt).toBe(8);
  backoff.reset();
  expect(backoff.next()).toBe(500);
});

it("jitters within its share, and never waits less than asked", () => {
  expect(new Backoff(RECONNECT, () => 0).next()).toBe(400);
  expect(new Backoff(RECONNECT, () => 0.999).next()).toBeLessThanOrEqual(600);
  expect(new Backoff(RECONNECT, () => 0).next(5000)).toBe(5000);
});
