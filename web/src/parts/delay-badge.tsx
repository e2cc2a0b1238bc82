import type { JSX } from "preact";
import { inFigures, words } from "../i18n/locale";
import { isSlow, totalMs, type Delay } from "../state/delay";

export function DelayBadge({ delay }: { readonly delay: Delay }): JSX.Element {
  const t = words.value;
  const total = totalMs(delay);
  const slow = isSlow(delay);
  const figure = (ms: number | null): string => (ms === null ? "–" : inFigures(ms));
  return (
    <div class="delay" data-testid="delay" data-slow={slow} data-video-ms={delay.videoMs} data-command-ms={delay.commandMs} title={slow ? t.delayHigh : t.delayTitle}>
      <strong>{total === null ? t.delayUnknown : t.delayTotal(inFigures(total))}</strong>
      <span class="delay-part">{t.delayVideo(figure(delay.videoMs))}</span>
      <span class="delay-part">{t.delayCommand(figure(delay.commandMs))}</span>
    </div>
  );
}
