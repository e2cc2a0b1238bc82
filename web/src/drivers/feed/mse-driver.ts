/** One camera's live picture as MP4 over the web connection, kept alive and live. States: see whep/states.ts. */

import type { Quality, QualityWish } from "../../api/video";
import { DecodeError } from "../../api/decode";
import { localProblem, problemOf, type Problem } from "../../api/problem";
import { Backoff } from "../backoff";
import { FrameWatch } from "../whep/frame-watch";
import { FeedPlayer, mediaSourceClass } from "./feed-player";
import { LivingPicture } from "./living";
import { readFeedMessage, type FeedMessage } from "./messages";
import type { PictureEvents, PictureWay } from "./source";

export interface MsePort {
  /** What the person wants: the service cannot choose here. */
  wish(): QualityWish;
  address(quality: Quality): string;
  openSocket(address: string): WebSocket;
  /** Null where the browser cannot play what is sent; `type` is a MIME type with codecs. */
  makePlayer(type: string, onBroken: () => void): FeedPlayer | null;
  isShown(): boolean;
}

export function browserMse(): Pick<MsePort, "openSocket" | "makePlayer" | "isShown"> {
  return {
    openSocket: (address) => new WebSocket(address),
    makePlayer: (type, onBroken) => {
      const Source = mediaSourceClass();
      return Source?.isTypeSupported(type) === true ? new FeedPlayer(Source, type, { onBroken }) : null;
    },
    isShown: () => document.visibilityState === "visible",
  };
}

const LOOK_MS = 100;
const JUDGE_MS = 1_000;
/** Skipped so often within this time, and the small picture is asked for instead. */
const SLIPS = 2;
const SLIPS_MS = 30_000;
/** What a closed socket means where the service did not say. */
const ENDINGS: Readonly<Record<number, Problem>> = { 4401: problemOf(401, null, {}), 4404: problemOf(404, null, {}) };

interface Session {
  readonly socket: WebSocket;
  player: FeedPlayer | null;
  frames: FrameWatch;
  problem: Problem | null;
  judgedAt: number;
  pingedAt: number;
  seq: number;
  leastTripMs: number;
  wayMs: number;
}

