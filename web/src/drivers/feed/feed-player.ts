/** One format's buffer of live pictures, bound to a video element through Media Source Extensions. */

import { readFragment } from "./fragment";
import { LiveEdge, type Range, type Step } from "./live-edge";

type MediaSourceClass = typeof MediaSource;

/** iPhones have ManagedMediaSource only. */
export function mediaSourceClass(scope: { MediaSource?: MediaSourceClass; ManagedMediaSource?: MediaSourceClass } = globalThis): MediaSourceClass | null {
  return scope.ManagedMediaSource ?? scope.MediaSource ?? null;
}

export interface FeedPlayerEvents {
  /** The browser cannot go on with what it was given. */
  readonly onBroken: () => void;
}

/** Kept behind the present picture, at least. */
const KEEP_S = 4;
/** More pieces that wait for the browser than these, and it cannot keep up. */
const MOST_WAITING = 1_200;

export class FeedPlayer {
  private readonly source: MediaSource;
  private readonly edge = new LiveEdge();
  private readonly abort = new AbortController();
  private buffer: SourceBuffer | null = null;
  private element: HTMLVideoElement | null = null;
  private waiting: ArrayBuffer[] = [];
  private keys: number[] = [];
  private url = "";

  constructor(
    Source: MediaSourceClass,
    private readonly type: string,
    private readonly events: FeedPlayerEvents,
  ) {
    this.source = new Source();
    this.source.addEventListener("sourceopen", () => this.opened(), { once: true, signal: this.abort.signal });
  }

  /** Pictures shown so far. */
  get frames(): number {
    return this.element?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
  }

  attach(element: HTMLVideoElement): void {
    this.element = element;
    this.url = URL.createObjectURL(this.source);
    element.disableRemotePlayback = true; // ManagedMediaSource opens only then
    element.srcObject = null;
    element.src = this.url;
    const { signal } = this.abort;
    element.addEventListener("waiting", () => this.edge.ranDry(performance.now()), { signal });
    element.addEventListener("error", () => this.events.onBroken(), { signal });
  }

  append(data: ArrayBuffer): void {
    this.waiting.push(data);
    if (this.waiting.length > MOST_WAITING) this.events.onBroken();
    else this.feed();
  }

  /** Stay at the live edge; what was done, null while nothing is there. */
  keepLive(nowMs: number): Step | null {
    const { element, buffer } = this;
    if (element === null || buffer === null) return null;
    const step = this.edge.step(rangesOf(buffer.buffered), element.currentTime, nowMs);
    if (step.seekTo !== null) element.currentTime = step.seekTo;
    if (element.playbackRate !== step.rate) element.playbackRate = step.rate;
    this.trim(element.currentTime);
    return step;
  }

  /** Let go of the element; `isBlank`: and leave no picture on it. */
  close(isBlank = false): void {
    this.abort.abort();
    this.waiting = [];
    if (this.url !== "") URL.revokeObjectURL(this.url);
    if (this.element !== null) {
      this.element.playbackRate = 1;
      if (isBlank && this.element.src === this.url) {
        this.element.removeAttribute("src");
        this.element.load();
      }
    }
    this.element = this.buffer = null;
  }

  private opened(): void {
    try {
      this.source.duration = Infinity;
      this.buffer = this.source.addSourceBuffer(this.type);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.events.onBroken();
      return;
    }
    const { signal } = this.abort;
    this.buffer.addEventListener("updateend", () => this.feed(), { signal });
    this.buffer.addEventListener("error", () => this.events.onBroken(), { signal });
    this.feed();
  }

  private feed(): void {
    const { buffer } = this;
    if (buffer === null || buffer.updating) return;
    const data = this.waiting.shift();
    if (data === undefined) return;
    try {
      buffer.appendBuffer(data);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.events.onBroken(); // full although it is trimmed, or closed by the browser
      return;
    }
    const fragment = readFragment(data);
    if (fragment?.isKey === true) this.keys.push(fragment.timeS);
  }

  /** Only up to a key picture: what the browser removes, it removes up to the next one. */
  private trim(currentS: number): void {
    const { buffer } = this;
    const old = this.keys.filter((key) => key < currentS - KEEP_S).at(-1);
    if (old === undefined || buffer === null || buffer.updating || this.keys[0] === old) return;
    this.keys = this.keys.filter((key) => key >= old);
    buffer.remove(0, old);
  }
}

function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, index) => [buffered.start(index), buffered.end(index)] as const);
}
