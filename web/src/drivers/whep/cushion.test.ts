import { describe, expect, it } from "vitest";
import { Cushion } from "./cushion";

function after(cushion: Cushion, seconds: number, lostShare: number, roundTripS: number | null = 0.06, from = 0): number {
  let target = 0;
  for (let second = 0; second <= seconds; second++) {
    const at = from + second;
    target = cushion.see({ received: Math.round(at * 200 * (1 - lostShare)), lost: Math.round(at * 200 * lostShare), roundTripS }, at * 1000);
  }
  return target;
}

describe("Cushion", () => {
  it("holds nothing back on a clean link", () => {
    expect(after(new Cushion(), 60, 0)).toBe(0);
  });

  it("holds back for a round trip and the asking where packets get lost", () => {
    expect(after(new Cushion(), 3, 0.03)).toBe(150);
    expect(after(new Cushion(), 3, 0.03, null)).toBe(170);
  });

  it("holds nothing back for the loss of one packet in a hundred, or for a few in one second", () => {
    const cushion = new Cushion();
    expect(after(cushion, 20, 0.01)).toBe(0);
    expect(cushion.see({ received: 21 * 200, lost: 40 + 8, roundTripS: 0.06 }, 21_000)).toBe(0);
  });

  it("never holds back longer than a third of a second", () => {
    expect(after(new Cushion(), 3, 0.03, 2)).toBe(300);
  });

  it("lets go a while after the last loss, not before", () => {
    const cushion = new Cushion();
    after(cushion, 3, 0.03);
    const clean = (second: number): number => cushion.see({ received: second * 200, lost: 18, roundTripS: 0.06 }, second * 1000);
    expect(clean(10)).toBe(150);
    expect(clean(22)).toBe(150);
    expect(clean(27)).toBe(0);
  });

  it("bears counters that begin anew", () => {
    const cushion = new Cushion();
    after(cushion, 3, 0);
    expect(cushion.see({ received: 10, lost: 0, roundTripS: 0.06 }, 9_000)).toBe(0);
  });
});
