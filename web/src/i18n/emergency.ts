/** What is said of openings in emergencies, in the present language. */

import type { Category, Opening } from "../api/emergencies";
import type { WhyEnded } from "../state/emergency-rules";
import type { Fault } from "../state/emergency-draft";
import type { Messages } from "./id";
import { asDay, asHour } from "./locale";

export function categoryWord(words: Messages, category: Category): string {
  const all: Readonly<Record<Category, string>> = {
    flood: words.emergencyFlood,
    fire: words.emergencyFire,
    accident: words.emergencyAccident,
    crime: words.emergencyCrime,
    unrest: words.emergencyUnrest,
    medical: words.emergencyMedical,
    "missing-person": words.emergencyMissing,
    disaster: words.emergencyDisaster,
    other: words.emergencyOther,
  };
  return all[category];
}

export function faultWords(words: Messages, fault: Fault): string {
  const all: Readonly<Record<Fault, string>> = {
    "no-category": words.emergencyNeedsCategory,
    "no-incident": words.emergencyNeedsIncident,
    "wrong-incident": words.emergencyWrongIncident,
    "no-reason": words.emergencyNeedsReason,
  };
  return all[fault];
}

/** "Ibu Sari opened Pintu Air in an emergency (flood, 112-0881)". */
export function noticeWords(words: Messages, opening: Opening): string {
  const what = categoryWord(words, opening.category).toLowerCase();
  return words.emergencyNotice(opening.by.displayName, opening.cameraName, what, opening.incident);
}

export function endedWords(words: Messages, why: WhyEnded): string {
  switch (why.kind) {
    case "unknown":
      return words.emergencyEnded;
    case "time":
      return words.emergencyEndedTime;
    case "self":
      return words.emergencyEndedSelf;
    case "closed":
      return words.emergencyEndedBy(why.by);
  }
}

/** Hour and minute, with the day before it unless that is `now`'s. */
export function whenWords(date: Date, now: Date): string {
  const isToday = asDay(date) === asDay(now);
  return isToday ? asHour(date) : `${asDay(date)} ${asHour(date)}`;
}

/** Since when it is open, or from when to when it was, and who ended it before its time. */
export function timeWords(words: Messages, opening: Opening, runs: boolean, now: Date): string {
  if (runs) return words.emergencySince(whenWords(opening.openedAt, now));
  const isSameDay = asDay(opening.overAt) === asDay(opening.openedAt);
  const until = isSameDay ? asHour(opening.overAt) : whenWords(opening.overAt, now);
  const time = words.emergencyFromTo(whenWords(opening.openedAt, now), until);
  const { by, closedBy } = opening;
  return closedBy === "" ? time : `${time}, ${words.emergencyClosedBy(closedBy === by.username ? by.displayName : closedBy)}`;
}

/** What becomes of it; while it is open, that comes first, judged or not. */
export function openingStateWords(words: Messages, opening: Opening, isRunning: boolean): string {
  switch (opening.state) {
    case "open":
      return words.emergencyIsOpen(asHour(opening.overAt));
    case "unreviewed":
      return words.emergencyWaits(asDay(opening.reviewBy));
    case "overdue":
      return words.emergencyOverdue(asDay(opening.reviewBy));
    case "justified":
    case "unjustified": {
      const verdict = opening.state === "justified" ? words.emergencyJustified : words.emergencyUnjustified;
      return isRunning ? `${words.emergencyIsOpen(asHour(opening.overAt))} · ${verdict}` : verdict;
    }
  }
}
