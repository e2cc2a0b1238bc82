/** Waits that grow from try to try up to a limit, jittered so that a thousand phones do not come back as one. */

export interface BackoffRules {
  readonly firstMs: number;
  readonly factor: number;
  readonly limitMs: number;
  /** Share by which a wait may be longer or shorter. */
  readonly jitter: number;
}

/** Of the first wait: at most this share. */
const SOON = 0.4;

export const RECONNECT: BackoffRules = { firstMs: 500, factor: 2, limitMs: 15_000, jitter: 0.2 };

export class Backoff {
  private tries = 0;

  constructor(
    private readonly rules: BackoffRules = RECONNECT,
    private readonly random: () => number = Math.random,
  ) {}

  /** How many waits there were since the last success. */
  get attempt(): number {
    return this.tries;
  }

  /** The next wait in ms, never shorter than what the other side asked for (`atLeastMs`). */
  next(atLeastMs = 0): number {
    const plain = Math.min(this.rules.limitMs, this.rules.firstMs * this.rules.factor ** this.tries);
    this.tries += 1;
    const wait = plain * (1 + this.rules.jitter * (2 * this.random() - 1));
    return Math.round(Math.max(wait, atLeastMs));
  }

  /** A short wait, for a failure that is known to be over; it counts as a try, so that the next one waits longer. */
  soon(): number {
    this.tries += 1;
    return Math.round(SOON * this.rules.firstMs * this.random());
  }

  reset(): void {
    this.tries = 0;
  }
}
