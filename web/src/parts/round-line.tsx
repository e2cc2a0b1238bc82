import type { JSX } from "preact";
import { leftWords, roundWords } from "../i18n/control";
import { inFigures, words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { useSecondsLeft } from "../state/time-left";

/** The patrol or event of this camera: where it is, or why it pauses. */
export function RoundLine({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const round = live.control.value?.round ?? null;
  const resumesInMs = round?.resumesInMs ?? null;
  const seconds = useSecondsLeft(resumesInMs === null ? null : live.toldAt.value + resumesInMs);
  if (round === null) return null;
  const t = words.value;
  return (
    <p class="round-line" data-testid="round" data-state={round.state}>
      <span role="status">
        {t.round(round.isEvent ? t.event : t.patrol, round.name)} · {roundWords(t, round, null)}
      </span>
      {seconds !== null && <span class="countdown"> · {t.roundRestingFor(leftWords(t, seconds))}</span>}
      {round.stops > 1 && ` · ${t.roundStation(inFigures(round.stop + 1), inFigures(round.stops))}`}
    </p>
  );
}
