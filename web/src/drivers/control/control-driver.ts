/**
 * One camera's control socket, kept open.
 *
 * States: idle, connecting, open, waiting (for the next try), ended (the service said that no try will help).
 */

import { DecodeError } from "../../api/decode";
import { Backoff } from "../backoff";
import type { SteerPort } from "../steer/steer-driver";
import type { Velocity } from "../steer/velocity";
import { DatagramLane, type ControlChannel } from "./datagram-lane";
import { InFlight } from "./in-flight";
import { readMessage, type ClientMessage, type ControlState, type Refusal, type Refused, type ServerMessage, type StopMessage, type Wish } from "./messages";
import { OwnFence } from "./own-fence";

type EndReason = "signed-out" | "no-such-camera";

export type ControlLink =
  | { readonly name: "idle" | "connecting" | "open" }
  | { readonly name: "waiting"; readonly attempt: number }
  | { readonly name: "ended"; readonly reason: EndReason };

export interface ControlEvents {
  readonly onLink: (link: ControlLink) => void;
  readonly onState: (state: ControlState) => void;
  /** `endsPress`: it was a move of the present press, and no further one of that press will be carried out. */
  readonly onRefused: (refused: Refused, endsPress: boolean) => void;
  /** From sending a message to reading its answer, the camera's own share included, in ms. */
  readonly onLatency: (roundTripMs: number, kind: string) => void;
  /** Stop could not go through the socket: it must go another way. */
  readonly onStopUnsent: () => void;
  /** The service has no such video session any more; a new one can be asked for. */
  readonly onVideoEnded: (video: string) => void;
  /** The way that moves take from now on. */
  readonly onLane: (lane: Lane) => void;
}

export type Lane = "socket" | "datagrams";

export type OpenSocket = (address: string) => WebSocket;

/** More unsent bytes than these, and a move is left out: the next one is newer anyway. */
export const MOST_UNSENT_BYTES = 512;
const PING_MS = 2_000;
/** The service answers pings; when nothing at all comes for this long, the connection is dead. */
const SILENT_MS = 7_000;
const CONNECT_LIMIT_MS = 8_000;

const LONGEST_DELAY_MS = 10_000;

/** Refusals of one move that say nothing about the next one of the same press. */
const PASSING = new Set<Refusal>(["rate-limited", "stale", "camera-fault"]);

/** Close codes of the service; anything else is tried again. */
const ENDINGS: Readonly<Record<number, EndReason>> = { 4401: "signed-out", 4404: "no-such-camera" };

