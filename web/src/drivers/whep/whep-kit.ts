/** What the tests of the picture's driver share: a peer connection moved by hand. */

import { vi } from "vitest";
import type { WhepAnswer } from "../../api/calls";
import { success } from "../../api/result";

/** As much of an RTCPeerConnection as the driver uses, moved by hand. */
export class FakePeer {
  static all: FakePeer[] = [];
  static areReachable = true;
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  signalingState: RTCSignalingState = "stable";
  localDescription: { sdp: string } | null = null;
  remote: RTCSessionDescriptionInit | null = null;
  refusesAnswer = false;
  readonly isReachable = FakePeer.areReachable;
  closed = false;
  frames = 0;
  lost = 0;
  heightPx = 720;
  restarts = 0;
  configuration: RTCConfiguration = { bundlePolicy: "max-bundle" };
  ontrack: ((event: { streams: unknown[]; track: { kind: string; onended: (() => void) | null } }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly track = { kind: "video", onended: null as (() => void) | null };

  constructor() {
    FakePeer.all.push(this);
  }

  createOffer(options: RTCOfferOptions): Promise<{ sdp: string }> {
    this.restarts += options.iceRestart === true ? 1 : 0;
    return Promise.resolve({ sdp: `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:new${this.restarts}\r\na=ice-pwd:secret\r\na=mid:0\r\n` });
  }

  setLocalDescription(description?: { sdp: string }): Promise<void> {
    this.localDescription = description ?? { sdp: "offer" };
    return Promise.resolve();
  }

  getConfiguration(): RTCConfiguration {
    return this.configuration;
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (this.refusesAnswer) return Promise.reject(new DOMException("bad", "OperationError"));
    this.remote = description;
    if (this.isReachable) this.connectionState = this.iceConnectionState = "connected";
    this.ontrack?.({ streams: ["stream"], track: this.track });
    return Promise.resolve();
  }

  getStats(): Promise<Map<string, unknown>> {
    const video = { type: "inbound-rtp", kind: "video", framesDecoded: this.frames, jitterBufferDelay: this.frames * 0.05, jitterBufferEmittedCount: this.frames,
      packetsReceived: 10 * this.frames, packetsLost: this.lost, frameHeight: this.heightPx };
    return Promise.resolve(new Map([["v", video]]));
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.iceConnectionState = state === "connecting" ? "checking" : state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
    this.signalingState = "closed";
  }
}

export const ANSWER = success<WhepAnswer>({ sdp: "answer", session: "/whep/1", links: null });

export function newest(): FakePeer {
  const peer = FakePeer.all.at(-1);
  if (peer === undefined) throw new Error("no peer was made");
  return peer;
}

/** Let what was promised happen, and this much time pass. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Frames flow at 25 a second for this long. */
export async function flow(ms: number): Promise<void> {
  for (let now = 0; now < ms; now += 200) {
    newest().frames += 5;
    await pass(200);
  }
}
