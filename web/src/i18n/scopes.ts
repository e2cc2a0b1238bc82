/** What a token may do, in the present language. */

import type { Messages } from "./id";

/** The capability's own name where this page has no words for it. */
export function scopeWord(words: Messages, scope: string): string {
  const all: Readonly<Record<string, string>> = {
    see: words.scopeSee,
    live: words.scopeLive,
    control: words.scopeControl,
    presets: words.scopePresets,
    snapshot: words.scopeSnapshot,
    patrols: words.scopePatrols,
    events: words.scopeEvents,
    metrics: words.scopeMetrics,
  };
  return all[scope] ?? scope;
}
