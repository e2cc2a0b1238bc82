import type { JSX } from "preact";
import { inFigures, words } from "../i18n/locale";
import { isSlow, totalMs } from "../state/delay";
import type { LiveSession } from "../state/live";

/** Above the picture, for everyone watching: what may go wrong with the motors. The elements stay, for screen readers. */
export function Warnings({ live }: { readonly live: LiveSession }): JSX.Element {
  const control = live.control.value;
  const t = words.value;
  const isMine = live.steering.value !== "idle" || control?.holder?.you === true;
  const net = isMine ? control?.safetyNet : undefined;
  return (
    <div class="warnings">
      <p class="warning grave" data-testid="stop-unconfirmed" role="alert">
        {control?.stopConfirmed === false && t.stopUnconfirmed}
      </p>
      <p class="warning" data-testid="no-safety-net" role="status">
        {net === "none" && t.noSafetyNet}
      </p>
      <p class="warning" data-testid="late" role="status">
        {isMine && lateWords(live)}
      </p>
      <p class="remark" data-testid="steps">
        {net === "steps" && t.stepsOnly}
      </p>
    </div>
  );
}

function lateWords(live: LiveSession): string {
  const delay = live.delay.value;
  return isSlow(delay) ? words.value.slowWarning(inFigures(roundedMs(totalMs(delay) ?? 0))) : "";
}

/** To 100 ms, so that a screen reader does not read every flicker. */
function roundedMs(ms: number): number {
  return Math.round(ms / 100) * 100;
}
