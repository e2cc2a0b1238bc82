/** One camera's picture, one a second, for the weakest links and the oldest browsers. States: see whep/states.ts. */

import { localProblem, type Problem } from "../../api/problem";
import type { Result } from "../../api/result";
import { Backoff } from "../backoff";
import { LivingPicture } from "./living";
import { MultipartError, MultipartReader, type Part } from "./multipart";
import type { PictureEvents, PictureWay } from "./source";

export interface JpegPort {
  /** The answer's bytes as they come, once it has begun. */
  open(signal: AbortSignal): Promise<Result<ReadableStream<Uint8Array>>>;
  makeUrl(picture: Blob): string;
  dropUrl(url: string): void;
}

/** The service sends the same picture again every 3 s; on a weak link one may take longer than that. */
const SILENT_MS = 15_000;
/** Pictures that are kept until the element has surely let go of them. */
const KEPT_URLS = 2;

export class JpegDriver extends LivingPicture implements PictureWay {
  private abort: AbortController | null = null;
  private urls: string[] = [];
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly port: JpegPort,
    private readonly events: PictureEvents,
    backoff = new Backoff(),
  ) {
    super(events, backoff);
  }

  /** There is one size of single pictures. */
  ask(): void {
    return;
  }

  reroute(): void {
    this.nudge();
  }

  override close(): void {
    this.drop();
    this.events.onSource(null);
    this.dropUrls(0);
    super.close();
  }

  /** The element's word is not needed: pictures come whole. */
  override sawFrame(): void {
    return;
  }

  protected override open(): void {
    void this.connect();
  }

  private async connect(): Promise<void> {
    const abort = (this.abort = new AbortController());
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
      this.blanked();
      return;
    }
    const url = this.port.makeUrl(new Blob([part.body], { type: "image/jpeg" }));
    this.urls.push(url);
    this.dropUrls(KEPT_URLS);
    this.events.onSource({ kind: "still", url });
    super.sawFrame();
  }

  private expectMore(abort: AbortController): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (this.abort === abort) this.fail({ kind: this.state.name === "live" ? "stalled" : "no-picture" });
    }, SILENT_MS);
  }

  private refuse(problem: Problem): void {
    this.fail({ kind: "refused", problem });
  }

  protected override drop(): void {
    clearTimeout(this.silence);
    this.abort?.abort();
    this.abort = null;
  }

  private dropUrls(kept: number): void {
    for (const url of this.urls.splice(0, Math.max(0, this.urls.length - kept))) this.port.dropUrl(url);
  }
}
