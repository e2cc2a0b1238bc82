/**
 * The fast lane for moves: the data channel "control" of one's own video session, unordered and never repeated, so that
 * a lost packet holds nothing up. It counts only while the control socket has bound it.
 *
 * States: none (no channel), offered (open, not bound yet), asking (the service was asked to bind it), bound, refused.
 * A bound lane that answers nothing for too long is doubted: moves go over the socket for a while.
 */

/** An open data channel and the id of the video session that it belongs to. */
export interface ControlChannel {
  readonly video: string;
  readonly channel: RTCDataChannel;
}

export type LaneState =
  | { readonly name: "none" }
  | { readonly name: "offered" | "bound" | "refused"; readonly control: ControlChannel }
  | { readonly name: "asking"; readonly control: ControlChannel; readonly seq: number };

/** More unsent bytes than these (some three moves), and the next one goes over the socket. */
export const MOST_UNSENT_DATAGRAM_BYTES = 512;
/** Without an answer for so long the lane is doubted; a slow link gets two round trips and a bit. */
const LEAST_PATIENCE_MS = 250;
const MOST_PATIENCE_MS = 1_500;
/** A doubted lane that stays silent is tried again after this time. */
export const DOUBT_MS = 3_000;
/** Nothing was sent for so long: a new press, whose patience begins anew. */
const PAUSE_MS = 1_000;

export class DatagramLane {
  private now: LaneState = { name: "none" };
  /** When the first move was sent that nothing was heard after. */
  private waitingSince: number | null = null;
  /** Whether that move began a press, so that its answer tells the round trip. */
  private isFresh = false;
  private tripMs = 0;
  private sentAt = -Infinity;
  private doubtedUntil = -Infinity;
  private told = false;

  constructor(
    private readonly onText: (data: unknown) => void,
    private readonly onChange: (isUsed: boolean) => void = () => undefined,
  ) {}

  get state(): LaneState {
    return this.now;
  }

  /** Whether the next move goes this way. */
  isUsable(nowMs: number): boolean {
    return this.now.name === "bound" && this.now.control.channel.readyState === "open" && nowMs >= this.doubtedUntil;
  }

  /** A channel opened, or (null) the last one is gone. */
  offer(control: ControlChannel | null): void {
    this.drop();
    if (control !== null) {
      control.channel.onmessage = (event: MessageEvent<unknown>) => this.heard(control, event.data);
      this.become({ name: "offered", control });
    }
  }

  /** Ask the service once; `ask` sends the message and returns its number. */
  bind(ask: (video: string) => number): void {
    if (this.now.name !== "offered") return;
    const { control } = this.now;
    this.become({ name: "asking", control, seq: ask(control.video) });
  }

  /** An answer to message `seq` came over the socket; whether it was the one about this lane. */
  answered(seq: number | null, isGranted: boolean): boolean {
    if (this.now.name !== "asking" || this.now.seq !== seq) return false;
    this.become({ name: isGranted ? "bound" : "refused", control: this.now.control });
    return true;
  }

  /** The socket is gone: with the next one the channel has to be bound again. */
  unbind(): void {
    if (this.now.name !== "none") this.become({ name: "offered", control: this.now.control });
  }

  /** Send a move; false when it has to go over the socket. */
  sendMove(text: string, nowMs: number): boolean {
    if (this.now.name !== "bound" || !this.isUsable(nowMs)) return false;
    const { channel } = this.now.control;
    if (channel.bufferedAmount > MOST_UNSENT_DATAGRAM_BYTES) return false;
    const isFresh = nowMs - this.sentAt > PAUSE_MS;
    if (isFresh) this.waitingSince = null;
    if (this.waitingSince !== null && nowMs - this.waitingSince > this.patienceMs()) {
      this.doubt(nowMs);
      return false;
    }
    if (!trySend(channel, text)) return false;
    if (this.waitingSince === null) [this.waitingSince, this.isFresh] = [nowMs, isFresh];
    this.sentAt = nowMs;
    this.tell(nowMs);
    return true;
  }

  /** Leave this way for a while, unless something is heard from it after all. */
  doubt(nowMs: number): void {
    this.doubtedUntil = nowMs + DOUBT_MS;
    this.tell(nowMs);
  }

  /** Send a Stop beside the one over the socket, whatever is thought of the lane. */
  sendStop(text: string): void {
    if (this.now.name === "bound" && this.now.control.channel.readyState === "open") trySend(this.now.control.channel, text);
  }

  close(): void {
    this.drop();
  }

  private heard(control: ControlChannel, data: unknown): void {
    if (this.now.name !== "bound" || this.now.control !== control) return;
    const nowMs = performance.now();
    if (this.waitingSince !== null) {
      const tookMs = nowMs - this.waitingSince;
      this.tripMs = this.isFresh ? tookMs : Math.max(this.tripMs, tookMs);
    }
    this.waitingSince = null;
    this.doubtedUntil = -Infinity;
    this.tell(nowMs);
    this.onText(data);
  }

  private patienceMs(): number {
    return Math.min(MOST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, 2 * this.tripMs + 100));
  }

  private drop(): void {
    if (this.now.name !== "none") this.now.control.channel.onmessage = null;
    this.waitingSince = null;
    this.doubtedUntil = -Infinity;
    this.tripMs = 0;
    this.become({ name: "none" });
  }

  private become(state: LaneState): void {
    this.now = state;
    this.tell();
  }

  private tell(nowMs = performance.now()): void {
    const isUsed = this.isUsable(nowMs);
    if (isUsed === this.told) return;
    this.told = isUsed;
    this.onChange(isUsed);
  }
}

/** False when the channel closed in this very moment: the browser then throws. */
function trySend(channel: RTCDataChannel, text: string): boolean {
  try {
    channel.send(text);
    return true;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return false;
  }
}
