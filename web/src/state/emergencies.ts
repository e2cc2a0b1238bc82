/** What was opened in emergencies and is open, or waits for a judgement: asked for while somebody is signed in and looks. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { closeOpening, openings, type Opening } from "../api/emergencies";
import type { Problem } from "../api/problem";
import { serverNow } from "../api/server-clock";
import { forgetDrafts } from "./emergency-draft";
import { newsOf, ownRunning } from "./emergency-rules";
import { lapse, session } from "./session";

const EVERY_MS = 10_000;
const MOST = 50;

/** Newest first, also one's own; null until the first answer. */
export const pending = signal<readonly Opening[] | null>(null);
/** What the person has to be told and has not put away. */
export const news = signal<readonly Opening[]>([]);

/** The person's user name; null while nobody is signed in. */
export const me = computed(() => (session.value.name === "in" ? session.value.person.username : null));

let known: ReadonlySet<string> | null = null;
let isAsking = false;

export function forgetNews(): void {
  news.value = [];
}

function forget(): void {
  known = null;
  isAsking = false;
  forgetDrafts();
  batch(() => {
    pending.value = null;
    news.value = [];
  });
}

function learn(found: readonly Opening[], name: string): void {
  const fresh = newsOf(found, known, name, serverNow());
  known = new Set([...(known ?? []), ...found.map((one) => one.id)]);
  batch(() => {
    pending.value = found;
    if (fresh.length > 0) news.value = [...fresh, ...news.value];
  });
}

/** One at a time: what a slow network does not answer is not asked again beside it. */
async function ask(name: string, abort: AbortSignal): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  const answer = await openings({ pending: true, limit: MOST }, abort);
  if (abort.aborted) return; // another person's turn began
  isAsking = false;
  if (answer.kind === "success") learn(answer.value.items, name);
  else if (answer.kind === "error" && answer.problem.kind === "not-signed-in") lapse();
}

let again: (() => void) | null = null;

/** Something has just changed: do not wait for the next turn. */
export function askNow(): void {
  again?.();
}

function follow(name: string): () => void {
  const abort = new AbortController();
  const look = (): void => {
    if (document.visibilityState === "visible") void ask(name, abort.signal);
  };
  again = look;
  look();
  const timer = setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look, { signal: abort.signal });
  return () => {
    again = null;
    clearInterval(timer);
    abort.abort();
  };
}

/** Close this person's opening of a camera; the problem, or null when it is closed, or was. */
export async function closeOwn(cameraId: string): Promise<Problem | null> {
  const name = me.value;
  if (name === null) return null;
  let own = ownRunning(pending.value ?? [], cameraId, name, serverNow());
  if (own === null) {
    const found = await openings({ pending: true, camera: cameraId, limit: MOST });
    if (found.kind !== "success") return found.kind === "error" ? found.problem : null;
    own = ownRunning(found.value.items, cameraId, name, serverNow());
  }
  const answer = own === null ? null : await closeOpening(own.id);
  askNow();
  return answer?.kind === "error" ? answer.problem : null;
}

/** From now on, for whoever is signed in; returns what ends it. */
export function watchEmergencies(): () => void {
  return effect(() => {
    const name = me.value;
    return untracked(() => {
      forget();
      return name === null ? undefined : follow(name);
    });
  });
}
