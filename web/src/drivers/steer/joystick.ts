/** One thumb on a pad or on the picture, as a state machine without any DOM. */

import { steer } from "./curve";
import { STILL, type Velocity } from "./velocity";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type JoystickState =
  | { readonly name: "free" }
  | { readonly name: "held"; readonly pointer: number; readonly origin: Point; readonly radius: number; readonly at: Point };

const FREE: JoystickState = { name: "free" };

/** Follows the first pointer that comes down and no other, until that one goes. */
export class Joystick {
  private now: JoystickState = FREE;

  get state(): JoystickState {
    return this.now;
  }

  /** Whether the pointer was taken; `origin` is where speed is zero, `radius` pixels from it speed is full. */
  press(pointer: number, origin: Point, radius: number, at: Point): boolean {
    if (this.now.name === "held") return false;
    this.now = { name: "held", pointer, origin, radius, at };
    return true;
  }

  /** Whether the pointer is ours. */
  drag(pointer: number, at: Point): boolean {
    if (this.now.name !== "held" || this.now.pointer !== pointer) return false;
    this.now = { ...this.now, at };
    return true;
  }

  /** Whether the pointer was ours. */
  release(pointer: number): boolean {
    if (this.now.name !== "held" || this.now.pointer !== pointer) return false;
    this.now = FREE;
    return true;
  }

  reset(): void {
    this.now = FREE;
  }

  get velocity(): Velocity {
    if (this.now.name === "free") return STILL;
    const { at, origin, radius } = this.now;
    return { ...steer(at.x - origin.x, at.y - origin.y, radius), zoom: 0 };
  }

  /** Where to draw the knob, as shares of the radius, never beyond the rim. */
  get knob(): Point {
    if (this.now.name === "free" || this.now.radius <= 0) return { x: 0, y: 0 };
    const x = (this.now.at.x - this.now.origin.x) / this.now.radius;
    const y = (this.now.at.y - this.now.origin.y) / this.now.radius;
    const way = Math.max(1, Math.hypot(x, y));
    return { x: x / way, y: y / way };
  }
}
