/** One camera on the screen: its drivers tied together, and what the screen shows of them as signals. */

import { batch, computed, signal } from "@preact/signals";
import { camera, controlAddress, stopCamera } from "../api/calls";
import type { Camera, CameraState } from "../api/model";
import type { Problem } from "../api/problem";
import type { QualityWish, VideoView } from "../api/video";
import { ControlDriver, type ControlLink, type Lane } from "../drivers/control/control-driver";
import type { ControlState, HiddenReason, Refused, Wish } from "../drivers/control/messages";
import type { Way } from "../drivers/feed/ladder";
import { PictureDriver } from "../drivers/feed/picture-driver";
import type { PictureSource } from "../drivers/feed/source";
import { vibrate } from "../drivers/haptics";
import { isSlowNetwork } from "../drivers/network-hint";
import type { KeyTargets } from "../drivers/steer/bind-keys";
import { SteerDriver, type SteerStateName } from "../drivers/steer/steer-driver";
import type { Velocity } from "../drivers/steer/velocity";
import { watchNetwork } from "../drivers/network";
import { StopGuard } from "../drivers/stop-guard";
import { WakeLock } from "../drivers/wake-lock";
import { isFinal, type WhepState } from "../drivers/whep/states";
import { changeWords } from "../i18n/control";
import { refusalWords } from "../i18n/problems";
import { words } from "../i18n/locale";
import { catalogue } from "./catalogue";
import { EmergencyWatch } from "./emergency-watch";
import { CommandDelay, totalMs, UNKNOWN_DELAY, type Delay } from "./delay";
import { changes, isOpenToMe } from "./holding";
import { notify } from "./notices";
import { goToList } from "./route";
import { checkSession, lapse } from "./session";
import { wantsSound } from "./sound";
import { browserWays } from "./ways";
import { WhyNotWatch } from "./why-not";
import { keepWish, wish } from "./wish";

/** A page in the background lets go of the picture after this long: it costs somebody's mobile data. */
const HIDDEN_MS = 20_000;
const REFETCH_MS = 3_000;
const NOT_MINE = new Set<Problem["kind"]>(["forbidden", "not-found"]);

export class LiveSession implements KeyTargets {
  readonly camera = signal<Camera | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly picture = signal<WhepState>({ name: "idle" });
  readonly source = signal<PictureSource | null>(null);
  /** What is heard, where the person wants that. */
  readonly sound = signal<MediaStream | null>(null);
  /** Which way the picture comes. */
  readonly way = signal<Way>("webrtc");
  /** Which of the camera's streams is shown, and why. */
  readonly view = signal<VideoView | null>(null);
  readonly link = signal<ControlLink>({ name: "idle" });
  readonly control = signal<ControlState | null>(null);
  /** When `control` was told, on performance.now()'s clock: its times to come count from then. */
  readonly toldAt = signal(0);
  /** Why the service withholds the picture; stays while the control socket is being connected again. */
  readonly hidden = signal<HiddenReason | null>(null);
  readonly lane = signal<Lane>("socket");
  readonly steering = signal<SteerStateName>("idle");
  readonly delay = signal<Delay>(UNKNOWN_DELAY);
  /** Whether this person may ever steer this camera. */
  readonly maySteer = computed(() => this.camera.value?.steerable === true && this.camera.value.may.control);
  /** Whether this person may know of the camera, but not watch it. */
  readonly isForbidden = computed(() => this.camera.value?.may.live === false);

  private readonly abort = new AbortController();
  readonly emergency: EmergencyWatch;
  readonly whyNot: WhyNotWatch;
  private readonly command = new CommandDelay();
  private readonly video: PictureDriver;
  private readonly socket: ControlDriver;
  private readonly steer: SteerDriver;
  private readonly guard = new StopGuard(() => this.steer.halt());
  private readonly wakeLock = new WakeLock();
  private heightPx = 0;
  private background: ReturnType<typeof setTimeout> | undefined;
  private refetch: ReturnType<typeof setTimeout> | undefined;
  /** The newest state that there was, also from before the socket was lost. */
  private lastTold: ControlState | null = null;

