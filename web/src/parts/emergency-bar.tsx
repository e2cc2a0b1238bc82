import type { JSX } from "preact";
import { serverNow } from "../api/server-clock";
import { inFigures, words } from "../i18n/locale";
import { catalogue } from "../state/catalogue";
import { me, pending } from "../state/emergencies";
import { countPending } from "../state/emergency-rules";
import { EMERGENCIES } from "../state/route";
import { Icon } from "./icon";

/** In the list's head, for whom openings concern: how many are open or wait for a judgement, and the way there. */
export function EmergencyBar(): JSX.Element | null {
  const [name, found] = [me.value, pending.value ?? []];
  const hasSuch = catalogue.value.items?.some((camera) => camera.emergency !== null) ?? false;
  if (name === null || (found.length === 0 && !hasSuch)) return null;
  const t = words.value;
  const count = countPending(found, name, serverNow());
  const ofMine = found.some((one) => one.by.username === name);
  return (
    <a class="emergency-bar" data-testid="emergency-bar" data-count={count} href={EMERGENCIES}>
      <Icon name="siren" />
      <span>
        {t.emergencies}
        {count > 0 ? <strong class="count">{t.emergencyPending(inFigures(count))}</strong> : ofMine && <span class="count">{t.emergencyYours}</span>}
      </span>
      <Icon name="right" />
    </a>
  );
}
