import type { JSX } from "preact";
import { asksWords } from "../i18n/control";
import { inFigures, words } from "../i18n/locale";
import type { LiveSession } from "../state/live";

/** Who is next, for the holder, with one tap to hand over; said at once to screen readers too. */
export function WaiterBar({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const control = live.control.value;
  const waiting = control?.holder?.you === true ? control.queue.filter((waiter) => !waiter.you) : [];
  const next = waiting[0];
  if (next === undefined) return null;
  const t = words.value;
  return (
    <div class="waiter-bar" data-testid="waiter-bar">
      <p role="alert">
        {asksWords(t, next)}
        {waiting.length > 1 && <span class="quiet"> {t.andMore(inFigures(waiting.length - 1))}</span>}
      </p>
      <HandOver live={live} ticket={next.ticket} name={next.name} />
    </div>
  );
}

interface HandOverProps {
  readonly live: LiveSession;
  readonly ticket: number;
  readonly name: string;
}

export function HandOver({ live, ticket, name }: HandOverProps): JSX.Element {
  const t = words.value;
  return (
    <button type="button" class="button strong" data-testid="hand-over" data-ticket={ticket} aria-label={t.handOverTo(name)} onClick={() => live.ask({ type: "hand_over", ticket })}>
      {t.handOver}
    </button>
  );
}
