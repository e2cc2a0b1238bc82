/** How a finger's way becomes speed: a dead zone, a gentle beginning, pure axes made easy. */

import { unit } from "./velocity";

/** Share of the radius in which nothing turns: a thumb never rests exactly. */
export const DEAD_ZONE = 0.12;
/** 0 is linear, 1 cubic: fine aiming near the centre, full speed at the rim. */
export const EXPO = 0.65;
/** A way within this angle of an axis counts as that axis alone. */
const SNAP_RAD = (10 * Math.PI) / 180;

/** Speed for a way of `share` of the radius (0 to 1 and beyond), 0 to 1. */
export function speedOf(share: number): number {
  if (share <= DEAD_ZONE) return 0;
  const linear = Math.min(1, (share - DEAD_ZONE) / (1 - DEAD_ZONE));
  return (1 - EXPO) * linear + EXPO * linear ** 3;
}

/** Pan and tilt for a finger `dx` right of and `dy` below its origin, where `radius` (same unit) is full speed. */
export function steer(dx: number, dy: number, radius: number): { readonly pan: number; readonly tilt: number } {
  const way = Math.hypot(dx, dy);
  const speed = radius > 0 ? speedOf(way / radius) : 0;
  if (speed === 0) return { pan: 0, tilt: 0 };
  const [x, y] = snapped(dx / way, -dy / way);
  return { pan: unit(speed * x), tilt: unit(speed * y) };
}

function snapped(x: number, y: number): readonly [number, number] {
  const limit = Math.sin(SNAP_RAD);
  if (Math.abs(y) < limit) return [Math.sign(x), 0];
  if (Math.abs(x) < limit) return [0, Math.sign(y)];
  return [x, y];
}
