/** The named states of a live picture and why it is not there. */

import type { Problem } from "../../api/problem";

/** What went wrong, for people: the screen has words for each. */
export type PictureFault =
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "unsupported" } // a browser without WebRTC
  | { readonly kind: "answer" } // the service's SDP was not usable
  | { readonly kind: "ice" } // no way for the picture through this network
  | { readonly kind: "no-picture" } // connected, but no frame came
  | { readonly kind: "stalled" } // frames came, then none
  | { readonly kind: "ended" } // the service ended the track
  | { readonly kind: "lost" } // the web connection that carried the picture broke, or could not be made
  | { readonly kind: "decode" }; // the browser cannot play what it was sent

export type WhepState =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly attempt: number }
  | { readonly name: "live" }
  | { readonly name: "retrying"; readonly attempt: number; readonly fault: PictureFault; readonly waitMs: number }
  | { readonly name: "failed"; readonly fault: PictureFault };

/** Problems that another try cannot mend: somebody has to do something first. */
const FINAL = new Set<Problem["kind"]>(["codec", "not-signed-in", "forbidden", "not-found", "bad-input", "bad-offer", "media-type", "cross-site", "too-large"]);

export function isFinal(problem: Problem): boolean {
  return FINAL.has(problem.kind);
}
