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
    break_reservation: words.scopeBreakReservation,
    emergency: words.scopeEmergency,
    export: words.scopeExport,
    share: words.scopeShare,
    review: words.scopeReview,
    audit: words.scopeAudit,
  };
  return all[scope] ?? scope;
}
