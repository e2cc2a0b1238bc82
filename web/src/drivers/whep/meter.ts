/** What the statistics of one session come to, once a second: delay, how long to hold pictures back, another stream. Pure. */

import { Cushion } from "./cushion";
import { delayMs, type VideoSample } from "./stats";

export interface Reading {
  readonly delayMs: number | null;
  /** For how long the browser should hold pictures back from now on. */
  readonly holdMs: number;
  /** The pictures have another size than before: another of the camera's streams is shown. */
  readonly isOther: boolean;
}

const EVERY_MS = 1_000;

export class Meter {
  private before: { readonly sample: VideoSample; readonly at: number } | null = null;
  private readonly cushion = new Cushion();
  private heightPx = 0;

  /** Null when there is nothing new to say yet. */
  see(sample: VideoSample, nowMs: number): Reading | null {
    const before = this.before;
    if (before !== null && nowMs - before.at < EVERY_MS) return null;
    this.before = { sample, at: nowMs };
    const holdMs = this.cushion.see(sample, nowMs);
    if (before === null) return null;
    const isOther = sample.heightPx !== 0 && sample.heightPx !== this.heightPx;
    if (isOther) this.heightPx = sample.heightPx;
    return { delayMs: delayMs(before.sample, sample), holdMs, isOther };
  }
}
