import { expect, it } from "vitest";
import { PictureGesture } from "./picture-gesture";

it("asks for nothing while a finger only touches", () => {
  const gesture = new PictureGesture();
  gesture.down(1, { x: 50, y: 50 }, 100);
  gesture.move(1, { x: 55, y: 52 });
  expect(gesture.state).toBe("touching");
  expect(gesture.velocity).toBeNull();
  gesture.up(1);
  expect(gesture.state).toBe("free");
});

it("steers from where the finger came down", () => {
  const gesture = new PictureGesture();
  gesture.down(1, { x: 50, y: 50 }, 100);
  gesture.move(1, { x: 150, y: 50 });
  expect(gesture.velocity).toEqual({ pan: 1, tilt: 0, zoom: 0 });
  expect(gesture.line).toEqual({ from: { x: 50, y: 50 }, to: { x: 150, y: 50 } });
  gesture.up(1);
  expect(gesture.velocity).toBeNull();
  expect(gesture.line).toBeNull();
});

it("zooms with two fingers, and the one that stays does not steer", () => {
  const gesture = new PictureGesture();
  gesture.down(1, { x: 0, y: 0 }, 100);
  gesture.move(1, { x: 50, y: 0 });
  gesture.down(2, { x: 150, y: 0 }, 100);
  expect(gesture.state).toBe("pinching");
  expect(gesture.velocity).toEqual({ pan: 0, tilt: 0, zoom: 0 });
  gesture.move(2, { x: 250, y: 0 }); // twice as far apart
  expect(gesture.velocity?.zoom).toBe(1);
  gesture.move(2, { x: 100, y: 0 }); // half as far
  expect(gesture.velocity?.zoom).toBe(-1);
  gesture.up(2);
  gesture.move(1, { x: 500, y: 0 });
  expect(gesture.state).toBe("ending");
  expect(gesture.velocity).toBeNull();
  gesture.up(1);
  expect(gesture.state).toBe("free");
});

it("ignores pointers it never saw come down", () => {
  const gesture = new PictureGesture();
  gesture.move(9, { x: 500, y: 0 });
  gesture.up(9);
  expect(gesture.state).toBe("free");
});
