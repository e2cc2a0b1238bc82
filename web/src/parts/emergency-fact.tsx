import type { JSX } from "preact";
import type { EmergencySharing } from "../api/model";
import { asHour, words } from "../i18n/locale";
import { Icon } from "./icon";

/** In the list: that a camera is shared in emergencies only, and until when it is open for this person. */
export function EmergencyFact({ sharing }: { readonly sharing: EmergencySharing }): JSX.Element {
  const t = words.value;
  const { openUntil } = sharing;
  return (
    <span class="fact" data-testid="emergency-fact" data-open={openUntil !== null}>
      <Icon name="siren" />
      {openUntil === null ? t.emergencyOnly : t.emergencyOpenUntil(asHour(openUntil))}
    </span>
  );
}
