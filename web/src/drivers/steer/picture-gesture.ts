/** Fingers on the picture: one steers from where it came down, two zoom. Pure; no DOM. */

import { Joystick, type Point } from "./joystick";
import { unit, type Velocity } from "./velocity";

export type PictureState = "free" | "touching" | "steering" | "pinching" | "ending";

/** A finger that moved less than this only touches: looking at a picture must not take control of it. */
const TOUCH_PX = 12;
/** Fingers must spread or close by this share (log2) before anything zooms; at FULL_ZOOM speed is full. */
const PINCH_DEAD = 0.12;
const FULL_ZOOM = 1;

export class PictureGesture {
  private readonly fingers = new Map<number, Point>();
  private readonly stick = new Joystick();
  private name: PictureState = "free";
  private span = 0;

  get state(): PictureState {
    return this.name;
  }

  /** What is asked now; null when these fingers ask for nothing at all. */
  get velocity(): Velocity | null {
    if (this.name === "steering") return this.stick.velocity;
    if (this.name === "pinching") return { pan: 0, tilt: 0, zoom: this.pinch() };
    return null;
  }

  /** Where the steering finger came down and how far it went, for drawing; null when nobody steers. */
  get line(): { readonly from: Point; readonly to: Point } | null {
    const stick = this.stick.state;
    return this.name === "steering" && stick.name === "held" ? { from: stick.origin, to: stick.at } : null;
  }

  down(pointer: number, at: Point, radius: number): void {
    this.fingers.set(pointer, at);
    if (this.fingers.size === 1) {
      this.stick.press(pointer, at, radius, at);
      this.name = "touching";
    } else if (this.fingers.size === 2 && this.name !== "ending") {
      this.stick.reset();
      this.span = this.distance();
      this.name = "pinching";
    }
  }

  move(pointer: number, at: Point): void {
    if (!this.fingers.has(pointer)) return;
    this.fingers.set(pointer, at);
    this.stick.drag(pointer, at);
    const stick = this.stick.state;
    if (this.name !== "touching" || stick.name !== "held") return;
    if (Math.hypot(at.x - stick.origin.x, at.y - stick.origin.y) > TOUCH_PX) this.name = "steering";
  }

  up(pointer: number): void {
    if (!this.fingers.delete(pointer)) return;
    this.stick.reset();
    this.name = this.fingers.size === 0 ? "free" : "ending"; // the last finger of a pinch does not steer
  }

  private pinch(): number {
    const turn = Math.log2(this.distance() / Math.max(1, this.span));
    const beyond = Math.abs(turn) - PINCH_DEAD;
    return beyond <= 0 || !Number.isFinite(turn) ? 0 : unit((Math.sign(turn) * beyond) / (FULL_ZOOM - PINCH_DEAD));
  }

  private distance(): number {
    const [a, b] = [...this.fingers.values()];
    return a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y);
  }
}
