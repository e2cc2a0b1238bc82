/** One camera's picture, one a second, for the weakest links and the oldest browsers. States: see whep/states.ts. */

import { localProblem, type Problem } from "../../api/problem";
import type { Result } from "../../api/result";
import { Backoff } from "../backoff";
import { isFinal, type PictureFault, type WhepState } from "../whep/states";
import { MultipartError, MultipartReader, type Part } from "./multipart";
import type { PictureEvents, PictureWay } from "./source";

export interface JpegPort {
  /** The answer's bytes as they come, once it has begun. */
  open(signal: AbortSignal): Promise<Result<ReadableStream<Uint8Array>>>;
  makeUrl(picture: Blob): string;
  dropUrl(url: string): void;
}

const PROVED_MS = 10_000;
const WITHHELD_MS = 15_000;
/** The service sends the same picture again every 3 s; on a weak link one may take longer than that. */
const SILENT_MS = 15_000;
/** Pictures that are kept until the element has surely let go of them. */
const KEPT_URLS = 2;

export class JpegDriver implements PictureWay {
  private now: WhepState = { name: "idle" };
  private abort: AbortController | null = null;
  private liveSince = 0;
  private isWithheld = false;
  private urls: string[] = [];
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly port: JpegPort,
    private readonly events: PictureEvents,
    private readonly backoff = new Backoff(),
  ) {}

  get state(): WhepState {
    return this.now;
  }

  start(): void {
    if (this.now.name === "idle" || this.now.name === "failed") void this.connect();
  }

  nudge(): void {
    if (this.now.name === "retrying" || this.now.name === "failed") void this.connect();
  }

  /** There is one size of single pictures. */
  ask(): void {
    return;
  }

  reroute(): void {
    this.nudge();
  }

  close(): void {
    this.drop();
    this.events.onSource(null);
    this.dropUrls(0);
    this.become({ name: "idle" });
  }

  withhold(isWithheld: boolean): void {
    if (isWithheld === this.isWithheld) return;
    this.isWithheld = isWithheld;
    if (isWithheld && this.now.name === "live") this.become({ name: "connecting", attempt: this.backoff.attempt });
    if (!isWithheld) this.nudge();
  }

  sawFrame(): void {
    // Pictures say so themselves: each comes whole.
  }

  private async connect(): Promise<void> {
    this.drop();
    const abort = (this.abort = new AbortController());
    this.become({ name: "connecting", attempt: this.backoff.attempt });
    this.expectMore(abort);
    const answer = await this.port.open(abort.signal);
    if (this.abort !== abort || answer.kind === "aborted") return;
    if (answer.kind === "error") this.refuse(answer.problem);
    else await this.read(answer.value, abort);
  }

  private async read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const parts = new MultipartReader();
    const reader = body.getReader();
    try {
      for (let piece = await reader.read(); !piece.done && this.abort === abort; piece = await reader.read()) {
        this.expectMore(abort);
        for (const part of parts.push(piece.value)) this.show(part);
      }
      if (this.abort === abort) this.fail({ kind: "ended" });
    } catch (error) {
      if (this.abort !== abort) return; // closed here
      if (error instanceof MultipartError) this.refuse(localProblem("garbled", error.message));
      else if (error instanceof TypeError || error instanceof DOMException) this.fail({ kind: "lost" });
      else throw error;
    }
  }

  private show(part: Part): void {
    if (part.headers.has("x-camctl-hidden")) {
      this.events.onSource(null);
      this.dropUrls(0);
      if (this.now.name === "live") this.become({ name: "connecting", attempt: this.backoff.attempt });
      return;
    }
    const url = this.port.makeUrl(new Blob([part.body], { type: "image/jpeg" }));
    this.urls.push(url);
    this.dropUrls(KEPT_URLS);
    this.events.onSource({ kind: "still", url });
    if (this.now.name !== "connecting" || this.isWithheld) return;
    this.liveSince = performance.now();
    this.become({ name: "live" });
  }

  private expectMore(abort: AbortController): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (this.abort === abort) this.fail({ kind: this.now.name === "live" ? "stalled" : "no-picture" });
    }, SILENT_MS);
  }

  private refuse(problem: Problem): void {
    this.fail({ kind: "refused", problem });
  }

  private fail(fault: PictureFault): void {
    this.drop();
    if (this.now.name === "live" && performance.now() - this.liveSince > PROVED_MS) this.backoff.reset();
    if (fault.kind === "refused" && isFinal(fault.problem)) {
      this.become({ name: "failed", fault });
      return;
    }
    const askedMs = fault.kind === "refused" ? (fault.problem.retryAfterMs ?? 0) : 0;
    const waitMs = this.backoff.next(Math.max(askedMs, this.isWithheld ? WITHHELD_MS : 0));
    this.become({ name: "retrying", attempt: this.backoff.attempt, fault, waitMs });
    if (this.now.name === "retrying") this.retry = setTimeout(() => void this.connect(), waitMs);
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.abort?.abort();
    this.abort = null;
  }

  private dropUrls(kept: number): void {
    for (const url of this.urls.splice(0, Math.max(0, this.urls.length - kept))) this.port.dropUrl(url);
  }

  private become(state: WhepState): void {
    this.now = state;
    this.events.onState(state);
  }
}
