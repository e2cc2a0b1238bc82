import type { JSX } from "preact";
import { WISHES, type QualityWish, type VideoView, type Why } from "../api/video";
import type { Way } from "../drivers/feed/ladder";
import type { Messages } from "../i18n/id";
import { inFigures, words } from "../i18n/locale";
import { isSlow, totalMs, WARN_MS } from "../state/delay";
import type { LiveSession } from "../state/live";
import { wish } from "../state/wish";
import { Sheet } from "./sheet";

function figure(ms: number | null): string {
  return ms === null ? "–" : inFigures(ms);
}

function wayWords(t: Messages, way: Way): string {
  return { webrtc: t.wayWebrtc, mse: t.wayMse, jpeg: t.wayJpeg }[way];
}

/** "small (slow network)"; null while nothing is known, or where there is no choice of streams. */
function viewWords(t: Messages, view: VideoView | null): string | null {
  if (view?.quality == null) return null;
  const quality = view.quality === "main" ? t.qualityMain : t.qualitySub;
  return view.why === null ? quality : `${quality} (${WHY_WORDS[view.why](t)})`;
}

const WHY_WORDS: Readonly<Record<Why, (t: Messages) => string>> = {
  only: (t) => t.whyOnly,
  pinned: (t) => t.whyPinned,
  tile: (t) => t.whyTile,
  start: (t) => t.whyStart,
  link: (t) => t.whyLink,
  good: (t) => t.whyGood,
};

export function DelayBadge({ live, onDetails }: { readonly live: LiveSession; readonly onDetails: () => void }): JSX.Element {
  const delay = live.delay.value;
  const t = words.value;
  const total = totalMs(delay);
  return (
    <button type="button" class="delay" data-testid="delay" data-slow={isSlow(delay)} data-video-ms={delay.videoMs} data-command-ms={delay.commandMs} data-lane={live.lane.value} data-way={live.way.value} data-quality={live.view.value?.quality} data-why={live.view.value?.why} title={t.delayTitle} onClick={onDetails}>
      <strong>{total === null ? t.delayUnknown : t.delayTotal(inFigures(total))}</strong>
      <span class="delay-part">{t.delayVideo(figure(delay.videoMs))}</span>
      <span class="delay-part">{t.delayCommand(figure(delay.commandMs))}</span>
      {live.view.value?.quality === "sub" && (
        <span class="delay-part" data-testid="picture-quality">
          {t.qualitySub}
        </span>
      )}
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
    [t.quality, viewWords(t, live.view.value) ?? "–"],
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
      <QualityChoice live={live} />
      <p class={isSlow(delay) ? "warning" : "quiet"}>{t.delayLimit(inFigures(WARN_MS))}</p>
    </Sheet>
  );
}

/** Always one of the camera's streams, or whichever the link carries; single pictures have one size. */
function QualityChoice({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const t = words.value;
  if (live.way.value === "jpeg") return null;
  const names: Readonly<Record<QualityWish, string>> = { auto: t.qualityAuto, main: t.qualityMain, sub: t.qualitySub };
  return (
    <section data-testid="quality">
      <h3>{t.qualityChoose}</h3>
      <div class="choices">
        {WISHES.map((choice) => (
          <button key={choice} type="button" class="button" data-testid={`quality-${choice}`} aria-pressed={wish.value === choice} onClick={() => live.want(choice)}>
            {names[choice]}
          </button>
        ))}
      </div>
      <p class="quiet">{t.qualityHint}</p>
    </section>
  );
}
