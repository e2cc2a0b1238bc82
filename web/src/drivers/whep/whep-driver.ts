/** One camera's live picture by WHEP, kept alive. States: see states.ts; independent of any component. */

import type { Result } from "../../api/result";
import type { WhepAnswer } from "../../api/calls";
import type { VideoView } from "../../api/video";
import { Backoff } from "../backoff";
import type { ControlChannel } from "../control/datagram-lane";
import { LivingPicture } from "../feed/living";
import { FrameWatch, type FrameVerdict } from "./frame-watch";
import { relaysIn } from "./ice";
import { recvonlyPeer, type Peer, type PeerWishes } from "./peer";
import { pageRelays, type Relays } from "./relays";
import { IceRestarts } from "./restart";
import { Meter } from "./meter";
import { sampleOf, type VideoSample } from "./stats";
import type { WhepState } from "./states";

export interface WhepPort {
  offer(sdp: string): Promise<Result<WhepAnswer>>;
  /** New ICE credentials for a session; the answer's `sdp` is a fragment with the service's. */
  restart(session: string, fragment: string): Promise<Result<WhepAnswer>>;
  end(session: string): void;
  /** Which of the camera's streams a session shows, and why. */
  show(session: string): Promise<Result<VideoView>>;
  /** Tell the service what is wanted now: the person's wish, the picture's size, how the network calls itself. */
  ask(session: string): Promise<Result<VideoView>>;
  /** With these relays to go through; null where the browser has no WebRTC. */
  makePeer(relays: readonly RTCIceServer[]): Peer | null;
  isShown(): boolean;
}

export interface WhepEvents {
  readonly onState: (state: WhepState) => void;
  /** The stream to show, null when there is none; the last picture may stay on the screen. */
  readonly onStream: (stream: MediaStream | null) => void;
  /** What is heard beside it; null: nothing any more. */
  readonly onSound: (stream: MediaStream | null) => void;
  /** Delay of the picture in ms, once a second. */
  readonly onDelay: (delayMs: number | null) => void;
  /** What is shown; null: not known. */
  readonly onView: (view: VideoView | null) => void;
  /** The session's channel for commands is open; null: it is gone. */
  readonly onChannel: (channel: ControlChannel | null) => void;
}

/** `wishes`: whether this camera may be steered, as far as is known, and whether it is to be heard. */
export function browserPeer(wishes: () => PeerWishes): Pick<WhepPort, "makePeer" | "isShown"> {
  return { makePeer: (relays) => recvonlyPeer(wishes(), relays), isShown: () => document.visibilityState === "visible" };
}

const WATCH_MS = 500;
/** Sooner than the watch, so that "live" is said when the picture is there. */
const FIRST_WATCH_MS = 100;
/** A path that broke is mended by a restart of ICE within this time (a lift, a change of cell), or a new session begins. */
const MEND_MS = 4_000;
/** The picture comes by the straight way within this time, or relays are tried too. */
const STRAIGHT_MS = 2_000;
const FOUND: ReadonlySet<RTCIceConnectionState> = new Set(["connected", "completed"]);
/** Between answer and connection: longer, and this network lets no WebRTC through. */
const REACH_MS = 6_000;
const UNREACHED: ReadonlySet<RTCPeerConnectionState> = new Set(["new", "connecting"]);

interface Session {
  readonly peer: RTCPeerConnection;
  readonly control: RTCDataChannel | null;
  readonly hold: (ms: number) => void;
  location: string | null;
  /** There is nothing to restart before the answer. */
  ice: IceRestarts | null;
  /** Judges the frames that came; there is nothing to judge before the answer. */
  look: (() => Promise<void>) | null;
}

/** The video session's id: the last part of its address. */
export function videoId(location: string): string {
  const path = new URL(location, globalThis.location.href).pathname;
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
}

