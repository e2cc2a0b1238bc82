/**
 * One camera's control socket, kept open.
 *
 * States: idle, connecting, open, waiting (for the next try), ended (the service said that no try will help).
 */

import { DecodeError } from "../../api/decode";
import { Backoff } from "../backoff";
import type { SteerPort } from "../steer/steer-driver";
import type { Velocity } from "../steer/velocity";
import { InFlight } from "./in-flight";
import { readMessage, type ClientMessage, type ControlState, type Refused, type ServerMessage } from "./messages";

type EndReason = "signed-out" | "no-such-camera";

export type ControlLink =
  | { readonly name: "idle" | "connecting" | "open" }
  | { readonly name: "waiting"; readonly attempt: number }
  | { readonly name: "ended"; readonly reason: EndReason };

export interface ControlEvents {
  readonly onLink: (link: ControlLink) => void;
  readonly onState: (state: ControlState) => void;
  readonly onRefused: (refused: Refused) => void;
  /** From sending a message to reading its answer, the camera's own share included, in ms. */
  readonly onLatency: (roundTripMs: number, kind: string) => void;
  /** Stop could not go through the socket: it must go another way. */
  readonly onStopUnsent: () => void;
}

export type OpenSocket = (address: string) => WebSocket;

/** More unsent bytes than these, and a move is left out: the next one is newer anyway. */
export const MOST_UNSENT_BYTES = 512;
const PING_MS = 2_000;
/** The service answers pings; when nothing at all comes for this long, the connection is dead. */
const SILENT_MS = 7_000;
const CONNECT_LIMIT_MS = 8_000;

/** Close codes of the service; anything else is tried again. */
const ENDINGS: Readonly<Record<number, EndReason>> = { 4401: "signed-out", 4404: "no-such-camera" };

export class ControlDriver implements SteerPort {
  private socket: WebSocket | null = null;
  private link: ControlLink = { name: "idle" };
  private seq = 0;
  private gesture = 0;
  /** The first message of the present gesture. */
  private gestureFrom = 0;
  private heardAt = 0;
  private readonly inFlight = new InFlight();
  private readonly asked = new InFlight(); // pings and wishes, kept apart: they do not hold moves back
  private readonly backoff = new Backoff();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly address: string,
    private readonly events: ControlEvents,
    private readonly open: OpenSocket = (address) => new WebSocket(address),
  ) {}

  get state(): ControlLink {
    return this.link;
  }

  start(): void {
    if (this.link.name === "idle" || this.link.name === "waiting") this.connect();
  }

  /** Try at once instead of waiting on (the network came back). */
  nudge(): void {
    if (this.link.name === "waiting") this.connect();
  }

  close(): void {
    this.drop();
    clearTimeout(this.retry);
    this.become({ name: "idle" });
  }

  /** Left out, never queued, when the network does not carry moves at the pace at which they are made. */
  move(velocity: Velocity, gesture: number): void {
    const now = performance.now();
    if (this.link.name !== "open" || this.socket === null) return;
    if (this.socket.bufferedAmount > MOST_UNSENT_BYTES || this.inFlight.isFull(now)) return;
    if (gesture !== this.gesture) {
      this.gesture = gesture;
      this.gestureFrom = this.seq + 1;
    }
    this.inFlight.sent(this.send({ type: "move", ...velocity, gesture, at_ms: Math.round(now) }), now);
  }

  stop(): void {
    const isStuck = (this.socket?.bufferedAmount ?? 0) > MOST_UNSENT_BYTES;
    if (this.link.name === "open") this.ask({ type: "stop" });
    if (this.link.name !== "open" || isStuck) this.events.onStopUnsent();
  }

  /** Whether it was sent. */
  ask(message: Exclude<ClientMessage, { readonly type: "move" }>): boolean {
    if (this.link.name !== "open") return false;
    this.asked.sent(this.send(message), performance.now());
    return true;
  }

  private send(message: ClientMessage): number {
    this.seq += 1;
    this.socket?.send(JSON.stringify({ ...message, seq: this.seq }));
    return this.seq;
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.become({ name: "connecting" });
    const socket = this.open(this.address);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => this.opened();
    socket.onmessage = (event: MessageEvent<unknown>) => this.heard(event.data);
    socket.onclose = (event) => this.closed(event.code);
    this.pulse = setInterval(() => this.beat(), PING_MS);
  }

  private opened(): void {
    this.become({ name: "open" });
    this.heardAt = performance.now();
    this.beat();
  }

  private beat(): void {
    const silentMs = performance.now() - this.heardAt;
    if (silentMs > (this.link.name === "connecting" ? CONNECT_LIMIT_MS : SILENT_MS)) this.closed(0);
    else this.ask({ type: "ping", at_ms: Math.round(performance.now()) });
  }

  private heard(data: unknown): void {
    this.heardAt = performance.now();
    try {
      const message = readMessage(data);
      if (message !== null) this.dispatch(message);
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof SyntaxError)) throw error;
      this.closed(0); // not our service: start anew
    }
  }

  private dispatch(message: ServerMessage): void {
    switch (message.type) {
      case "ack":
        this.backoff.reset();
        this.answered(message.seq, message.kind);
        break;
      case "error":
        this.refused(message);
        break;
      case "state":
        this.events.onState(message);
        break;
      case "closing":
        break; // the close code that follows says the same
    }
  }

  private refused(message: Refused): void {
    if (message.seq !== null) this.settle(message.seq);
    const isOfOldPress = message.code === "released" && message.seq !== null && message.seq < this.gestureFrom;
    if (!isOfOldPress) this.events.onRefused(message);
  }

  private answered(seq: number, kind: string): void {
    const tripMs = this.settle(seq);
    if (tripMs !== null) this.events.onLatency(tripMs, kind);
  }

  private settle(seq: number): number | null {
    const now = performance.now();
    return this.inFlight.answered(seq, now) ?? this.asked.answered(seq, now);
  }

  private closed(code: number): void {
    this.drop();
    const reason = ENDINGS[code];
    if (reason !== undefined) {
      this.become({ name: "ended", reason });
      return;
    }
    const waitMs = this.backoff.next();
    this.become({ name: "waiting", attempt: this.backoff.attempt });
    this.retry = setTimeout(() => this.connect(), waitMs);
  }

  private drop(): void {
    clearInterval(this.pulse);
    this.inFlight.clear();
    this.asked.clear();
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private become(link: ControlLink): void {
    if (link.name === this.link.name && link.name !== "waiting") return;
    this.link = link;
    this.events.onLink(link);
  }
}
