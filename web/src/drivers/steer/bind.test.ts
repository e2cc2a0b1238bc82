import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { bindHold, bindPad } from "./bind";
import { bindKeys } from "./bind-keys";
import type { Velocity } from "./velocity";

let log: string[];
let mayPress: boolean;

const steering = {
  hold: (source: string, velocity: Velocity) => void log.push(`hold ${source} ${velocity.pan} ${velocity.tilt} ${velocity.zoom}`),
  release: (source: string) => void log.push(`release ${source}`),
  mayPress: () => mayPress,
  stop: () => void log.push("stop"),
  back: () => void log.push("back"),
};

function pointer(type: string, id: number, x = 0, y = 0): PointerEvent {
  return new PointerEvent(type, { pointerId: id, clientX: x, clientY: y, button: 0, bubbles: true, cancelable: true });
}

function element(): HTMLElement {
  const made = document.createElement("button");
  made.getBoundingClientRect = () => new DOMRect(0, 0, 200, 200);
  made.setPointerCapture = () => undefined;
  document.body.append(made);
  return made;
}

beforeEach(() => {
  log = [];
  mayPress = true;
});

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

it.each(["pointerup", "pointercancel", "lostpointercapture"])("releases the pad on %s, once", (end) => {
  const pad = element();
  bindPad(pad, element(), "pad", steering);
  pad.dispatchEvent(pointer("pointerdown", 1, 100, 100));
  pad.dispatchEvent(pointer("pointermove", 1, 200, 100));
  pad.dispatchEvent(pointer(end, 1, 200, 100));
  const released = ["hold pad 0 0 0", "hold pad 1 0 0", "release pad"];
  expect(log).toEqual(released);
  pad.dispatchEvent(pointer("lostpointercapture", 1, 200, 100)); // follows every end
  expect(log).toEqual(released);
});

it("moves nothing when a press may not begin", () => {
  mayPress = false;
  const pad = element();
  bindPad(pad, element(), "pad", steering);
  pad.dispatchEvent(pointer("pointerdown", 1, 100, 100));
  pad.dispatchEvent(pointer("pointermove", 1, 200, 100));
  expect(log).toEqual([]);
});

it("releases when the pad leaves the page under the finger", () => {
  const pad = element();
  const undo = bindPad(pad, element(), "pad", steering);
  pad.dispatchEvent(pointer("pointerdown", 1, 200, 100));
  undo();
  expect(log.at(-1)).toBe("release pad");
  log = [];
  pad.dispatchEvent(pointer("pointermove", 1, 0, 0));
  expect(log).toEqual([]);
});

it("holds a button for as long as it is pressed, and ignores a second finger", () => {
  const button = element();
  bindHold(button, "zoom-in", { pan: 0, tilt: 0, zoom: 0.5 }, steering);
  button.dispatchEvent(pointer("pointerdown", 1));
  button.dispatchEvent(pointer("pointerdown", 2));
  button.dispatchEvent(pointer("pointerup", 2));
  expect(log).toEqual(["hold zoom-in 0 0 0.5"]);
  button.dispatchEvent(pointer("pointerup", 1));
  expect(log.at(-1)).toBe("release zoom-in");
});

it("nudges on a click without a pointer, as screen readers make it", () => {
  vi.useFakeTimers();
  const button = element();
  bindHold(button, "pan-left", { pan: -0.5, tilt: 0, zoom: 0 }, steering);
  button.dispatchEvent(new MouseEvent("click", { detail: 0 }));
  expect(log).toEqual(["hold pan-left -0.5 0 0"]);
  vi.advanceTimersByTime(400);
  expect(log.at(-1)).toBe("release pan-left");
});

it("does not nudge after a press: its click has a detail", () => {
  const button = element();
  bindHold(button, "pan-left", { pan: -0.5, tilt: 0, zoom: 0 }, steering);
  button.dispatchEvent(pointer("pointerdown", 1));
  button.dispatchEvent(pointer("pointerup", 1));
  button.dispatchEvent(new MouseEvent("click", { detail: 1 }));
  expect(log).toEqual(["hold pan-left -0.5 0 0", "release pan-left"]);
});

it("steers by keys, once per press, and leaves typing alone", () => {
  const undo = bindKeys(steering);
  const key = (type: string, name: string, more: KeyboardEventInit = {}): KeyboardEvent =>
    new KeyboardEvent(type, { key: name, bubbles: true, cancelable: true, ...more });
  dispatchEvent(key("keydown", "ArrowRight"));
  dispatchEvent(key("keydown", "ArrowRight", { repeat: true }));
  dispatchEvent(key("keyup", "ArrowRight"));
  const space = key("keydown", " ");
  dispatchEvent(space);
  expect(space.defaultPrevented).toBe(true);
  expect(log).toEqual(["hold key-ArrowRight 0.5 0 0", "release key-ArrowRight", "stop"]);
  log = [];
  const field = document.createElement("input");
  document.body.append(field);
  field.dispatchEvent(key("keydown", " "));
  field.dispatchEvent(key("keydown", "ArrowRight", { ctrlKey: true }));
  expect(log).toEqual([]);
  undo();
  dispatchEvent(key("keydown", "Escape"));
  expect(log).toEqual([]);
});