export class WhepDriver extends LivingPicture {
  private session: Session | null = null;
  private meter = new Meter();
  private watch: ReturnType<typeof setTimeout> | undefined;
  private mend: ReturnType<typeof setTimeout> | undefined;
  private straight: ReturnType<typeof setTimeout> | undefined;
  private reach: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly port: WhepPort,
    private readonly events: WhepEvents,
    backoff = new Backoff(),
    private readonly relays: Relays = pageRelays,
  ) {
    super(events, backoff);
  }

  /** The phone is in another network now: find the way anew, within the session if there is one. */
  reroute(): void {
    this.relays.areNeeded = false;
    const session = this.session;
    if (session === null) this.nudge();
    else {
      session.ice?.hurry();
      void this.restart(session);
    }
  }

  /** What is wanted has changed; a session that is still to be opened asks for it by itself. */
  ask(): void {
    if (this.session !== null) void this.view(this.session, (location) => this.port.ask(location));
  }

  override close(): void {
    this.drop();
    this.events.onStream(null);
    super.close();
  }

  /** The service says that this session is over: a new one almost at once, instead of seconds of a standing picture. */
  sessionEnded(video: string): void {
    const { session } = this;
    const location = session?.location ?? null;
    if (session === null || location === null || videoId(location) !== video) return;
    session.location = null; // nothing left to end there
    this.fail({ kind: "ended" }, true);
  }

  /** The session stays meanwhile. */
  override withhold(isWithheld: boolean): void {
    if (isWithheld === this.isWithheld) return;
    super.withhold(isWithheld);
    if (!isWithheld && this.session !== null) this.lookIn(this.session, 0);
  }

  protected override open(): void {
    const peer = this.port.makePeer(this.relays.areNeeded ? this.relays.servers : []);
    if (peer === null) {
      this.fail({ kind: "unsupported" });
      return;
    }
    const session: Session = { peer: peer.connection, control: peer.control, hold: peer.hold, location: null, ice: null, look: null };
    this.session = session;
    this.listen(session);
    this.listenToControl(session);
    void this.agree(session);
  }

  private async agree(session: Session): Promise<void> {
    try {
      await this.negotiate(session);
    } catch (error) {
      if (!(error instanceof Error)) throw error; // DOMException is an Error: a description that the browser refuses
      if (this.session === session) this.fail({ kind: "answer" });
    }
  }

  private async negotiate(session: Session): Promise<void> {
    await session.peer.setLocalDescription(); // creates the offer; candidates are not waited for
    const offer = session.peer.localDescription?.sdp ?? "";
    if (this.session !== session) return;
    const answer = await this.port.offer(offer);
    const isOurs = this.session === session;
    if (answer.kind === "success") session.location = answer.value.session;
    if (answer.kind === "error" && isOurs) this.fail({ kind: "refused", problem: answer.problem });
    if (answer.kind === "success" && !isOurs) this.endOnService(session); // closed while the answer was on its way
    if (answer.kind !== "success" || !isOurs) return;
    this.relays.servers = relaysIn(answer.value.links);
    const { sdp, session: location } = answer.value;
    await session.peer.setRemoteDescription({ type: "answer", sdp });
    if (location !== null) session.ice = new IceRestarts(session.peer, sdp, (fragment) => this.port.restart(location, fragment));
    this.watchFrames(session);
    this.straight = setTimeout(() => this.tryRelays(session), STRAIGHT_MS);
    this.reach = setTimeout(() => {
      if (this.session === session && UNREACHED.has(session.peer.connectionState)) this.fail({ kind: "ice" });
    }, REACH_MS);
  }

  /** Nothing came by the straight way: the same session, with the relays as further ways. */
  private tryRelays(session: Session): void {
    const { peer } = session;
    if (this.session !== session || FOUND.has(peer.iceConnectionState) || this.relays.servers.length === 0) return;
    this.relays.areNeeded = true;
    void this.restart(session);
  }

  /** The browser looks for every way again, within the session; the picture goes on by the first that works. */
  private async restart(session: Session): Promise<void> {
    try {
      const outcome = await session.ice?.restart(this.relays.servers, (servers) => (this.relays.servers = servers));
      // When the service was not reached the network is still changing: who called for a restart calls again or gives up.
      if (outcome === "gone" && this.session === session) this.fail({ kind: "ice" });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (this.session === session) this.fail({ kind: "answer" });
    }
  }

  private listen(session: Session): void {
    const { peer } = session;
    const isOurs = (): boolean => this.session === session;
    peer.ontrack = (event) => {
      if (!isOurs()) return;
      const stream = event.streams[0] ?? new MediaStream([event.track]);
      if (event.track.kind === "audio") {
        this.events.onSound(stream);
        return; // without sound the picture is still what it was
      }
      this.events.onStream(stream);
      event.track.onended = () => {
        if (isOurs()) this.fail({ kind: "ended" });
      };
    };
    peer.onconnectionstatechange = () => {
      if (!isOurs()) return;
      if (peer.connectionState === "connected") {
        clearTimeout(this.mend);
        this.mend = undefined;
      }
      if (peer.connectionState === "failed") this.fail({ kind: "ice" });
      if (peer.connectionState === "closed") this.fail({ kind: "ended" });
      if (peer.connectionState === "disconnected") this.mendOrFail(session);
    };
  }

  private mendOrFail(session: Session): void {
    void this.restart(session);
    this.mend ??= setTimeout(() => this.fail({ kind: "ice" }), MEND_MS);
  }

  /** It opens after the answer was taken, so that the service has named the session by then. */
  private listenToControl(session: Session): void {
    const { control } = session;
    if (control === null) return;
    control.onopen = () => this.offerControl(session);
    control.onclose = () => {
      if (this.session === session) this.events.onChannel(null);
    };
  }

  private offerControl(session: Session): void {
    const { control, location } = session;
    if (this.session !== session || control?.readyState !== "open" || location === null) return;
    this.events.onChannel({ video: videoId(location), channel: control });
  }

  private watchFrames(session: Session): void {
    let frames = new FrameWatch(performance.now());
    this.meter = new Meter();
    session.look = async () => {
      const stats = await session.peer.getStats();
      if (this.session !== session) return;
      const sample = sampleOf(stats.values());
      const decoded = sample?.framesDecoded ?? 0;
      if (this.isWithheld) frames = new FrameWatch(performance.now(), decoded); // only what comes after it counts
      const now = performance.now();
      if (!this.heed(session, frames.see(decoded, now, this.port.isShown()))) return;
      if (sample !== null) this.measure(session, sample, now);
      this.lookIn(session, this.state.name === "live" || this.isWithheld ? WATCH_MS : FIRST_WATCH_MS);
    };
    void session.look();
  }

  private measure(session: Session, sample: VideoSample, now: number): void {
    const reading = this.state.name === "live" ? this.meter.see(sample, now) : null;
    if (reading === null) return;
    this.events.onDelay(reading.delayMs);
    session.hold(reading.holdMs);
    if (reading.isOther) void this.view(session, (location) => this.port.show(location));
  }

  private async view(session: Session, ask: (location: string) => Promise<Result<VideoView>>): Promise<void> {
    if (session.location === null) return;
    const answer = await ask(session.location);
    if (answer.kind === "success" && this.session === session) this.events.onView(answer.value);
  }

  /** Whether to go on watching this session. */
  private heed(session: Session, verdict: FrameVerdict): boolean {
    if (verdict === "flowing") this.sawFrame();
    if (verdict === "quiet") void this.restart(session); // the browser itself says "disconnected" seconds later
    if (verdict === "flowing" || verdict === "waiting" || verdict === "quiet") return true;
    this.fail({ kind: verdict });
    return false;
  }

  private lookIn(session: Session, ms: number): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => void session.look?.(), ms);
  }

  protected override drop(): void {
    clearTimeout(this.watch);
    clearTimeout(this.mend);
    clearTimeout(this.straight);
    clearTimeout(this.reach);
    this.mend = undefined;
    const session = this.session;
    this.session = null;
    if (session === null) return;
    session.peer.ontrack = session.peer.onconnectionstatechange = null;
    if (session.control !== null) {
      session.control.onopen = session.control.onclose = null;
      this.events.onChannel(null);
    }
    session.peer.close();
    this.events.onSound(null);
    this.events.onView(null);
    this.endOnService(session);
  }

  private endOnService(session: Session): void {
    if (session.location !== null) this.port.end(session.location);
  }
}
