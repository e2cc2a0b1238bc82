import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ControlState } from "../drivers/control/messages";
import { inFigures, words } from "../i18n/locale";
import type { LiveSession } from "../state/live";

/** Whole seconds until `endsAt` on performance.now()'s clock; null when there is no end or it has passed. */
function useSecondsLeft(endsAt: number | null): number | null {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (endsAt === null) return undefined;
    const look = (): void => setNow(performance.now());
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [endsAt]);
  if (endsAt === null || endsAt <= now) return null;
  return Math.ceil((endsAt - now) / 1000);
}

function holderWords(control: ControlState | null, link: LiveSession["link"]["value"]): string {
  const t = words.value;
  if (link.name === "waiting") return t.controlLost;
  if (link.name === "ended") return t.controlEnded;
  if (control === null) return t.controlConnecting;
  if (control.holder === null) return t.free;
  return control.holder.you ? t.heldByYou : t.heldBy(control.holder.name);
}

export function HolderBadge({ live }: { readonly live: LiveSession }): JSX.Element {
  const control = live.control.value;
  const holder = control?.holder ?? null;
  const seconds = useSecondsLeft(control?.moving === true ? null : live.leaseEndsAt.value);
  const whose = holder === null ? "nobody" : holder.you ? "you" : "other";
  return (
    <p class="holder" data-testid="holder" data-whose={whose}>
      <span role="status">{holderWords(control, live.link.value)}</span>
      {holder !== null && seconds !== null && <span class="countdown"> {words.value.secondsLeft(inFigures(seconds))}</span>}
    </p>
  );
}
