/** One short sentence at a time for the person at the page; the newest wins and goes by itself. */

import { signal } from "@preact/signals";

export interface Notice {
  readonly text: string;
  readonly tone: "calm" | "warn";
}

const SHOWN_MS = 4_000;

export const notice = signal<Notice | null>(null);
let gone: ReturnType<typeof setTimeout> | undefined;

/** What was said of one camera is not true of the next. */
export function clearNotice(): void {
  clearTimeout(gone);
  notice.value = null;
}

export function notify(text: string, tone: Notice["tone"] = "calm"): void {
  clearTimeout(gone);
  notice.value = { text, tone };
  gone = setTimeout(() => (notice.value = null), SHOWN_MS);
}
