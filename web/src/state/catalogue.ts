/** The cameras that I may see: fetched page by page, kept fresh while the list is looked at. */

import { signal } from "@preact/signals";
import { cameras } from "../api/calls";
import type { Camera } from "../api/model";
import type { Problem } from "../api/problem";
import { lapse } from "./session";

export interface Catalogue {
  /** Null until the first page came. */
  readonly items: readonly Camera[] | null;
  readonly isLoading: boolean;
  readonly problem: Problem | null;
  readonly at: Date | null;
}

const EMPTY: Catalogue = { items: null, isLoading: false, problem: null, at: null };
/** Beyond this many pages the search has to be the service's, not the page's. */
const MOST_PAGES = 50;
const REFRESH_MS = 10_000;

export const catalogue = signal<Catalogue>(EMPTY);

export function forgetCatalogue(): void {
  catalogue.value = EMPTY;
}

/** Fetch all pages; the first time each page shows at once, later the list changes as a whole. */
export async function refresh(signal: AbortSignal): Promise<void> {
  if (catalogue.value.isLoading) return;
  const isFirst = catalogue.value.items === null;
  catalogue.value = { ...catalogue.value, isLoading: true };
  const items: Camera[] = [];
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await cameras(after, signal);
    if (answer.kind !== "success") {
      const problem = answer.kind === "error" ? answer.problem : null;
      catalogue.value = { ...catalogue.value, isLoading: false, problem };
      if (problem?.kind === "not-signed-in") lapse();
      return;
    }
    items.push(...answer.value.items);
    after = answer.value.next;
    if (after === null) break;
    if (isFirst) catalogue.value = { ...catalogue.value, items: [...items] };
  }
  catalogue.value = { items, isLoading: false, problem: null, at: new Date() };
}

/** Keep the list fresh while it is visible; returns how to end that. */
export function keepFresh(): () => void {
  const abort = new AbortController();
  const again = (): void => {
    if (document.visibilityState === "visible") void refresh(abort.signal);
  };
  again();
  const timer = setInterval(again, REFRESH_MS);
  document.addEventListener("visibilitychange", again, { signal: abort.signal });
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}
