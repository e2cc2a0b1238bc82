/** One camera's opening for this person: looked at again when its time is over, and asked why it ended. */

import { signal } from "@preact/signals";
import { openings } from "../api/emergencies";
import type { Camera } from "../api/model";
import { serverNow } from "../api/server-clock";
import { askNow, me } from "./emergencies";
import { whyEnded, type WhyEnded } from "./emergency-rules";

/** The service looks at its clock some times a second. */
const AFTER_END_MS = 500;
/** Where the two clocks differ a little, the service is not asked without a pause. */
const LEAST_MS = 1_000;
/** Newest first: one's own is among these. */
const MOST = 20;

export class EmergencyWatch {
  /** Why the camera is closed again for this person; null where it was not open while this page showed it. */
  readonly ended = signal<WhyEnded | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `onTime`: the camera has to be asked for again. */
  constructor(
    private readonly cameraId: string,
    private readonly onTime: () => void,
    private readonly abort: AbortSignal,
  ) {}

  /** The service has told of the camera; `before` is what it told last. */
  told(before: Camera | null, camera: Camera): void {
    clearTimeout(this.timer);
    const until = camera.emergency?.openUntil ?? null;
    const wasOpen = (before?.emergency?.openUntil ?? null) !== null;
    if (wasOpen !== (until !== null)) askNow();
    if (until !== null) {
      this.ended.value = null;
      this.timer = setTimeout(this.onTime, Math.max(LEAST_MS, until.getTime() - serverNow() + AFTER_END_MS));
    } else if (wasOpen && !camera.may.live) {
      this.ended.value = { kind: "unknown" };
      void this.findOut();
    }
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private async findOut(): Promise<void> {
    const answer = await openings({ camera: this.cameraId, limit: MOST }, this.abort);
    const name = me.value;
    if (answer.kind !== "success" || name === null || this.ended.value === null) return; // that it ended is said already
    this.ended.value = whyEnded(answer.value.items, name, serverNow());
  }
}
