import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { serverNow } from "../api/server-clock";
import { leftWords } from "../i18n/control";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { closeOwn } from "../state/emergencies";
import type { LiveSession } from "../state/live";
import { notify } from "../state/notices";
import { useSecondsLeft } from "../state/time-left";
import { Icon } from "./icon";
import { SureButton } from "./sure-button";

/** While the camera is open for this person: for how long yet, and its early end. */
export function EmergencyStrip({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const untilMs = live.camera.value?.emergency?.openUntil?.getTime() ?? null;
  const endsAt = useMemo(() => (untilMs === null ? null : performance.now() + untilMs - serverNow()), [untilMs]);
  const seconds = useSecondsLeft(endsAt);
  const [isBusy, setBusy] = useState(false);
  if (untilMs === null || live.isForbidden.value) return null;
  const t = words.value;
  const close = async (): Promise<void> => {
    live.halt();
    setBusy(true);
    const problem = await closeOwn(live.id);
    setBusy(false);
    if (problem !== null) notify(problemWords(t, problem), "warn");
    live.lookAgain();
  };
  return (
    <div class="emergency-strip" data-testid="emergency-strip">
      <Icon name="siren" />
      <p>{t.emergencyLeft(leftWords(t, seconds ?? 0))}</p>
      <SureButton id="emergency-close" text={t.emergencyClose} sure={t.emergencyCloseSure} isBusy={isBusy} onSure={() => void close()} />
    </div>
  );
}
