import type { JSX } from "preact";
import type { Holder } from "../api/model";
import type { ControlState } from "../drivers/control/messages";
import { deadlineWords, holderWords, roleWord } from "../i18n/control";
import { inFigures, words } from "../i18n/locale";
import { deadline, ownPlace } from "../state/holding";
import type { LiveSession } from "../state/live";
import { useSecondsLeft } from "../state/time-left";

function whoWords(control: ControlState | null, link: LiveSession["link"]["value"]): string {
  const t = words.value;
  if (link.name === "waiting") return t.controlLost;
  if (link.name === "ended") return t.controlEnded;
  if (control === null) return t.controlConnecting;
  return control.holder === null ? t.free : holderWords(t, control.holder);
}

function queueWords(control: ControlState): string {
  if (control.queue.length === 0) return "";
  const t = words.value;
  const place = ownPlace(control);
  const waiting = t.waitingCount(inFigures(control.queue.length));
  return place === null ? waiting : `${waiting} · ${t.yourPlace(inFigures(place))}`;
}

function whyWords(holder: Holder): string {
  const t = words.value;
  const role = holder.kind === "person" && holder.role !== null && !holder.you ? roleWord(t, holder.role) : "";
  const reason = holder.reason === "" ? "" : t.because(holder.reason);
  return [role, reason].filter(Boolean).join(" · ");
}

/** Who controls the camera, why, until when, and who waits. What counts down is outside the live regions. */
export function HolderBadge({ live }: { readonly live: LiveSession }): JSX.Element {
  const control = live.control.value;
  const holder = control?.holder ?? null;
  const whose = holder === null ? "nobody" : holder.you ? "you" : "other";
  return (
    <div class="holder" data-testid="holder" data-whose={whose} data-kind={holder?.kind} data-reserved={holder?.reserved}>
      <p role="status">
        {whoWords(control, live.link.value)}
        <span class="why">{holder !== null && whyWords(holder)}</span>
      </p>
      <p class="times">
        <Countdown live={live} />
        <span data-testid="queue-line" role="status">
          {control !== null && queueWords(control)}
        </span>
      </p>
    </div>
  );
}

function Countdown({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const control = live.control.value;
  const holder = control?.holder ?? null;
  const ends = holder?.kind === "person" ? deadline(holder, control?.moving === true) : null;
  const seconds = useSecondsLeft(ends === null ? null : live.toldAt.value + ends.inMs);
  if (ends === null || seconds === null) return null;
  return (
    <span class="countdown" data-testid="countdown" data-kind={ends.kind}>
      {deadlineWords(words.value, ends.kind, seconds, new Date())}
    </span>
  );
}
