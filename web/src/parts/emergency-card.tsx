import type { JSX } from "preact";
import type { EmergencySharing } from "../api/model";
import { endedWords } from "../i18n/emergency";
import { words } from "../i18n/locale";
import { notOpenedWords } from "../i18n/why-not";
import type { LiveSession } from "../state/live";
import { Icon } from "./icon";

interface EmergencyCardProps {
  readonly live: LiveSession;
  readonly sharing: EmergencySharing;
  readonly onOpen: () => void;
}

/** Instead of the picture of a camera that is shared in emergencies only; nothing is to be tried again. */
export function EmergencyCard({ live, sharing, onOpen }: EmergencyCardProps): JSX.Element {
  const t = words.value;
  const ended = live.emergency.ended.value;
  return (
    <div class="emergency-card" data-testid="emergency-card">
      <Icon name="siren" />
      <p role="status" data-testid="emergency-ended">
        {ended !== null && endedWords(t, ended)}
      </p>
      <p class={ended === null ? "" : "quiet"}>{t.emergencyOnlyCard}</p>
      {sharing.mayOpen ? (
        <button type="button" class="button primary wide" data-testid="emergency-open" onClick={onOpen}>
          {t.emergencyOpen}
        </button>
      ) : (
        <p class="quiet">{notOpenedWords(t, live.whyNot.reasons.value.emergency)}</p>
      )}
    </div>
  );
}
