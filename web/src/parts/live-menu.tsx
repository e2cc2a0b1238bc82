import type { JSX } from "preact";
import { inFigures, words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { wantsSound } from "../state/sound";
import { fit, toggleFit, toggleHand } from "../state/view";
import { Icon } from "./icon";
import { LanguageSwitch } from "./language-switch";
import { Sheet } from "./sheet";

export function LiveMenu({ live, onClose }: { readonly live: LiveSession; readonly onClose: () => void }): JSX.Element {
  const t = words.value;
  const viewers = live.control.value?.viewers ?? null;
  return (
    <Sheet title={live.camera.value?.name ?? t.cameras} onClose={onClose}>
      {viewers !== null && <p class="quiet">{t.viewers(inFigures(viewers))}</p>}
      <div class="choices stacked">
        <button type="button" class="button wide" onClick={toggleFit}>
          <Icon name="fill" />
          {fit.value === "fill" ? t.fitWhole : t.fitFill}
        </button>
        {live.camera.value?.audio === true && live.way.value === "webrtc" && (
          <button type="button" class="button wide" data-testid="sound" aria-pressed={wantsSound.value} onClick={() => live.hear(!wantsSound.value)}>
            <Icon name="sound" />
            {wantsSound.value ? t.muteSound : t.hearSound}
          </button>
        )}
        {live.maySteer.value && (
          <button type="button" class="button wide" onClick={toggleHand}>
            <Icon name="swap" />
            {t.swapHands}
          </button>
        )}
        <LanguageSwitch />
      </div>
      <h3>{t.help}</h3>
      <ul class="help">
        {t.helpLines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Sheet>
  );
}
