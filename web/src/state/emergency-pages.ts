/** All that was opened, as far as this person may know of it: page by page, the newest kept fresh. */

import { signal } from "@preact/signals";
import { openings, type Opening } from "../api/emergencies";
import type { Problem } from "../api/problem";
import { merged } from "./emergency-rules";
import { lapse } from "./session";

const PAGE_SIZE = 20;

export interface OpeningPages {
  /** Newest first; null until the first page came. */
  readonly items: readonly Opening[] | null;
  /** Where the next, older page begins; null when there is none. */
  readonly next: string | null;
  readonly problem: Problem | null;
}

const EMPTY: OpeningPages = { items: null, next: null, problem: null };

export const pages = signal<OpeningPages>(EMPTY);

export function forgetPages(): void {
  pages.value = EMPTY;
}

/** Without `after` the newest page, again or for the first time. */
async function fetchPage(after: string | null, abort: AbortSignal): Promise<void> {
  const answer = await openings({ limit: PAGE_SIZE, ...(after !== null && { after }) }, abort);
  if (abort.aborted || answer.kind === "aborted") return;
  if (answer.kind === "error") {
    pages.value = { ...pages.value, problem: answer.problem };
    if (answer.problem.kind === "not-signed-in") lapse();
    return;
  }
  const { items, next } = pages.value;
  const told = answer.value;
  pages.value = { items: merged(items ?? [], told.items), next: after === null && items !== null ? next : told.next, problem: null };
}

export function refreshPages(abort: AbortSignal): Promise<void> {
  return fetchPage(null, abort);
}

export function olderPage(abort: AbortSignal): Promise<void> {
  return fetchPage(pages.value.next, abort);
}

/** What has just been done to one of them. */
export function learnOpening(opening: Opening): void {
  const { items } = pages.value;
  if (items !== null) pages.value = { ...pages.value, items: merged(items, [opening]) };
}
