/** Ties the keyboard to steering for as long as a camera is on the screen. */

import type { Steering } from "./bind";
import { keySource, wishOf } from "./keys";

export interface KeyTargets extends Steering {
  stop(): void;
  back(): void;
}

/** Typing and dialogs keep their keys; space stays STOP everywhere else. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
}

export function bindKeys(targets: KeyTargets, page: Window = window): () => void {
  const abort = new AbortController();
  const options = { signal: abort.signal, capture: true };
  page.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    const wish = wishOf(event.key, event.shiftKey);
    if (wish === null) return;
    event.preventDefault();
    if (event.repeat) return;
    if (wish.kind === "stop") targets.stop();
    else if (wish.kind === "back") targets.back();
    else if (targets.mayPress()) targets.hold(wish.source, wish.velocity);
  }, options);
  page.addEventListener("keyup", (event) => {
    if (event.key === " " && !isTyping(event.target)) event.preventDefault(); // or the focused button would click
    targets.release(keySource(event.key));
  }, options);
  return () => abort.abort();
}
