/** The life of a picture, whichever way it comes: connecting, live, and after a failure again. States: see whep/states.ts. */

import type { Backoff } from "../backoff";
import { isFinal, type PictureFault, type WhepState } from "../whep/states";

export interface LifeEvents {
  readonly onState: (state: WhepState) => void;
  readonly onDelay: (delayMs: number | null) => void;
}

/** A picture that lived this long makes the next failure a first one again. */
const PROVED_MS = 10_000;
/** Between two tries while the service withholds the picture: its return is told, and tried at once then. */
const WITHHELD_MS = 15_000;

/** What the drivers have in common; each says how it connects and what it gives back. */
export abstract class LivingPicture {
  private now: WhepState = { name: "idle" };
  private liveSince = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  protected isWithheld = false;

  constructor(
    private readonly life: LifeEvents,
    private readonly backoff: Backoff,
  ) {}

  get state(): WhepState {
    return this.now;
  }

  start(): void {
    if (this.now.name === "idle" || this.now.name === "failed") this.begin();
  }

  /** Try at once instead of waiting on (the network came back, somebody pressed "try again"). */
  nudge(): void {
    if (this.now.name === "retrying" || this.now.name === "failed") this.begin();
  }

  /** End everything here and on the service; safe while the page goes away. */
  close(): void {
    this.end();
    this.become({ name: "idle" });
  }

  /** While the service withholds the picture, that none comes is no fault. */
  withhold(isWithheld: boolean): void {
    if (isWithheld === this.isWithheld) return;
    this.isWithheld = isWithheld;
    if (isWithheld) this.blanked();
    else this.nudge();
  }

  /** A picture is there: decoded, or shown. */
  sawFrame(): void {
    if (this.now.name !== "connecting" || this.isWithheld) return;
    this.liveSince = performance.now();
    this.become({ name: "live" });
  }

  /** Open what brings the picture; nothing of before is open. */
  protected abstract open(): void;

  /** Give back what was opened; idempotent. */
  protected abstract drop(): void;

  /** Connect now, whatever there was. */
  protected begin(): void {
    this.end();
    this.become({ name: "connecting", attempt: this.backoff.attempt });
    this.open();
  }

  /** What was shown is not to be seen any more; it may come again. */
  protected blanked(): void {
    if (this.now.name === "live") this.become({ name: "connecting", attempt: this.backoff.attempt });
  }

  /** It came to this; try again, unless that is in vain. `isOver`: the cause is gone, so the first try comes soon. */
  protected fail(fault: PictureFault, isOver = false): void {
    this.end();
    this.life.onDelay(null);
    if (this.now.name === "live" && performance.now() - this.liveSince > PROVED_MS) this.backoff.reset();
    if (fault.kind === "unsupported" || (fault.kind === "refused" && isFinal(fault.problem))) {
      this.become({ name: "failed", fault });
      return;
    }
    const waitMs = this.waitAfter(fault, isOver);
    this.become({ name: "retrying", attempt: this.backoff.attempt, fault, waitMs });
    if (this.now.name === "retrying") this.retry = setTimeout(() => this.begin(), waitMs); // unless who was told closed us
  }

  private waitAfter(fault: PictureFault, isOver: boolean): number {
    if (isOver && this.backoff.attempt === 0 && !this.isWithheld) return this.backoff.soon();
    const askedMs = fault.kind === "refused" ? (fault.problem.retryAfterMs ?? 0) : 0;
    return this.backoff.next(Math.max(askedMs, this.isWithheld ? WITHHELD_MS : 0));
  }

  private end(): void {
    clearTimeout(this.retry);
    this.drop();
  }

  private become(state: WhepState): void {
    this.now = state;
    this.life.onState(state);
  }
}
