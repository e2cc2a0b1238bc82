import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { PictureSource } from "../drivers/feed/source";
import { bindPicture } from "../drivers/steer/bind";
import { words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { StateCard } from "./state-card";

/** The live picture and the surface that steers by dragging on it. */
export function Picture({ live, onEmergency }: { readonly live: LiveSession; readonly onEmergency: () => void }): JSX.Element {
  const surface = useRef<HTMLDivElement>(null);
  const line = useRef<SVGLineElement>(null);
  const maySteer = live.maySteer.value;
  useEffect(() => {
    if (!maySteer || surface.current === null || line.current === null) return undefined;
    return bindPicture(surface.current, line.current, "picture", live);
  }, [live, maySteer]);
  return (
    <div ref={surface} class="picture" data-steerable={maySteer} data-hidden={live.hidden.value !== null}>
      {!live.isForbidden.value && <Video live={live} />} {/* nothing stays of what may no longer be seen */}
      <Sound live={live} />
      <svg class="drag-line" aria-hidden="true">
        <line ref={line} />
      </svg>
      <StateCard live={live} onEmergency={onEmergency} />
    </div>
  );
}

/** Cameras' pictures are wider than they are high: of a tall surface they fill no more than this share of its width. */
const TALLEST = 0.75;

/** Tells how large the picture is, now and whenever that changes (the phone is turned). */
function watchSize(element: HTMLElement, live: LiveSession): () => void {
  const observer = new ResizeObserver(([entry]) => {
    if (entry === undefined) return;
    const { width, height } = entry.contentRect;
    live.resized(Math.round(Math.min(height, TALLEST * width) * devicePixelRatio));
  });
  observer.observe(element);
  return () => observer.disconnect();
}

function Video({ live }: { readonly live: LiveSession }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [needsTap, setNeedsTap] = useState(false);
  const source = live.source.value;
  const still = useStill(source, live.picture.value.name === "live");
  useEffect(() => (video.current === null ? undefined : watchSize(video.current, live)), [live]);
  useEffect(() => {
    const element = video.current;
    if (element === null || source === null || source.kind === "still") return undefined; // the last picture stays until a new one comes
    if (source.kind === "stream") element.srcObject = source.stream;
    else source.attach(element);
    play(element, setNeedsTap);
    if (!("requestVideoFrameCallback" in element)) return undefined;
    const callback = element.requestVideoFrameCallback(() => live.sawFrame());
    return () => element.cancelVideoFrameCallback(callback);
  }, [live, source]);
  return (
    <>
      <video ref={video} data-testid="live-video" autoplay playsInline muted disablePictureInPicture aria-label={words.value.picture} />
      {still !== null && <img class="still" data-testid="live-still" src={still} alt={words.value.picture} draggable={false} />}
      {needsTap && (
        <button type="button" class="button primary press-play" onClick={() => video.current !== null && play(video.current, setNeedsTap)}>
          {words.value.pressPlay}
        </button>
      )}
    </>
  );
}

/** What the camera hears. A person has asked for it by a tap, so browsers let it play. */
function Sound({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const audio = useRef<HTMLAudioElement>(null);
  const stream = live.sound.value;
  useEffect(() => {
    if (audio.current !== null) audio.current.srcObject = stream;
  }, [stream]);
  return stream === null ? null : <audio ref={audio} data-testid="live-sound" autoplay />;
}

/** The single picture to show over the video, until that has one of its own. */
function useStill(source: PictureSource | null, isLive: boolean): string | null {
  const [still, setStill] = useState<string | null>(null);
  useEffect(() => {
    if (source?.kind === "still") setStill(source.url);
    else if (source !== null && isLive) setStill(null);
  }, [source, isLive]);
  return still;
}

/** Browsers that save power or data may want a tap first. */
function play(element: HTMLVideoElement, setNeedsTap: (needed: boolean) => void): void {
  element.muted = true;
  element.play().then(
    () => setNeedsTap(false),
    (error: unknown) => setNeedsTap(error instanceof DOMException && error.name === "NotAllowedError"),
  );
}
