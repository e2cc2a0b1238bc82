/** Decides from counts of decoded frames whether a picture came, lives, or stalled. Pure: time passed in. */

export type FrameVerdict = "waiting" | "flowing" | "no-picture" | "stalled";

/** A cold camera may need some seconds to its first key frame. */
const FIRST_FRAME_MS = 12_000;
/** A camera on one frame a second is not stalled. */
const NEXT_FRAME_MS = 4_000;

export class FrameWatch {
  private frames: number;
  private lastMs: number;

  /** `from`: how many frames were decoded before; only further ones count. */
  constructor(
    startMs: number,
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
    return quietMs > NEXT_FRAME_MS ? "stalled" : "flowing";
  }
}
