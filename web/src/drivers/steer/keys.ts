/** What a key asks of the camera. Pure, so that the page's listener only has to look it up. */

import type { Velocity } from "./velocity";

/** A key has no rim to push to: this is a pleasant speed; with Shift it is full. */
const KEY_SPEED = 0.5;

export type KeyWish =
  | { readonly kind: "hold"; readonly source: string; readonly velocity: Velocity }
  | { readonly kind: "stop" }
  | { readonly kind: "back" };

const AXES: Readonly<Record<string, readonly [pan: number, tilt: number, zoom: number]>> = {
  ArrowLeft: [-1, 0, 0],
  ArrowRight: [1, 0, 0],
  ArrowUp: [0, 1, 0],
  ArrowDown: [0, -1, 0],
  "+": [0, 0, 1],
  "=": [0, 0, 1],
  "-": [0, 0, -1],
  _: [0, 0, -1],
};

/** The same name at press and release, whatever Shift does in between. */
export function keySource(key: string): string {
  const base = key === "+" ? "=" : key === "_" ? "-" : key;
  return `key-${base}`;
}

export function wishOf(key: string, isFast: boolean): KeyWish | null {
  if (key === " ") return { kind: "stop" };
  if (key === "Escape") return { kind: "back" };
  const axes = AXES[key];
  if (axes === undefined) return null;
  const speed = isFast && key.startsWith("Arrow") ? 1 : KEY_SPEED;
  return { kind: "hold", source: keySource(key), velocity: { pan: axes[0] * speed, tilt: axes[1] * speed, zoom: axes[2] * speed } };
}
