/** Keeps playing near the newest picture of a live buffer. Pure: what is buffered in, what to do out; times in seconds. */

export type Range = readonly [startS: number, endS: number];

export interface Step {
  /** Where to go on, null to stay. */
  readonly seekTo: number | null;
  readonly rate: number;
  /** What there is after the present picture. */
  readonly behindS: number;
  /** Pictures between the present one and the newest are missing: the service has skipped some. */
  readonly isHole: boolean;
}

/** Further behind than this, and what lies between is left out. */
export const JUMP_S = 0.7;
const LEAST_TARGET_S = 0.12;
const MOST_TARGET_S = 0.6;
const DRY_STEP_S = 0.08;
const CALM_STEP_S = 0.02;
const CALM_MS = 10_000;
/** Beyond the target by more than this, and it is played a little faster, until it is reached. */
const SLACK_S = 0.15;
const FAST = 1.1;

export class LiveEdge {
  private targetS = LEAST_TARGET_S;
  private changedAt = -Infinity;
  private isFast = false;

  /** How far behind the newest picture it plays; grows where pictures come unevenly. */
  get target(): number {
    return this.targetS;
  }

  /** The buffer ran dry: pictures come less evenly than was thought. */
  ranDry(nowMs: number): void {
    this.targetS = Math.min(MOST_TARGET_S, this.targetS + DRY_STEP_S);
    this.changedAt = nowMs;
  }

  step(ranges: readonly Range[], currentS: number, nowMs: number): Step {
    this.calm(nowMs);
    const last = ranges.at(-1);
    if (last === undefined) return { seekTo: null, rate: 1, behindS: 0, isHole: false };
    const [startS, endS] = last;
    const edgeS = Math.max(startS, endS - this.targetS);
    const isOutside = currentS < startS || currentS > endS + JUMP_S;
    if (isOutside || endS - currentS > JUMP_S + this.targetS) {
      this.isFast = false;
      return { seekTo: edgeS, rate: 1, behindS: endS - edgeS, isHole: currentS < startS && ranges.length > 1 };
    }
    const behindS = Math.max(0, endS - currentS);
    if (behindS > this.targetS + SLACK_S) this.isFast = true;
    if (behindS <= this.targetS) this.isFast = false;
    return { seekTo: null, rate: this.isFast ? FAST : 1, behindS, isHole: false };
  }

  private calm(nowMs: number): void {
    if (nowMs - this.changedAt < CALM_MS) return;
    this.changedAt = nowMs;
    this.targetS = Math.max(LEAST_TARGET_S, this.targetS - CALM_STEP_S);
  }
}
