/** Moves that were sent and not yet answered: so many on the way mean that the network does not carry them. */

/** Above this many unanswered moves no further one is sent: they would arrive together, late, as one jump. */
export const MOST_ON_THE_WAY = 10;
/** An answer that did not come by then will not count any more. */
const FORGET_MS = 2_000;

export class InFlight {
  private readonly sentAt = new Map<number, number>();

  sent(seq: number, nowMs: number): void {
    this.sentAt.set(seq, nowMs);
  }

  /** Round trip of message `seq` in ms, null when it is not one of ours; earlier ones of ours count as answered too. */
  answered(seq: number, nowMs: number): number | null {
    const at = this.sentAt.get(seq);
    if (at === undefined) return null;
    for (const earlier of this.sentAt.keys()) if (earlier <= seq) this.sentAt.delete(earlier);
    return nowMs - at;
  }

  isFull(nowMs: number): boolean {
    for (const [seq, at] of this.sentAt) if (nowMs - at > FORGET_MS) this.sentAt.delete(seq);
    return this.sentAt.size >= MOST_ON_THE_WAY;
  }

  clear(): void {
    this.sentAt.clear();
  }
}
