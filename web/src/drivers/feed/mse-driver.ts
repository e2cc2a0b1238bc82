/** One camera's live picture as MP4 over the web connection, kept alive and live. States: see whep/states.ts. */

import type { Quality, QualityWish } from "../../api/video";
import { DecodeError } from "../../api/decode";
import { localProblem, problemOf, type Problem } from "../../api/problem";
import { Backoff } from "../backoff";
import { FrameWatch } from "../whep/frame-watch";
import { isFinal, type PictureFault, type WhepState } from "../whep/states";
import { FeedPlayer, mediaSourceClass } from "./feed-player";
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
const PROVED_MS = 10_000;
const WITHHELD_MS = 15_000;
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

export class MseDriver implements PictureWay {
  private now: WhepState = { name: "idle" };
  private session: Session | null = null;
  private liveSince = 0;
  private isWithheld = false;
  private quality: Quality = "main";
  private slips: number[] = [];
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly port: MsePort,
    private readonly events: PictureEvents,
    private readonly backoff = new Backoff(),
  ) {}

  get state(): WhepState {
    return this.now;
  }

  start(): void {
    if (this.port.wish() === "sub") this.quality = "sub";
    if (this.now.name === "idle" || this.now.name === "failed") this.connect();
  }

  nudge(): void {
    if (this.now.name === "retrying" || this.now.name === "failed") this.connect();
  }

  ask(): void {
    this.slips = [];
    const before = this.quality;
    this.quality = this.port.wish() === "sub" ? "sub" : "main";
    if (this.quality !== before && this.session !== null) this.connect();
  }

  reroute(): void {
    this.nudge();
  }

  close(): void {
    this.drop();
    this.events.onSource(null);
    this.become({ name: "idle" });
  }

  withhold(isWithheld: boolean): void {
    if (isWithheld === this.isWithheld) return;
    this.isWithheld = isWithheld;
    if (isWithheld && this.now.name === "live") this.become({ name: "connecting", attempt: this.backoff.attempt });
    if (!isWithheld) this.nudge();
  }

  sawFrame(): void {
    if (this.now.name !== "connecting" || this.isWithheld || (this.session?.player ?? null) === null) return;
    this.liveSince = performance.now();
    this.become({ name: "live" });
  }

  private connect(): void {
    this.drop();
    this.become({ name: "connecting", attempt: this.backoff.attempt });
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
        this.begin(session, message.codecs);
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
  private begin(session: Session, codecs: string): void {
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
    if (this.now.name === "live") this.become({ name: "connecting", attempt: this.backoff.attempt });
  }

  private look(session: Session): void {
    const nowMs = performance.now();
    const step = session.player?.keepLive(nowMs) ?? null;
    if (step?.isHole === true && this.slipped(nowMs)) return;
    if (this.now.name === "live" && nowMs - session.judgedAt < JUDGE_MS) return;
    session.judgedAt = nowMs;
    if (!this.judge(session, nowMs) || this.now.name !== "live" || step === null) return;
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
    this.connect();
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

  private fail(fault: PictureFault): void {
    this.drop();
    this.events.onDelay(null);
    if (this.now.name === "live" && performance.now() - this.liveSince > PROVED_MS) this.backoff.reset();
    if (fault.kind === "unsupported" || (fault.kind === "refused" && isFinal(fault.problem))) {
      this.become({ name: "failed", fault });
      return;
    }
    const askedMs = fault.kind === "refused" ? (fault.problem.retryAfterMs ?? 0) : 0;
    const waitMs = this.backoff.next(Math.max(askedMs, this.isWithheld ? WITHHELD_MS : 0));
    this.become({ name: "retrying", attempt: this.backoff.attempt, fault, waitMs });
    if (this.now.name === "retrying") this.retry = setTimeout(() => this.connect(), waitMs); // unless who was told closed us
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearInterval(this.watch);
    const session = this.session;
    this.session = null;
    if (session === null) return;
    session.socket.onmessage = session.socket.onclose = null;
    session.socket.close();
    session.player?.close();
    this.events.onView(null);
  }

  private become(state: WhepState): void {
    this.now = state;
    this.events.onState(state);
  }
}
