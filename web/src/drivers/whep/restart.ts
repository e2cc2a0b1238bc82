/** Restarts of ICE within one session: new credentials on both sides, and every way to the service is looked for again. */

import type { WhepAnswer } from "../../api/calls";
import type { Result } from "../../api/result";
import { relaysIn, restartFragment, withCredentials } from "./ice";

/** Between two restarts of one session, and after one that did not reach the service. */
const EVERY_MS = 3_000;
const AGAIN_MS = 500;

/** `early`: too soon after the last one, or one is on its way; `unreached`: no answer; `gone`: there is no such session. */
export type RestartOutcome = "done" | "early" | "unreached" | "gone";

export class IceRestarts {
  private isRunning = false;
  private notBefore = 0;

  /** `answer`: the service's answer to the session's offer. */
  constructor(
    private readonly peer: RTCPeerConnection,
    private answer: string,
    private readonly send: (fragment: string) => Promise<Result<WhepAnswer>>,
  ) {}

  /** The network is another one: the next restart need not wait. */
  hurry(): void {
    this.notBefore = 0;
  }

  /**
   * Restart, with the relays as further ways; tells those that the service named meanwhile.
   * Throws what the browser throws of descriptions that it refuses, or of a connection that was closed.
   */
  async restart(relays: readonly RTCIceServer[], onRelays: (relays: readonly RTCIceServer[]) => void): Promise<RestartOutcome> {
    if (this.isRunning || performance.now() < this.notBefore) return "early";
    this.isRunning = true;
    this.notBefore = performance.now() + EVERY_MS;
    try {
      const result = await this.send(await this.offer(relays));
      if (result.kind === "success") {
        const named = relaysIn(result.value.links);
        if (named.length > 0) onRelays(named);
        return await this.take(result.value.sdp);
      }
      if (result.kind === "error" && result.problem.status !== 0) return "gone";
      this.notBefore = performance.now() + AGAIN_MS;
      return "unreached";
    } finally {
      this.isRunning = false;
    }
  }

  private async offer(relays: readonly RTCIceServer[]): Promise<string> {
    const { peer } = this;
    if (relays.length > 0) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: [...relays] });
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const fragment = restartFragment(peer.localDescription?.sdp ?? "");
    if (fragment === null) throw new Error("the browser's offer has no ICE credentials");
    return fragment;
  }

  private async take(fragment: string): Promise<RestartOutcome> {
    const answer = withCredentials(this.answer, fragment);
    if (answer === null) return "gone";
    this.answer = answer;
    if (this.peer.signalingState === "closed") return "gone"; // meanwhile, by us
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
    return "done";
  }
}
