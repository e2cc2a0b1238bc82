import { expect, it } from "vitest";
import { keySource, wishOf } from "./keys";

it("knows the keys of steering, STOP and back", () => {
  expect(wishOf(" ", false)).toEqual({ kind: "stop" });
  expect(wishOf("Escape", false)).toEqual({ kind: "back" });
  expect(wishOf("ArrowUp", false)).toEqual({ kind: "hold", source: "key-ArrowUp", velocity: { pan: 0, tilt: 0.5, zoom: 0 } });
  expect(wishOf("-", false)).toMatchObject({ velocity: { zoom: -0.5 } });
  expect(wishOf("a", false)).toBeNull();
});

it("steers at full speed with Shift, but does not take Shift of + for it", () => {
  expect(wishOf("ArrowLeft", true)).toMatchObject({ velocity: { pan: -1 } });
  expect(wishOf("+", true)).toMatchObject({ velocity: { zoom: 0.5 } });
});

it("gives a key one name, pressed with Shift or not", () => {
  expect(keySource("+")).toBe(keySource("="));
  expect(keySource("_")).toBe(keySource("-"));
});
