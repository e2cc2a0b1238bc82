/** One camera's live picture, whichever way it comes: the ladder decides, the drivers do it. */

import type { VideoView } from "../../api/video";
import type { PictureFault, WhepState } from "../whep/states";
import { Ladder, type NetworkMemory, type Support, type Way } from "./ladder";
import type { PictureEvents, PictureSource, PictureWay } from "./source";

export interface PicturePort {
  readonly support: Support;
  readonly memory: NetworkMemory;
  make(way: Way, events: PictureEvents): PictureWay;
}

export interface PictureDriverEvents extends PictureEvents {
  readonly onWay: (way: Way) => void;
}

const CLIMB_LOOK_MS = 1_000;
const PROVED_MS = 10_000;

/** A better way that is tried while the picture still comes the present one. */
interface Trial {
  readonly way: Way;
  readonly driver: PictureWay;
  source: PictureSource | null;
  view: VideoView | null;
}

export class PictureDriver implements PictureWay {
  private readonly ladder: Ladder;
  private driver: PictureWay;
  private trial: Trial | null = null;
  private liveSince: number | null = null;
  private isWithheld = false;
  private isRunning = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly port: PicturePort,
    private readonly events: PictureDriverEvents,
  ) {
    this.ladder = new Ladder(port.support, port.memory, performance.now());
    this.driver = this.make(this.ladder.way);
  }

  get state(): WhepState {
    return this.driver.state;
  }

  get way(): Way {
    return this.ladder.way;
  }

  start(): void {
    this.isRunning = true;
    this.events.onWay(this.ladder.way);
    clearInterval(this.timer);
    this.timer = setInterval(() => this.look(), CLIMB_LOOK_MS);
    this.driver.start();
  }

  nudge(): void {
    this.driver.nudge();
  }

  close(): void {
    this.isRunning = false;
    clearInterval(this.timer);
    this.endTrial();
    this.driver.close();
  }

  withhold(isWithheld: boolean): void {
    this.isWithheld = isWithheld;
    if (isWithheld) this.endTrial();
    this.driver.withhold(isWithheld);
  }

  sawFrame(): void {
    this.driver.sawFrame();
  }

  ask(): void {
    this.driver.ask();
    this.trial?.driver.ask();
  }

  /** Begin anew, because what is wanted has to be agreed on from the beginning; the last picture stays until then. */
  renew(): void {
    this.endTrial();
    if (this.isRunning) this.change(this.make(this.ladder.way));
  }

  /** What failed before may work now. */
  reroute(): void {
    this.ladder.networkChanged(performance.now());
    this.driver.reroute();
  }

  sessionEnded(video: string): void {
    this.driver.sessionEnded?.(video);
  }

  private make(way: Way): PictureWay {
    const driver: PictureWay = this.port.make(way, {
      onState: (state) => this.heard(driver, state),
      onSource: (source) => {
        if (this.trial?.driver === driver) this.trial.source = source;
        else if (this.driver === driver) this.events.onSource(source);
      },
      onDelay: (delayMs) => {
        if (this.driver === driver) this.events.onDelay(delayMs);
      },
      onView: (view) => {
        if (this.driver === driver) this.events.onView(view);
        else if (this.trial?.driver === driver) this.trial.view = view;
      },
    });
    return driver;
  }

  private heard(driver: PictureWay, state: WhepState): void {
    if (this.trial?.driver === driver) this.heardTrial(this.trial, state);
    if (this.driver !== driver) return;
    this.liveSince = state.name === "live" ? performance.now() : null;
    if ((state.name === "retrying" || state.name === "failed") && this.descends(state.fault)) return;
    this.events.onState(state);
  }

  private descends(fault: PictureFault): boolean {
    if (!this.ladder.failed(fault, performance.now())) return false;
    this.change(this.make(this.ladder.way));
    return true;
  }

  /** From now on the picture comes by this driver. */
  private change(driver: PictureWay): void {
    const before = this.driver;
    this.driver = driver;
    this.liveSince = null;
    before.close();
    this.events.onDelay(null);
    this.events.onView(null);
    this.events.onWay(this.ladder.way);
    driver.withhold(this.isWithheld);
    if (this.isRunning) driver.start();
  }

  private look(): void {
    const nowMs = performance.now();
    if (this.liveSince !== null && nowMs - this.liveSince > PROVED_MS) this.ladder.proved();
    if (this.trial !== null || this.isWithheld) return;
    const better = this.ladder.better(nowMs);
    if (better === null) return;
    this.ladder.trying(nowMs);
    if (better === "webrtc") this.try(better);
    else this.climb(better);
  }

  /** A picture a second is soon made up for: the better way is taken at once; the last picture stays until it shows one. */
  private climb(way: Way): void {
    this.ladder.climbed(way, performance.now());
    this.change(this.make(way));
  }

  private try(way: Way): void {
    const driver = this.make(way);
    this.trial = { way, driver, source: null, view: null };
    driver.start();
  }

  private heardTrial(trial: Trial, state: WhepState): void {
    if (state.name === "retrying" || state.name === "failed") this.endTrial();
    if (state.name !== "live") return;
    this.trial = null;
    this.ladder.climbed(trial.way, performance.now());
    const before = this.driver;
    this.driver = trial.driver;
    before.close();
    this.events.onWay(this.ladder.way);
    this.events.onView(trial.view);
    if (trial.source !== null) this.events.onSource(trial.source);
  }

  private endTrial(): void {
    const trial = this.trial;
    this.trial = null;
    trial?.driver.close();
  }
}
