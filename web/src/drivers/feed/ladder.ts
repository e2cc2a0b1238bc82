/**
 * Which way the picture comes: WebRTC first, else MP4 over the web connection (MSE), else one picture a second (JPEG).
 * Pure: time passed in.
 */

import type { PictureFault } from "../whep/states";

export type Way = "webrtc" | "mse" | "jpeg";

export interface Support {
  readonly webrtc: boolean;
  readonly mse: boolean;
}

/** What pages learn of a network outlives one camera's screen: the next one need not fail first. */
export class NetworkMemory {
  private badUntil = -Infinity;

  /** Whether WebRTC failed in this network lately. */
  isBad(nowMs: number): boolean {
    return nowMs < this.badUntil;
  }

  failed(nowMs: number): void {
    this.badUntil = nowMs + REMEMBER_MS;
  }

  forget(): void {
    this.badUntil = -Infinity;
  }
}

const IN_A_ROW = 2;
const REMEMBER_MS = 600_000;
/** After which the better way is tried again (from single pictures after a third of it); doubled with each try. */
const CLIMB_MS = 180_000;
const LONGEST_CLIMB_MS = 1_440_000;
/** Networks that come and go must not make a storm of tries. */
const CALM_MS = 10_000;

/** Faults that another way of the picture may mend, by way; all others have to do with the camera, the service or the right. */
const COUNTED: Readonly<Record<Way, ReadonlySet<PictureFault["kind"]>>> = {
  webrtc: new Set(["ice", "no-picture", "answer"]),
  mse: new Set(["lost", "decode", "no-picture", "stalled"]),
  jpeg: new Set(),
};

/** Faults after which this browser need not try that way with this camera again. */
function isForGood(way: Way, fault: PictureFault): boolean {
  if (fault.kind === "unsupported") return true;
  return way === "webrtc" && fault.kind === "refused" && fault.problem.kind === "codec";
}

export class Ladder {
  private current: Way;
  private readonly gone = new Set<Way>();
  private inARow = 0;
  private climbMs = CLIMB_MS;
  private climbAt = Infinity;
  private triedAt = -Infinity;

  constructor(
    support: Support,
    private readonly memory: NetworkMemory,
    nowMs: number,
  ) {
    if (!support.webrtc) this.gone.add("webrtc");
    if (!support.mse) this.gone.add("mse");
    this.current = this.first(memory.isBad(nowMs) ? ["mse", "jpeg"] : ["webrtc", "mse", "jpeg"]);
    if (memory.isBad(nowMs)) this.climbAt = nowMs + this.climbMs;
  }

  get way(): Way {
    return this.current;
  }

  /** A try failed; whether the next one goes another way. */
  failed(fault: PictureFault, nowMs: number): boolean {
    if (this.current === "jpeg") return false;
    const forGood = isForGood(this.current, fault);
    if (forGood) this.gone.add(this.current);
    else if (!COUNTED[this.current].has(fault.kind)) return false;
    this.inARow += 1;
    if (!forGood && this.inARow < IN_A_ROW) return false;
    if (this.current === "webrtc" && !forGood) this.memory.failed(nowMs);
    this.go(this.first(this.current === "webrtc" ? ["mse", "jpeg"] : ["jpeg"]), nowMs);
    return true;
  }

  /** The picture has been there long enough to say that this way works. */
  proved(): void {
    this.inARow = 0;
    if (this.current === "webrtc") this.memory.forget();
  }

  /** The better way that is worth a try now, or null. */
  better(nowMs: number): Way | null {
    if (nowMs < this.climbAt) return null;
    const best = this.best;
    if (best === this.current) return null;
    return this.current === "jpeg" && !this.gone.has("mse") ? "mse" : best;
  }

  /** The better way is being tried. */
  trying(nowMs: number): void {
    this.triedAt = nowMs;
    this.climbMs = Math.min(this.climbMs * 2, LONGEST_CLIMB_MS);
    this.climbAt = nowMs + this.climbMs;
  }

  /** From now on the picture comes this way. */
  climbed(way: Way, nowMs: number): void {
    if (way === "webrtc") this.memory.forget();
    this.go(way, nowMs);
  }

  /** Another network: what failed in the last one may work in this one. */
  networkChanged(nowMs: number): void {
    this.memory.forget();
    this.inARow = 0;
    this.climbMs = CLIMB_MS;
    if (nowMs - this.triedAt > CALM_MS && this.current !== this.best) this.climbAt = nowMs;
  }

  private go(way: Way, nowMs: number): void {
    this.current = way;
    this.inARow = 0;
    const waitMs = way === "jpeg" && !this.gone.has("mse") ? this.climbMs / 3 : this.climbMs;
    this.climbAt = way === this.best ? Infinity : nowMs + waitMs;
  }

  private get best(): Way {
    return this.first(["webrtc", "mse", "jpeg"]);
  }

  private first(ways: readonly Way[]): Way {
    return ways.find((way) => !this.gone.has(way)) ?? "jpeg";
  }
}
