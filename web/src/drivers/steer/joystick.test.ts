import { expect, it } from "vitest";
import { Joystick } from "./joystick";
import { STILL } from "./velocity";

const CENTRE = { x: 100, y: 100 };

it("turns while its pointer is down and is still when it goes", () => {
  const stick = new Joystick();
  expect(stick.velocity).toEqual(STILL);
  expect(stick.press(1, CENTRE, 50, CENTRE)).toBe(true);
  expect(stick.velocity).toEqual(STILL);
  expect(stick.drag(1, { x: 150, y: 100 })).toBe(true);
  expect(stick.velocity).toEqual({ pan: 1, tilt: 0, zoom: 0 });
  expect(stick.release(1)).toBe(true);
  expect(stick.velocity).toEqual(STILL);
  expect(stick.state.name).toBe("free");
});

it("follows its first pointer only", () => {
  const stick = new Joystick();
  stick.press(1, CENTRE, 50, CENTRE);
  expect(stick.press(2, CENTRE, 50, { x: 0, y: 0 })).toBe(false);
  expect(stick.drag(2, { x: 0, y: 0 })).toBe(false);
  expect(stick.release(2)).toBe(false);
  expect(stick.velocity).toEqual(STILL);
  expect(stick.release(1)).toBe(true);
  expect(stick.release(1)).toBe(false); // pointerup and lostpointercapture both come
});

it("draws its knob inside the rim", () => {
  const stick = new Joystick();
  stick.press(1, CENTRE, 50, { x: 400, y: 100 });
  expect(stick.knob).toEqual({ x: 1, y: 0 });
  stick.drag(1, { x: 100, y: 75 });
  expect(stick.knob).toEqual({ x: 0, y: -0.5 });
  stick.reset();
  expect(stick.knob).toEqual({ x: 0, y: 0 });
});