export class ControlDriver implements SteerPort {
  private socket: WebSocket | null = null;
  private link: ControlLink = { name: "idle" };
  private seq = 0;
  private gesture = 0;
  /** The first message of the present gesture; refusals of earlier moves concern nobody any more. */
  private gestureFrom = 0;
  /** The lease in which the present gesture steers, null until it is told. */
  private gestureFence: number | null = null;
  private fence = new OwnFence();
  private mayControl = false;
  private delayMs: number | null = null;
  private heardAt = 0;
  /** Questions that were not answered yet. */
  private readonly wishes = new Set<number>();
  private readonly inFlight = new InFlight();
  private readonly asked = new InFlight(); // pings and wishes, kept apart: they do not hold moves back
  private readonly backoff = new Backoff();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;
  private readonly lane = new DatagramLane(
    (data) => this.heardDatagram(data),
    (isUsed) => this.onLane(isUsed),
  );

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
    this.lane.close();
    clearTimeout(this.retry);
    this.become({ name: "idle" });
  }

  /** The video session's data channel opened, or (null) is gone: moves then go over the socket at once. */
  offerChannel(channel: ControlChannel | null): void {
    this.lane.offer(channel);
    this.bindLane();
  }

  /** Finger to picture as measured here; goes out with moves, so that speed can be capped. */
  set totalDelayMs(delayMs: number | null) {
    this.delayMs = delayMs;
  }

  /** Left out, never queued, when the network does not carry moves at the pace at which they are made. */
  move(velocity: Velocity, gesture: number): void {
    const now = performance.now();
    if (this.link.name !== "open" || this.socket === null) return;
    if (this.inFlight.isFull(now)) {
      if (!this.lane.isUsable(now)) return;
      this.lane.doubt(now);
    }
    if (gesture !== this.gesture) {
      this.gesture = gesture;
      this.gestureFrom = this.seq + 1;
      this.gestureFence = null;
    }
    this.gestureFence ??= this.fence.value;
    this.fence.commanded();
    const text = this.numbered({
      type: "move",
      ...velocity,
      gesture,
      at_ms: Math.round(now),
      ...(this.gestureFence !== null && { fence: this.gestureFence }),
      ...(this.delayMs !== null && { delay_ms: Math.round(Math.min(this.delayMs, LONGEST_DELAY_MS)) }),
    });
    if (!this.lane.sendMove(text, now)) {
      if (this.socket.bufferedAmount > MOST_UNSENT_BYTES) return;
      this.socket.send(text);
    }
    this.inFlight.sent(this.seq, now);
  }

  /** Goes both ways at once, and is never held back. `gesture`: the newest press, 0 when there was none. */
  stop(gesture: number): void {
    const isStuck = (this.socket?.bufferedAmount ?? 0) > MOST_UNSENT_BYTES;
    if (this.link.name === "open") {
      const message: StopMessage = { type: "stop", ...(gesture > 0 && { gesture }), ...this.fenceMember() };
      this.lane.sendStop(this.sendWish(message));
      this.dropPress();
    }
    if (this.link.name !== "open" || isStuck) this.events.onStopUnsent();
  }

  /** The press ended without a Stop, and why was said: what is refused of it yet concerns nobody. */
  dropPress(): void {
    this.gestureFrom = this.seq + 1;
  }

  /** Whether it was sent. */
  ask(wish: Wish): boolean {
    if (this.link.name !== "open") return false;
    const isTravel = wish.type === "goto" || wish.type === "home";
    this.sendWish(isTravel ? { ...wish, ...this.fenceMember() } : wish);
    return true;
  }

  private fenceMember(): { readonly fence?: number } {
    const fence = this.fence.value;
    return fence === null ? {} : { fence };
  }

  private sendWish(message: Wish | StopMessage): string {
    const text = this.send(message);
    this.fence.commanded();
    this.wishes.add(this.seq);
    return text;
  }

  /** Send over the socket, to be answered; returns what was sent. */
  private send(message: ClientMessage): string {
    const text = this.numbered(message);
    this.socket?.send(text);
    this.asked.sent(this.seq, performance.now());
    return text;
  }

  private numbered(message: ClientMessage): string {
    this.seq += 1;
    return JSON.stringify({ ...message, seq: this.seq });
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
    else if (this.link.name === "open") this.send({ type: "ping", at_ms: Math.round(performance.now()) });
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

  /** Only answers come this way; anything else makes the lane worthless, not the socket. */
  private heardDatagram(data: unknown): void {
    try {
      const message = readMessage(data);
      if (message?.type === "ack" || message?.type === "error") this.dispatch(message);
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof SyntaxError)) throw error;
      this.lane.close();
    }
  }

  private onLane(isUsed: boolean): void {
    this.inFlight.clear(); // what the one way carries says nothing about the other
    this.events.onLane(isUsed ? "datagrams" : "socket");
  }

  private bindLane(): void {
    if (this.link.name !== "open" || !this.mayControl) return;
    this.lane.bind((video) => {
      this.send({ type: "datagrams", video });
      return this.seq;
    });
  }

  private dispatch(message: ServerMessage): void {
    switch (message.type) {
      case "ack":
        this.backoff.reset();
        this.wishes.delete(message.seq);
        if (!this.lane.answered(message.seq, true)) this.answered(message.seq, message.kind);
        break;
      case "error":
        if (!this.lane.answered(message.seq, false)) this.refused(message);
        break;
      case "state":
        this.fence.told(message.fence);
        this.mayControl = message.mayControl;
        this.events.onState(message);
        this.bindLane();
        break;
      case "video_ended":
        this.events.onVideoEnded(message.video);
        break;
      case "closing":
        break; // the close code that follows says the same
    }
  }

  private refused(message: Refused): void {
    const { seq } = message;
    if (seq !== null) this.settle(seq);
    if (seq === null || this.wishes.delete(seq)) {
      this.events.onRefused(message, false);
      return;
    }
    if (seq < this.gestureFrom) return; // a move of a press that is over
    const endsPress = !PASSING.has(message.code);
    if (endsPress) this.dropPress();
    this.events.onRefused(message, endsPress);
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
    this.lane.unbind();
    this.inFlight.clear();
    this.asked.clear();
    this.wishes.clear();
    this.fence = new OwnFence();
    this.mayControl = false;
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