  constructor(readonly id: string) {
    this.emergency = new EmergencyWatch(id, () => this.lookAgain(), this.abort.signal);
    this.whyNot = new WhyNotWatch(id, this.abort.signal);
    const ways = browserWays(id, {
      wantsControl: () => this.mayEverSteer(),
      wantsSound: () => wantsSound.value && this.camera.value?.audio === true,
      onSound: (stream) => (this.sound.value = stream),
      demand: () => ({ wish: wish.value, heightPx: this.heightPx, isSlow: isSlowNetwork() }),
      onChannel: (channel) => this.socket.offerChannel(channel),
    });
    this.video = new PictureDriver(ways, {
      onState: (state) => this.onPicture(state),
      onSource: (source) => (this.source.value = source),
      onDelay: (videoMs) => this.onDelay({ ...this.delay.value, videoMs }),
      onView: (view) => (this.view.value = view),
      onWay: (way) => (this.way.value = way),
    });
    this.socket = new ControlDriver(controlAddress(id), {
      onLink: (link) => this.onLink(link),
      onState: (state) => this.onControl(state),
      onRefused: (refused, endsPress) => this.onRefused(refused, endsPress),
      onLatency: (tripMs, kind) => this.onDelay({ ...this.delay.value, commandMs: this.command.heard(tripMs, kind, performance.now()) }),
      onStopUnsent: () => void this.stopByHttp(),
      onLane: (lane) => (this.lane.value = lane),
      onVideoEnded: (video) => this.video.sessionEnded(video),
    });
    this.steer = new SteerDriver(this.socket, (state) => (this.steering.value = state));
  }

  start(): void {
    this.video.start();
    this.socket.start();
    this.guard.start();
    this.wakeLock.start();
    const options = { signal: this.abort.signal };
    watchNetwork(() => this.rejoin(), this.abort.signal);
    addEventListener("pagehide", () => this.leave(), options);
    addEventListener("pageshow", (event) => {
      if (event.persisted) this.wake();
    }, options);
    document.addEventListener("visibilitychange", () => this.onVisibility(), options);
    void this.fetchCamera();
  }

  close(): void {
    this.steer.close();
    this.guard.close();
    this.socket.close();
    this.video.close();
    this.wakeLock.close();
    clearTimeout(this.background);
    clearTimeout(this.refetch);
    this.emergency.close();
    this.abort.abort();
  }

  // What the person does ----------------------------------------------------------------------------------------------

  mayPress(): boolean {
    if (!this.maySteer.value) return false;
    if (this.link.value.name === "open") return true;
    notify(words.value.controlLost, "warn");
    vibrate("refused");
    return false;
  }

  hold(source: string, velocity: Velocity): void {
    if (this.steer.state === "idle") vibrate("press");
    this.steer.hold(source, velocity);
  }

  release(source: string): void {
    this.steer.release(source);
  }

  stop(): void {
    if (!this.maySteer.value) return;
    this.steer.stop();
    vibrate("stop");
  }

  back(): void {
    this.steer.halt();
    goToList();
  }

  /** Ask something about control; whether it was sent. */
  ask(wish: Wish): boolean {
    if (wish.type === "release" || wish.type === "hand_over") this.steer.makeWay();
    const isSent = this.socket.ask(wish);
    if (!isSent) notify(words.value.controlLost, "warn");
    return isSent;
  }

  goHome(): void {
    this.steer.makeWay();
    if (this.mayPress() && this.socket.ask({ type: "home" })) notify(words.value.goingHome);
  }

  goTo(preset: string, name: string): void {
    this.steer.makeWay();
    if (this.mayPress() && this.socket.ask({ type: "goto", preset })) notify(words.value.goingTo(name));
  }

  /** What this person may do here has changed, or may have. */
  lookAgain(): void {
    void this.fetchCamera();
  }

  /** Try everything again that waits. */
  nudge(): void {
    if (this.isForbidden.value) {
      this.lookAgain(); // it may be allowed by now
      return;
    }
    this.video.nudge();
    this.socket.nudge();
    this.whyNot.nudge();
    if (this.camera.value === null) void this.fetchCamera();
  }

  /** The phone is in another network: everything that waits is tried again, and what runs finds its way anew. */
  private rejoin(): void {
    this.video.reroute();
    this.nudge();
  }

  /** The video element shows a frame. */
  sawFrame(): void {
    this.video.sawFrame();
  }

  /** The picture is shown at this height from now on, in device pixels. */
  resized(heightPx: number): void {
    const isLike = Math.abs(heightPx - this.heightPx) <= 0.1 * this.heightPx; // bars that come and go change nothing
    if (isLike) return;
    const isFirst = this.heightPx === 0;
    this.heightPx = heightPx;
    if (!isFirst) this.video.ask();
  }

  /** Always this stream from now on, or whichever the link carries. */
  want(next: QualityWish): void {
    keepWish(next);
    this.video.ask();
  }

  /** Hear the camera, or hear it no more: a new session, for the one there is has not agreed on that. */
  hear(isWanted: boolean): void {
    wantsSound.value = isWanted;
    this.video.renew();
  }

  /** Nothing may go on turning behind a dialog. */
  halt(): void {
    this.steer.halt();
  }

  // What the drivers say ----------------------------------------------------------------------------------------------

