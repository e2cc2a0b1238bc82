/** Decides from counts of decoded frames whether a picture came, lives, or stalled. Pure: time passed in. */

/** `quiet`: frames flowed, and the next one is overdue. */
export type FrameVerdict = "waiting" | "flowing" | "quiet" | "no-picture" | "stalled";

/** A cold camera may need some seconds to its first key frame. */
const FIRST_FRAME_MS = 12_000;
/** A camera on one frame a second is not stalled. */
const NEXT_FRAME_MS = 4_000;
/** A frame is overdue after this long, and this many times the mean wait for one. */
const OVERDUE_MS = 1_000;
const OVERDUE_FRAMES = 4;

export class FrameWatch {
  private frames: number;
  private lastMs: number;

  /** `from`: how many frames were decoded before; only further ones count. */
  constructor(
    private readonly startMs: number,
    private readonly from = 0,
  ) {
    this.frames = from;
    this.lastMs = startMs;
  }

  /** `isShown` is false while the page is hidden: browsers then may stop decoding, which is no fault. */
  see(frames: number, nowMs: number, isShown: boolean): FrameVerdict {
    if (frames > this.frames || !isShown) this.lastMs = nowMs;
    this.frames = Math.max(frames, this.frames);
    const quietMs = nowMs - this.lastMs;
    if (this.frames === this.from) return quietMs > FIRST_FRAME_MS ? "no-picture" : "waiting";
    if (quietMs > NEXT_FRAME_MS) return "stalled";
    const meanMs = (this.lastMs - this.startMs) / (this.frames - this.from);
    return quietMs > Math.max(OVERDUE_MS, OVERDUE_FRAMES * meanMs) ? "quiet" : "flowing";
  }
}
