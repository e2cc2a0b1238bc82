/** Speed of each axis as a share of the camera's fastest, -1 to 1: right, up and in are positive. */
export interface Velocity {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

export const STILL: Velocity = { pan: 0, tilt: 0, zoom: 0 };

export function isStill(velocity: Velocity): boolean {
  return velocity.pan === 0 && velocity.tilt === 0 && velocity.zoom === 0;
}

export function isSame(a: Velocity, b: Velocity): boolean {
  return a.pan === b.pan && a.tilt === b.tilt && a.zoom === b.zoom;
}

/** Two thumbs at once: each axis is the sum of what they ask, within -1 and 1. */
export function sum(parts: Iterable<Velocity>): Velocity {
  let [pan, tilt, zoom] = [0, 0, 0];
  for (const part of parts) {
    pan += part.pan;
    tilt += part.tilt;
    zoom += part.zoom;
  }
  return { pan: unit(pan), tilt: unit(tilt), zoom: unit(zoom) };
}

/** Within -1 and 1, to a thousandth; what is not a number is 0. */
export function unit(value: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.round(Math.min(1, Math.max(-1, value)) * 1000) / 1000 + 0; // + 0 turns -0 into 0
}
