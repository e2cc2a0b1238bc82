import type { JSX } from "preact";
import type { Way } from "../drivers/feed/ladder";
import type { Messages } from "../i18n/id";
import { inFigures, words } from "../i18n/locale";
import { isSlow, totalMs, WARN_MS } from "../state/delay";
import type { LiveSession } from "../state/live";
import { Sheet } from "./sheet";

function figure(ms: number | null): string {
  return ms === null ? "–" : inFigures(ms);
}

function wayWords(t: Messages, way: Way): string {
  return { webrtc: t.wayWebrtc, mse: t.wayMse, jpeg: t.wayJpeg }[way];
}

export function DelayBadge({ live, onDetails }: { readonly live: LiveSession; readonly onDetails: () => void }): JSX.Element {
  const delay = live.delay.value;
  const t = words.value;
  const total = totalMs(delay);
  return (
    <button type="button" class="delay" data-testid="delay" data-slow={isSlow(delay)} data-video-ms={delay.videoMs} data-command-ms={delay.commandMs} data-lane={live.lane.value} data-way={live.way.value} title={t.delayTitle} onClick={onDetails}>
      <strong>{total === null ? t.delayUnknown : t.delayTotal(inFigures(total))}</strong>
      <span class="delay-part">{t.delayVideo(figure(delay.videoMs))}</span>
      <span class="delay-part">{t.delayCommand(figure(delay.commandMs))}</span>
      {live.way.value !== "webrtc" && (
        <span class="delay-part" data-testid="picture-way">
          {wayWords(t, live.way.value)}
        </span>
      )}
    </button>
  );
}

/** Where the delay comes from, and which way commands take. */
export function DelaySheet({ live, onClose }: { readonly live: LiveSession; readonly onClose: () => void }): JSX.Element {
  const delay = live.delay.value;
  const t = words.value;
  const rows: readonly (readonly [string, string])[] = [
    [t.delayTitle, t.delayTotal(figure(totalMs(delay)))],
    [t.delayPartVideo, t.delayTotal(figure(delay.videoMs))],
    [t.delayPartCommand, t.delayTotal(figure(delay.commandMs))],
    [t.delayWay, wayWords(t, live.way.value)],
    [t.delayLane, live.lane.value === "datagrams" ? t.laneDatagrams : t.laneSocket],
    [t.delayLife, t.delayTotal(figure(live.control.value?.lifeMs ?? null))],
  ];
  return (
    <Sheet title={t.delayDetails} onClose={onClose}>
      <dl class="facts" data-testid="delay-details">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class={isSlow(delay) ? "warning" : "quiet"}>{t.delayLimit(inFigures(WARN_MS))}</p>
    </Sheet>
  );
}
