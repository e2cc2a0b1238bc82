import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { REPEAT_MS, SteerDriver, STOP_AGAIN_MS } from "./steer-driver";
import type { Velocity } from "./velocity";

const RIGHT: Velocity = { pan: 1, tilt: 0, zoom: 0 };
const IN: Velocity = { pan: 0, tilt: 0, zoom: 0.5 };

type Said = { readonly move: Velocity; readonly gesture: number } | "stop";

let said: Said[];
let driver: SteerDriver;

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  driver = new SteerDriver({
    move: (move, gesture) => said.push({ move, gesture }),
    stop: () => said.push("stop"),
  });
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

function stops(): number {
  return said.filter((item) => item === "stop").length;
}

describe("holding", () => {
  it("says the move at once and ten times a second", () => {
    driver.hold("pad", RIGHT);
    expect(said).toEqual([{ move: RIGHT, gesture: 1 }]);
    vi.advanceTimersByTime(1000);
    expect(said).toHaveLength(11);
  });

  it("says a change of direction before the beat, but never more than 20 messages a second", () => {
    driver.hold("pad", RIGHT);
    for (let ms = 0; ms < 1000; ms += 5) {
      vi.advanceTimersByTime(5);
      driver.hold("pad", { pan: ms / 1000, tilt: 0.5, zoom: 0 });
    }
    expect(said.length).toBeGreaterThan(12);
    expect(said.length).toBeLessThanOrEqual(20);
    vi.advanceTimersByTime(REPEAT_MS);
    expect(said.at(-1)).toEqual({ move: { pan: 0.995, tilt: 0.5, zoom: 0 }, gesture: 1 });
  });

  it("says at once that the finger went back to rest, without ending the press", () => {
    driver.hold("pad", RIGHT);
    vi.advanceTimersByTime(10);
    driver.hold("pad", { pan: 0, tilt: 0, zoom: 0 });
    expect(said.at(-1)).toEqual({ move: { pan: 0, tilt: 0, zoom: 0 }, gesture: 1 });
    expect(driver.state).toBe("moving");
  });

  it("joins two thumbs in one press", () => {
    driver.hold("pad", RIGHT);
    vi.advanceTimersByTime(70);
    driver.hold("zoom-in", IN);
    expect(said.at(-1)).toEqual({ move: { pan: 1, tilt: 0, zoom: 0.5 }, gesture: 1 });
    driver.release("pad");
    vi.advanceTimersByTime(REPEAT_MS);
    expect(said.at(-1)).toEqual({ move: IN, gesture: 1 });
    expect(stops()).toBe(0);
    driver.release("zoom-in");
    expect(stops()).toBe(1);
  });
});

describe("letting go", () => {
  it("stops at once, once more after 100 ms, and is silent then", () => {
    driver.hold("pad", RIGHT);
    driver.release("pad");
    expect(said.at(-1)).toBe("stop");
    expect(stops()).toBe(1);
    vi.advanceTimersByTime(STOP_AGAIN_MS);
    expect(stops()).toBe(2);
    const before = said.length;
    vi.advanceTimersByTime(5000);
    expect(said).toHaveLength(before);
  });

  it("does not end a new press with the second Stop of the last one", () => {
    driver.hold("pad", RIGHT);
    driver.release("pad");
    vi.advanceTimersByTime(50);
    driver.hold("pad", RIGHT);
    vi.advanceTimersByTime(500);
    expect(stops()).toBe(1);
    expect(said.at(-1)).toEqual({ move: RIGHT, gesture: 2 });
  });

  it("tells nothing for a release of what was not held", () => {
    driver.release("pad");
    expect(said).toEqual([]);
  });
});

describe("STOP and guards", () => {
  it("spends what is still held until it was let go", () => {
    driver.hold("pad", RIGHT);
    driver.stop();
    expect(driver.state).toBe("spent");
    driver.hold("pad", IN);
    driver.hold("key-ArrowLeft", RIGHT);
    vi.advanceTimersByTime(1000);
    expect(said).toEqual([{ move: RIGHT, gesture: 1 }, "stop", "stop"]);
    driver.release("pad");
    expect(driver.state).toBe("spent"); // the key is still down
    driver.release("key-ArrowLeft");
    expect(driver.state).toBe("idle");
    driver.hold("pad", RIGHT);
    expect(said.at(-1)).toEqual({ move: RIGHT, gesture: 2 });
  });

  it("says STOP even when nothing is held here: a preset may be under way", () => {
    driver.stop();
    expect(stops()).toBe(1);
    expect(driver.state).toBe("idle");
  });

  it("halts only a living press", () => {
    driver.halt();
    expect(said).toEqual([]);
    driver.hold("pad", RIGHT);
    driver.halt();
    expect(stops()).toBe(1);
  });

  it("goes silent when refused, without a Stop that would be somebody else's", () => {
    driver.hold("pad", RIGHT);
    driver.refused();
    vi.advanceTimersByTime(1000);
    expect(said).toEqual([{ move: RIGHT, gesture: 1 }]);
    expect(driver.state).toBe("spent");
  });

  it("stops when closed in the middle of a press", () => {
    driver.hold("pad", RIGHT);
    driver.close();
    expect(stops()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(stops()).toBe(1);
  });
});
