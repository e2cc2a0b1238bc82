import { describe, expect, it } from "vitest";
import { DEAD_ZONE, speedOf, steer } from "./curve";

describe("speedOf", () => {
  it("is still within the dead zone and full at the rim and beyond", () => {
    expect(speedOf(0)).toBe(0);
    expect(speedOf(DEAD_ZONE)).toBe(0);
    expect(speedOf(1)).toBe(1);
    expect(speedOf(3)).toBe(1);
  });

  it("grows without a jump, gently first", () => {
    const speeds = Array.from({ length: 101 }, (_, step) => speedOf(step / 100));
    const steps = speeds.slice(1).map((speed, index) => speed - (speeds[index] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...steps)).toBeLessThan(0.03);
    expect(speedOf(0.5)).toBeLessThan(0.25);
  });
});

describe("steer", () => {
  it("turns right and up for a finger right of and above its origin", () => {
    expect(steer(100, 0, 100)).toEqual({ pan: 1, tilt: 0 });
    expect(steer(0, -100, 100)).toEqual({ pan: 0, tilt: 1 });
    expect(steer(-100, 100, 100).pan).toBeLessThan(0);
    expect(steer(-100, 100, 100).tilt).toBeLessThan(0);
  });

  it("makes an almost straight way straight, and leaves a slanted one", () => {
    expect(steer(100, 12, 100)).toEqual({ pan: 1, tilt: 0 });
    expect(steer(-9, 90, 100).pan).toBe(0);
    expect(steer(80, 40, 100).tilt).not.toBe(0);
  });

  it("never exceeds the whole speed in any direction", () => {
    for (let angle = 0; angle < 360; angle += 7) {
      const { pan, tilt } = steer(500 * Math.cos(angle), 500 * Math.sin(angle), 100);
      expect(Math.hypot(pan, tilt)).toBeLessThanOrEqual(1.001);
    }
  });

  it("stands still where there is no pad", () => {
    expect(steer(10, 10, 0)).toEqual({ pan: 0, tilt: 0 });
  });
});
