/**
 * What all thumbs, keys and buttons together ask of the camera, said ten times a second while any of them is held.
 *
 * States: idle (nothing held), moving (a press lives), spent (stopped by STOP, a guard or a refusal while something is
 * still held: nothing moves until everything was let go and pressed anew).
 */

import { isSame, isStill, STILL, sum, type Velocity } from "./velocity";

/** Where an asked velocity comes from: "pad", "picture", "zoom-in", "key-ArrowLeft" and so on. */
export type SteerSource = string;

export interface SteerPort {
  /** `gesture` numbers the press; the service refuses one that was stopped. */
  move(velocity: Velocity, gesture: number): void;
  /** `gesture`: the newest press, which is over with this; 0 when there was none. */
  stop(gesture: number): void;
}

export type SteerStateName = "idle" | "moving" | "spent";

/** A move lives 600 ms in the service; this often it is said again. */
export const REPEAT_MS = 100;
/** A change of direction need not wait for the beat, but stays below the 20 messages a second that are allowed. */
export const SOONEST_MS = 60;
/** Stop is said once more after this time, for the case that a late move overtook it. */
export const STOP_AGAIN_MS = 100;

export class SteerDriver {
  private readonly asked = new Map<SteerSource, Velocity>();
  private readonly spent = new Set<SteerSource>();
  private gesture = 0;
  private name: SteerStateName = "idle";
  private said: Velocity = STILL;
  private saidAt = 0;
  private beat: ReturnType<typeof setInterval> | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly port: SteerPort,
    private readonly onChange: (state: SteerStateName) => void = () => undefined,
  ) {}

  get state(): SteerStateName {
    return this.name;
  }

  /** Hold `source` at `velocity`, or change what it asks; a source that is spent stays so until it is released. */
  hold(source: SteerSource, velocity: Velocity): void {
    if (this.spent.has(source)) return;
    if (this.name === "spent") {
      this.spent.add(source);
      return;
    }
    this.asked.set(source, velocity);
    if (this.name === "idle") this.begin();
    else this.sayChange();
  }

  /** Let `source` go; when it was the last one, the camera stops. */
  release(source: SteerSource): void {
    this.spent.delete(source);
    const wasAsked = this.asked.delete(source);
    if (this.name === "moving" && wasAsked) {
      if (this.asked.size === 0) this.end("idle", true);
      else this.sayChange();
    } else if (this.name === "spent" && this.spent.size === 0) {
      this.become("idle");
    }
  }

  /** Stop whatever happens, also when this page thinks that nothing moves (a preset, another device). */
  stop(): void {
    this.spend(true);
  }

  /** Stop if a press lives; what is still held is spent. For guards: page hidden, network gone and the like. */
  halt(): void {
    if (this.name === "moving") this.spend(true);
  }

  /** Stop if a press lives, for a wish that follows at once: said only once, or the second Stop would end that too. */
  makeWay(): void {
    this.halt();
    clearTimeout(this.again);
  }

  /** The service refused: the press is over, and there is nothing of ours to stop. */
  refused(): void {
    if (this.name === "moving") this.spend(false);
  }

  /** Stop timers; the driver is not to be used again. */
  close(): void {
    this.halt();
    this.asked.clear();
    this.spent.clear();
    clearTimeout(this.again);
  }

  private spend(saysStop: boolean): void {
    for (const source of this.asked.keys()) this.spent.add(source);
    this.asked.clear();
    this.end(this.spent.size === 0 ? "idle" : "spent", saysStop);
  }

  private begin(): void {
    clearTimeout(this.again); // a second Stop would end the new press
    this.gesture += 1;
    this.become("moving");
    this.beat = setInterval(() => this.say(), REPEAT_MS);
    this.say();
  }

  private end(next: SteerStateName, saysStop: boolean): void {
    clearInterval(this.beat);
    clearTimeout(this.again);
    if (saysStop) {
      this.port.stop(this.gesture);
      this.again = setTimeout(() => this.port.stop(this.gesture), STOP_AGAIN_MS);
    }
    this.become(next);
  }

  private sayChange(): void {
    const wanted = sum(this.asked.values());
    if (isSame(wanted, this.said)) return;
    const isUrgent = isStill(wanted) !== isStill(this.said);
    if (!isUrgent && performance.now() - this.saidAt < SOONEST_MS) return; // the beat will say it
    clearInterval(this.beat);
    this.beat = setInterval(() => this.say(), REPEAT_MS);
    this.say();
  }

  private say(): void {
    this.said = sum(this.asked.values());
    this.saidAt = performance.now();
    this.port.move(this.said, this.gesture);
  }

  private become(next: SteerStateName): void {
    if (next === this.name) return;
    this.name = next;
    this.onChange(next);
  }
}
