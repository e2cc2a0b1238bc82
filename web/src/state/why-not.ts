/** Why something of one camera is refused to this person; asked for only where the screen says that it is. */

import { signal } from "@preact/signals";
import { reasons } from "../api/calls";
import { NO_REASONS, type Camera } from "../api/model";

/** Whether the screen has to say that this person may not see, steer or open the camera. */
export function isRefused(camera: Camera): boolean {
  if (!camera.may.live) return camera.emergency?.mayOpen !== true; // else it offers the way in instead
  return camera.steerable && !camera.may.control;
}

export class WhyNotWatch {
  /** Nothing where nothing is refused, and where the service was not asked yet or could not answer. */
  readonly reasons = signal(NO_REASONS);
  private isUnanswered = false;
  /** Counts what was told, so that only the newest question's answer counts. */
  private newest = 0;

  constructor(
    private readonly cameraId: string,
    private readonly abort: AbortSignal,
  ) {}

  /** The service has told of the camera, and with it what this person may. */
  told(camera: Camera): void {
    if (isRefused(camera)) {
      void this.ask();
      return;
    }
    this.newest += 1;
    this.isUnanswered = false;
    this.reasons.value = NO_REASONS;
  }

  /** Ask again where the last answer did not come. */
  nudge(): void {
    if (this.isUnanswered) void this.ask();
  }

  private async ask(): Promise<void> {
    this.newest += 1;
    const mine = this.newest;
    this.isUnanswered = false;
    const answer = await reasons(this.cameraId, this.abort);
    if (mine !== this.newest || answer.kind === "aborted") return;
    this.isUnanswered = answer.kind === "error";
    this.reasons.value = answer.kind === "success" ? answer.value : NO_REASONS; // that it is refused is said all the same
  }
}
