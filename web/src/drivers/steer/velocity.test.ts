import { expect, it } from "vitest";
import { isSame, isStill, STILL, sum, unit } from "./velocity";

it("adds what two thumbs ask, within the limits", () => {
  const pan = { pan: 0.8, tilt: 0, zoom: 0 };
  const both = sum([pan, { pan: 0.8, tilt: -0.2, zoom: 1 }]);
  expect(both).toEqual({ pan: 1, tilt: -0.2, zoom: 1 });
  expect(sum([])).toEqual(STILL);
  expect(sum([pan, { pan: -0.8, tilt: 0, zoom: 0 }])).toEqual(STILL);
});

it("keeps numbers numbers", () => {
  expect(unit(Number.NaN)).toBe(0);
  expect(unit(Number.POSITIVE_INFINITY)).toBe(0);
  expect(Object.is(unit(-0.0001), 0)).toBe(true);
  expect(unit(-7)).toBe(-1);
});

it("knows stillness and sameness", () => {
  expect(isStill(STILL)).toBe(true);
  expect(isStill({ pan: 0, tilt: 0, zoom: 0.001 })).toBe(false);
  expect(isSame(STILL, { pan: 0, tilt: 0, zoom: 0 })).toBe(true);
  expect(isSame(STILL, { pan: 0.1, tilt: 0, zoom: 0 })).toBe(false);
});