export class MseDriver extends LivingPicture implements PictureWay {
  private session: Session | null = null;
  private quality: Quality = "main";
  private slips: number[] = [];
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly port: MsePort,
    private readonly events: PictureEvents,
    backoff = new Backoff(),
  ) {
    super(events, backoff);
  }

  override start(): void {
    if (this.port.wish() === "sub") this.quality = "sub";
    super.start();
  }

  ask(): void {
    this.slips = [];
    const before = this.quality;
    this.quality = this.port.wish() === "sub" ? "sub" : "main";
    if (this.quality !== before && this.session !== null) this.begin();
  }

  reroute(): void {
    this.nudge();
  }

  override close(): void {
    this.drop();
    this.events.onSource(null);
    super.close();
  }

  override sawFrame(): void {
    if ((this.session?.player ?? null) !== null) super.sawFrame();
  }

  protected override open(): void {
    const socket = this.port.openSocket(this.port.address(this.quality));
    socket.binaryType = "arraybuffer";
    const nowMs = performance.now();
    const session: Session = {
      socket,
      player: null,
      frames: new FrameWatch(nowMs),
      problem: null,
      judgedAt: nowMs,
      pingedAt: nowMs,
      seq: 0,
      leastTripMs: Infinity,
      wayMs: 0,
    };
    this.session = session;
    socket.onmessage = (event: MessageEvent<unknown>) => this.hear(session, event.data);
    socket.onclose = (event) => this.closed(session, event.code);
    this.watch = setInterval(() => this.look(session), LOOK_MS);
  }

  private closed(session: Session, code: number): void {
    if (this.session !== session) return;
    const problem = session.problem ?? ENDINGS[code];
    this.fail(problem === undefined ? { kind: "lost" } : { kind: "refused", problem });
  }

  private hear(session: Session, data: unknown): void {
    if (this.session !== session) return;
    if (data instanceof ArrayBuffer) {
      session.player?.append(data);
      return;
    }
    try {
      this.heed(session, readFeedMessage(String(data)));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.fail({ kind: "refused", problem: localProblem("garbled", error.message) });
    }
  }

  private heed(session: Session, message: FeedMessage): void {
    switch (message.type) {
      case "init":
        this.play(session, message.codecs);
        break;
      case "hidden":
        if (message.isHidden) this.blank(session);
        break;
      case "pong":
        this.measure(session, message.seq, message.waitingMs);
        break;
      case "closing":
        session.problem = message.problem;
        break;
      case "other":
        break;
    }
  }

  /** Another format, or the first one after a hidden while: begin anew. */
  private play(session: Session, codecs: string): void {
    session.player?.close();
    session.frames = new FrameWatch(performance.now());
    const player = this.port.makePlayer(`video/mp4; codecs="${codecs}"`, () => {
      if (session.player === player) this.fail({ kind: "decode" });
    });
    session.player = player;
    if (player === null) this.fail({ kind: "unsupported" });
    else this.show(player);
  }

  private show(player: FeedPlayer): void {
    const chosen = this.quality === "sub" ? "link" : "good";
    this.events.onView({ quality: this.quality, why: this.port.wish() === "auto" ? chosen : "pinned" });
    this.events.onSource({ kind: "media", attach: (element) => player.attach(element) });
  }

  /** What is buffered was taken before; it is not to be seen any more. */
  private blank(session: Session): void {
    session.player?.close(true);
    session.player = null;
    this.events.onSource(null);
    this.blanked();
  }

  private look(session: Session): void {
    const nowMs = performance.now();
    const step = session.player?.keepLive(nowMs) ?? null;
    if (step?.isHole === true && this.slipped(nowMs)) return;
    if (this.state.name === "live" && nowMs - session.judgedAt < JUDGE_MS) return;
    session.judgedAt = nowMs;
    if (!this.judge(session, nowMs) || this.state.name !== "live" || step === null) return;
    this.events.onDelay(Math.round(step.behindS * 1000 + session.wayMs));
    this.ping(session, nowMs);
  }

  /** Whether to go on watching this session. */
  private judge(session: Session, nowMs: number): boolean {
    const frames = session.player?.frames ?? 0;
    if (this.isWithheld) session.frames = new FrameWatch(nowMs, frames);
    const verdict = session.frames.see(frames, nowMs, this.port.isShown());
    if (verdict === "flowing") this.sawFrame();
    if (verdict === "flowing" || verdict === "waiting" || verdict === "quiet") return true;
    this.fail({ kind: verdict });
    return false;
  }

  /** The service has skipped pictures because the link is slow; whether a smaller picture was asked for. */
  private slipped(nowMs: number): boolean {
    this.slips = [...this.slips.filter((at) => nowMs - at < SLIPS_MS), nowMs];
    if (this.quality === "sub" || this.port.wish() === "main" || this.slips.length < SLIPS) return false;
    this.quality = "sub";
    this.begin();
    return true;
  }

  private ping(session: Session, nowMs: number): void {
    if (session.socket.readyState !== 1) return;
    session.pingedAt = nowMs;
    session.seq += 1;
    session.socket.send(JSON.stringify({ type: "ping", seq: session.seq }));
  }

  /** The answer came behind the pictures that were under way: what it took beyond the shortest way is their delay. */
  private measure(session: Session, seq: number, waitingMs: number): void {
    if (seq !== session.seq) return;
    const tripMs = performance.now() - session.pingedAt;
    session.leastTripMs = Math.min(session.leastTripMs, tripMs);
    session.wayMs = tripMs - session.leastTripMs / 2 + waitingMs;
  }

  protected override drop(): void {
    clearInterval(this.watch);
    const session = this.session;
    this.session = null;
    if (session === null) return;
    session.socket.onmessage = session.socket.onclose = null;
    session.socket.close();
    session.player?.close();
    this.events.onView(null);
  }
}
