/**
 * How long the browser may hold pictures back so that lost packets can come again. Pure: samples in, milliseconds out.
 *
 * On a clean link it is nothing: the picture is as fresh as it can be. Where packets get lost, a picture that waits for
 * one of them again and again is worse than one that is a little late: so long as packets get lost, and a while after,
 * pictures are held back for one round trip and some time for the asking.
 */

export interface LossSample {
  readonly received: number;
  readonly lost: number;
  /** Null while it is not measured. */
  readonly roundTripS: number | null;
}

const LOSSY = 0.004;
const ASKING_MS = 90;
const MOST_MS = 300;
const USUAL_ROUND_TRIP_S = 0.08;
const KEEP_MS = 20_000;

export class Cushion {
  private before: LossSample | null = null;
  private lossyUntil = -Infinity;
  private targetMs = 0;

  /** The target in ms after this sample (one a second); 0: hold nothing back. */
  see(sample: LossSample, nowMs: number): number {
    const before = this.before;
    this.before = sample;
    if (before === null) return this.targetMs;
    const lost = Math.max(0, sample.lost - before.lost);
    const all = lost + Math.max(0, sample.received - before.received);
    if (all > 0 && lost / all > LOSSY) {
      this.lossyUntil = nowMs + KEEP_MS;
      const wanted = Math.min(MOST_MS, Math.round((sample.roundTripS ?? USUAL_ROUND_TRIP_S) * 1000) + ASKING_MS);
      // Every change of the target makes the picture run faster or slower for a moment: only upwards while it is needed.
      this.targetMs = Math.max(this.targetMs, wanted);
    } else if (nowMs > this.lossyUntil) {
      this.targetMs = 0;
    }
    return this.targetMs;
  }
}
