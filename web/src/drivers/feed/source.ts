/** What the screen shows, whichever way it comes; and what all drivers of pictures have in common. */

import type { VideoView } from "../../api/video";
import type { WhepState } from "../whep/states";

export type PictureSource =
  | { readonly kind: "stream"; readonly stream: MediaStream }
  /** Played from a buffer: `attach` binds it to the element. */
  | { readonly kind: "media"; readonly attach: (element: HTMLVideoElement) => void }
  /** One picture, until the next one comes. */
  | { readonly kind: "still"; readonly url: string };

export interface PictureEvents {
  readonly onState: (state: WhepState) => void;
  /** What to show, null when there is nothing new; the last picture may stay on the screen. */
  readonly onSource: (source: PictureSource | null) => void;
  /** Delay of the picture in ms; null: not known. */
  readonly onDelay: (delayMs: number | null) => void;
  /** Which of the camera's streams is shown, and why; null: not known. */
  readonly onView: (view: VideoView | null) => void;
}

export interface PictureWay {
  readonly state: WhepState;
  start(): void;
  /** Try at once instead of waiting on. */
  nudge(): void;
  /** What is wanted of the camera's streams has changed. */
  ask(): void;
  /** The phone is in another network. */
  reroute(): void;
  /** The service says that this video session of its is over; only those that it names have one. */
  sessionEnded?(video: string): void;
  close(): void;
  /** While the service withholds the picture, that none comes is no fault. */
  withhold(isWithheld: boolean): void;
  /** The element shows a frame. */
  sawFrame(): void;
}
