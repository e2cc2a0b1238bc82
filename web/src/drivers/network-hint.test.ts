import { expect, it } from "vitest";
import { isSlowNetwork } from "./network-hint";

it("is slow when the browser says so or data is to be saved, and never by guess", () => {
  expect(isSlowNetwork({})).toBe(false);
  expect(isSlowNetwork({ connection: { effectiveType: "4g" } })).toBe(false);
  expect(isSlowNetwork({ connection: { effectiveType: "3g" } })).toBe(true);
  expect(isSlowNetwork({ connection: { effectiveType: "4g", saveData: true } })).toBe(true);
});
