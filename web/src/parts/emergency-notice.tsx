import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { vibrate } from "../drivers/haptics";
import { noticeWords } from "../i18n/emergency";
import { inFigures, words } from "../i18n/locale";
import { forgetNews, news } from "../state/emergencies";
import { EMERGENCIES, route } from "../state/route";
import { Icon } from "./icon";

/** On whatever screen: somebody opened a camera that concerns this person. It stays until it is looked at or put away. */
export function EmergencyNotice(): JSX.Element {
  const told = news.value;
  const isThere = route.value.name === "emergencies"; // the screen itself shows it
  const newest = isThere ? undefined : told[0];
  useEffect(() => {
    if (newest !== undefined) vibrate("asked");
  }, [newest]);
  useEffect(() => {
    if (isThere && told.length > 0) forgetNews();
  }, [isThere, told]);
  const t = words.value;
  return (
    <aside class="emergency-notice" data-testid="emergency-notice" data-shown={newest !== undefined}>
      <p role="alert">
        {newest !== undefined && noticeWords(t, newest)}
        {newest !== undefined && told.length > 1 && <span> {t.emergencyMore(inFigures(told.length - 1))}</span>}
      </p>
      {newest !== undefined && (
        <>
          <a class="button strong" data-testid="emergency-look" href={EMERGENCIES}>
            {t.emergencyLook}
          </a>
          <button type="button" class="button plain icon-only" data-testid="emergency-hide" aria-label={t.emergencyHide} title={t.emergencyHide} onClick={forgetNews}>
            <Icon name="cross" />
          </button>
        </>
      )}
    </aside>
  );
}
