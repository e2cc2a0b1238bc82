import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { bindPicture } from "../drivers/steer/bind";
import { words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { StateCard } from "./state-card";

/** The live picture and the surface that steers by dragging on it. */
export function Picture({ live }: { readonly live: LiveSession }): JSX.Element {
  const surface = useRef<HTMLDivElement>(null);
  const line = useRef<SVGLineElement>(null);
  const maySteer = live.maySteer.value;
  useEffect(() => {
    if (!maySteer || surface.current === null || line.current === null) return undefined;
    return bindPicture(surface.current, line.current, "picture", live);
  }, [live, maySteer]);
  return (
    <div ref={surface} class="picture" data-steerable={maySteer} data-hidden={live.hidden.value !== null}>
      <Video live={live} />
      <svg class="drag-line" aria-hidden="true">
        <line ref={line} />
      </svg>
      <StateCard live={live} />
    </div>
  );
}

function Video({ live }: { readonly live: LiveSession }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [needsTap, setNeedsTap] = useState(false);
  const stream = live.stream.value;
  useEffect(() => {
    const element = video.current;
    if (element === null || stream === null) return undefined; // the last picture stays until a new one comes
    element.srcObject = stream;
    play(element, setNeedsTap);
    if (!("requestVideoFrameCallback" in element)) return undefined;
    const callback = element.requestVideoFrameCallback(() => live.sawFrame());
    return () => element.cancelVideoFrameCallback(callback);
  }, [live, stream]);
  return (
    <>
      <video ref={video} data-testid="live-video" autoplay playsInline muted disablePictureInPicture aria-label={words.value.picture} />
      {needsTap && (
        <button type="button" class="button primary press-play" onClick={() => video.current !== null && play(video.current, setNeedsTap)}>
          {words.value.pressPlay}
        </button>
      )}
    </>
  );
}

/** Browsers that save power or data may want a tap first. */
function play(element: HTMLVideoElement, setNeedsTap: (needed: boolean) => void): void {
  element.muted = true;
  element.play().then(
    () => setNeedsTap(false),
    (error: unknown) => setNeedsTap(error instanceof DOMException && error.name === "NotAllowedError"),
  );
}
