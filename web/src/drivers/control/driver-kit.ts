/** A control driver with fakes at both ends, for its tests. */

import { afterEach, beforeEach, expect, vi } from "vitest";
import { ControlDriver, type ControlEvents, type ControlLink, type Lane } from "./control-driver";
import type { ControlState, Refused } from "./messages";

export const RIGHT = { pan: 1, tilt: 0, zoom: 0 };

export interface Sent {
  readonly type: string;
  readonly seq: number;
  readonly gesture?: number;
  readonly fence?: number;
  readonly delay_ms?: number;
  readonly video?: string;
}

/** As much of a WebSocket as the driver uses. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  bufferedAmount = 0;
  closed = false;
  sent: Sent[] = [];

  constructor(readonly address: string) {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }

  close(): void {
    this.closed = true;
  }

  of(type: string): Sent[] {
    return this.sent.filter((message) => message.type === type);
  }

  say(message: unknown): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

/** As much of a data channel as the driver uses. */
export class FakeChannel {
  readyState: RTCDataChannelState = "open";
  bufferedAmount = 0;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  sent: Sent[] = [];

  send(text: string): void {
    if (this.readyState !== "open") throw new DOMException("closed", "InvalidStateError");
    this.sent.push(JSON.parse(text) as Sent);
  }

  of(type: string): Sent[] {
    return this.sent.filter((message) => message.type === type);
  }

  say(message: unknown): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

/** What the driver said, since the test began. */
export const heard = {
  links: [] as ControlLink[],
  states: [] as ControlState[],
  refusals: [] as Refused[],
  pressesEnded: [] as boolean[],
  latencies: [] as [number, string][],
  lanes: [] as Lane[],
  videosEnded: [] as string[],
  unsentStops: 0,
};

export let driver: ControlDriver;

export function newest(): FakeSocket {
  const socket = FakeSocket.all.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
}

export function opened(): FakeSocket {
  driver.start();
  newest().onopen?.();
  return newest();
}

export const FREE = { type: "state", holder: null, moving: false, may_control: true, camera: { state: "live" } };

export function ours(fence: number): object {
  return { ...FREE, fence, holder: { name: "Siti", you: true, expires_in_ms: 9_000 } };
}

/** A channel that the service has bound to this socket. */
export function bound(socket: FakeSocket, video = "v1"): FakeChannel {
  const channel = new FakeChannel();
  driver.offerChannel({ video, channel: channel as unknown as RTCDataChannel });
  const asked = socket.of("datagrams").at(-1);
  expect(asked?.video).toBe(video);
  socket.say({ type: "ack", seq: asked?.seq, kind: "datagrams" });
  return channel;
}

/** A new driver for each test of the file that calls this. */
export function withDriver(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    FakeSocket.all = [];
    Object.assign(heard, { links: [], states: [], refusals: [], pressesEnded: [], latencies: [], lanes: [], videosEnded: [], unsentStops: 0 });
    const events: ControlEvents = {
      onLink: (link) => heard.links.push(link),
      onState: (state) => heard.states.push(state),
      onRefused: (refused, endsPress) => {
        heard.refusals.push(refused);
        heard.pressesEnded.push(endsPress);
      },
      onLatency: (ms, kind) => heard.latencies.push([ms, kind]),
      onStopUnsent: () => (heard.unsentStops += 1),
      onLane: (lane) => heard.lanes.push(lane),
      onVideoEnded: (video) => heard.videosEnded.push(video),
    };
    driver = new ControlDriver("ws://x/control", events, (address) => new FakeSocket(address) as unknown as WebSocket);
  });

  afterEach(() => {
    driver.close();
    vi.useRealTimers();
  });
}
