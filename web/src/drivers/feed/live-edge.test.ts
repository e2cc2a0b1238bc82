import { expect, it } from "vitest";
import { JUMP_S, LiveEdge } from "./live-edge";

it("begins near the newest picture", () => {
  const edge = new LiveEdge();
  const step = edge.step([[1, 5]], 0, 0);
  expect(step.seekTo).toBeCloseTo(5 - edge.target);
  expect(step.isHole).toBe(false);
  expect(edge.step([[1, 1.05]], 0, 0).seekTo).toBe(1);
  expect(edge.step([], 0, 0)).toEqual({ seekTo: null, rate: 1, behindS: 0, isHole: false });
});

it("makes up a small drift by speed until it is made up, a large one by a jump", () => {
  const edge = new LiveEdge();
  expect(edge.step([[0, 10]], 10 - edge.target, 0)).toMatchObject({ seekTo: null, rate: 1 });
  expect(edge.step([[0, 10]], 9.5, 0)).toMatchObject({ seekTo: null, rate: 1.1, behindS: 0.5 });
  expect(edge.step([[0, 10]], 9.8, 0).rate).toBe(1.1);
  expect(edge.step([[0, 10]], 9.9, 0).rate).toBe(1);
  expect(edge.step([[0, 10]], 9.8, 0).rate).toBe(1);
  const jump = edge.step([[0, 10]], 10 - JUMP_S - edge.target - 0.01, 0);
  expect(jump.seekTo).toBeCloseTo(10 - edge.target);
});

it("goes over what the service skipped, and says so", () => {
  const edge = new LiveEdge();
  const step = edge.step(
    [
      [0, 4],
      [6, 6.05],
    ],
    4,
    0,
  );
  expect(step).toMatchObject({ seekTo: 6, isHole: true });
});

it("plays further behind where pictures come unevenly, and nearer again when they do not", () => {
  const edge = new LiveEdge();
  const least = edge.target;
  for (let dry = 0; dry < 20; dry += 1) edge.ranDry(0);
  expect(edge.target).toBeCloseTo(0.6);
  edge.step([[0, 1]], 0.9, 9_999);
  expect(edge.target).toBeCloseTo(0.6);
  for (let at = 10_000; at < 600_000; at += 1_000) edge.step([[0, 1]], 0.9, at);
  expect(edge.target).toBe(least);
});