  private onPicture(state: WhepState): void {
    this.picture.value = state;
    const isOut = state.name === "failed" && state.fault.kind === "refused" && state.fault.problem.kind === "not-signed-in";
    if (isOut) lapse();
    else if (state.name === "failed" && state.fault.kind === "refused" && NOT_MINE.has(state.fault.problem.kind)) this.unlessForbidden();
  }

  /** The service says that this is not for us, which the page did not know. */
  private unlessForbidden(): void {
    if (this.camera.value?.may.live === true) this.lookAgain();
  }

  private onLink(link: ControlLink): void {
    this.link.value = link;
    if (link.name === "open") return;
    this.steer.halt();
    this.control.value = null;
    if (link.name === "ended" && link.reason === "signed-out") lapse();
    if (link.name === "ended" && link.reason === "no-such-camera") this.unlessForbidden();
    if (link.name === "waiting" && link.attempt === 2) void checkSession(); // a refused handshake does not say why
  }

  private onControl(state: ControlState): void {
    const before = this.lastTold;
    this.lastTold = state;
    batch(() => {
      this.control.value = state;
      this.toldAt.value = performance.now();
      this.hidden.value = state.hidden;
    });
    if (state.holder !== null && !state.holder.you && !isOpenToMe(state)) {
      this.steer.refused();
      this.socket.dropPress();
    }
    this.video.withhold(state.hidden !== null);
    this.followRight(before, state);
    if (state.camera.state === "live" && before !== null && before.camera.state !== "live") this.cameBack(before.camera.state);
    for (const change of changes(before, state)) {
      vibrate(change.kind === "lost" ? "refused" : change.kind);
      const text = changeWords(words.value, change);
      if (text !== null) notify(text, change.kind === "granted" ? "calm" : "warn");
    }
  }

  /** The right to steer came or went: the controls come, or go with a reason. */
  private followRight(before: ControlState | null, state: ControlState): void {
    const couldControl = before?.mayControl ?? this.camera.value?.may.control ?? state.mayControl;
    if (couldControl !== state.mayControl) this.lookAgain();
  }

  private cameBack(from: CameraState): void {
    if (from === "offline") this.video.nudge();
    if (this.camera.value?.steerable === false) void this.fetchCamera(); // it may not have said yet what it can do
  }

  private onRefused(refused: Refused, endsPress: boolean): void {
    if (endsPress) this.steer.refused();
    const text = refusalWords(words.value, refused);
    if (text === null) return;
    vibrate("refused");
    notify(text, "warn");
  }

  private onDelay(delay: Delay): void {
    this.delay.value = delay;
    const isWhole = delay.videoMs !== null && delay.commandMs !== null;
    this.socket.totalDelayMs = isWhole ? totalMs(delay) : null;
  }

  /** The list may know already that nobody steers here: then no channel for commands is asked for. */
  private mayEverSteer(): boolean {
    const known = this.camera.value ?? catalogue.value.items?.find((item) => item.id === this.id);
    return known === undefined || (known.may.control && (known.steerable || known.state !== "live"));
  }

  private async stopByHttp(): Promise<void> {
    const answer = await stopCamera(this.id);
    if (answer.kind === "error" && answer.problem.status === 0) notify(words.value.stopFailed, "warn");
  }

  private async fetchCamera(): Promise<void> {
    clearTimeout(this.refetch);
    const answer = await camera(this.id, this.abort.signal);
    if (answer.kind === "aborted") return;
    if (answer.kind === "success") {
      const before = this.camera.value;
      const isFirst = before === null;
      const wasForbidden = this.isForbidden.value;
      this.camera.value = answer.value;
      this.problem.value = null;
      this.emergency.told(before, answer.value);
      this.whyNot.told(answer.value);
      if (this.isForbidden.value) this.leave();
      else if (wasForbidden) this.wake();
      if (isFirst && answer.value.audio && wantsSound.value) this.video.renew(); // the first session could not know of it
      return;
    }
    this.problem.value = answer.problem;
    if (answer.problem.kind === "not-signed-in") lapse();
    if (isFinal(answer.problem)) {
      this.socket.close(); // nothing to steer or to see: unknown here, or not mine
      this.video.close();
    } else this.refetch = setTimeout(() => void this.fetchCamera(), REFETCH_MS);
  }

  private onVisibility(): void {
    clearTimeout(this.background);
    if (document.visibilityState === "visible") this.wake();
    else this.background = setTimeout(() => this.video.close(), HIDDEN_MS);
  }

  /** The page goes away, perhaps to be brought back from the browser's memory: the guard has said Stop before. */
  private leave(): void {
    this.video.close();
    this.socket.close();
  }

  private wake(): void {
    if (this.isForbidden.value) {
      this.nudge();
      return;
    }
    this.video.start();
    if (this.camera.value !== null || this.problem.value === null) this.socket.start();
    this.nudge();
  }
}
