/**
 * How long the browser may hold pictures back so that lost packets can come again. Pure: samples in, milliseconds out.
 *
 * On a clean link it is nothing: the picture is as fresh as it can be. Where many packets get lost, a picture that waits
 * for one of them again and again is worse than one that is a little late: so long as they get lost, and a while after,
 * pictures are held back for one round trip and some time for the asking.
 */

export interface LossSample {
  readonly received: number;
  readonly lost: number;
  /** Null while it is not measured. */
  readonly roundTripS: number | null;
}

/** At 1 % the picture stands for less than it would be late; at 3 % it stands for more (bench/badlink.py). */
const LOSSY = 0.02;
/** Single seconds are of too few packets to tell. */
const WINDOW_MS = 4_000;
const FEW = 3;
const ASKING_MS = 90;
const MOST_MS = 300;
const USUAL_ROUND_TRIP_S = 0.08;
const KEEP_MS = 20_000;

export class Cushion {
  private seen: { readonly sample: LossSample; readonly at: number }[] = [];
  private lossyUntil = -Infinity;
  private targetMs = 0;

  /** The target in ms after this sample (one a second); 0: hold nothing back. */
  see(sample: LossSample, nowMs: number): number {
    const newest = this.seen.at(-1)?.sample;
    if (newest !== undefined && (sample.received < newest.received || sample.lost < newest.lost - FEW)) this.seen = []; // counted anew
    this.seen = [...this.seen.filter(({ at }) => nowMs - at <= WINDOW_MS), { sample, at: nowMs }];
    if (this.isLossy(sample)) {
      this.lossyUntil = nowMs + KEEP_MS;
      const wanted = Math.min(MOST_MS, Math.round((sample.roundTripS ?? USUAL_ROUND_TRIP_S) * 1000) + ASKING_MS);
      // Every change of the target makes the picture run faster or slower for a moment: only upwards while it is needed.
      this.targetMs = Math.max(this.targetMs, wanted);
    } else if (nowMs > this.lossyUntil) {
      this.targetMs = 0;
    }
    return this.targetMs;
  }

  private isLossy(sample: LossSample): boolean {
    const first = this.seen[0]?.sample ?? sample;
    const lost = sample.lost - first.lost;
    return lost >= FEW && lost > LOSSY * (lost + sample.received - first.received);
  }
}
