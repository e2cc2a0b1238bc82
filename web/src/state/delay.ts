/** Finger to picture: what is known of it, and when to warn. Pure. */

export interface Delay {
  /** Service to eye, in ms. */
  readonly videoMs: number | null;
  /** Finger to camera's answer (or to the service's, while nothing moves), in ms. */
  readonly commandMs: number | null;
}

export const UNKNOWN_DELAY: Delay = { videoMs: null, commandMs: null };
/** Above this, people overshoot. */
export const WARN_MS = 600;

export function totalMs(delay: Delay): number | null {
  if (delay.videoMs === null && delay.commandMs === null) return null;
  return (delay.videoMs ?? 0) + (delay.commandMs ?? 0);
}

export function isSlow(delay: Delay): boolean {
  return (totalMs(delay) ?? 0) > WARN_MS;
}

/** How much of a new figure counts, so that the badge can be read. */
const NEW_SHARE = 0.4;
/** Answers to moves say more than pings; for this long after one, pings do not count. */
const MOVE_COUNTS_MS = 5_000;

export class CommandDelay {
  private shownMs: number | null = null;
  private movedAt = -Infinity;

  /** A round trip of a message of this kind; returns the figure to show. */
  heard(tripMs: number, kind: string, nowMs: number): number | null {
    const isPing = kind === "ping";
    if (isPing && nowMs - this.movedAt < MOVE_COUNTS_MS) return this.shownMs;
    if (!isPing) this.movedAt = nowMs;
    this.shownMs = Math.round(this.shownMs === null ? tripMs : this.shownMs + NEW_SHARE * (tripMs - this.shownMs));
    return this.shownMs;
  }
}
