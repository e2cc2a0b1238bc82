/** Who controls a camera and what changes about it, in the present language. */

import type { Holder } from "../api/model";
import type { HiddenReason, RoundStatus, Waiter } from "../drivers/control/messages";
import type { Change, Deadline } from "../state/holding";
import { clockOf } from "../state/time-left";
import type { Messages } from "./id";
import { asHour, inFigures } from "./locale";

/** The word for a role that camctl ships; one that the city made has the name that the city gave it. */
export function roleWord(words: Messages, role: string): string {
  const shipped = new Map([
    ["admin", words.roleAdmin],
    ["auditor", words.roleAuditor],
    ["operator", words.roleOperator],
    ["official", words.roleOfficial],
    ["partner", words.rolePartner],
  ]);
  return shipped.get(role) ?? role;
}

export function nameAndRole(words: Messages, person: { readonly name: string; readonly role: string | null }): string {
  return person.role === null ? person.name : words.nameAndRole(person.name, roleWord(words, person.role));
}

export function holderWords(words: Messages, holder: Holder): string {
  if (holder.kind === "patrol") return words.heldByPatrol(holder.name);
  if (holder.kind === "event") return words.heldByEvent(holder.name);
  return holder.you ? words.heldByYou : words.heldBy(holder.name);
}

const SECONDS_SAY_MORE_BELOW = 100;

/** "42 s" or "12:30". */
export function leftWords(words: Messages, seconds: number): string {
  return seconds < SECONDS_SAY_MORE_BELOW ? words.secondsLeft(inFigures(seconds)) : clockOf(seconds);
}

/** When and why control ends, `seconds` before it does. */
export function deadlineWords(words: Messages, kind: Deadline["kind"], seconds: number, now: Date): string {
  const left = leftWords(words, seconds);
  switch (kind) {
    case "idle":
      return left;
    case "capped":
      return words.endsBecauseOthersWait(left);
    case "reserved":
      return words.reservedUntil(asHour(new Date(now.getTime() + seconds * 1000)), left);
  }
}

export function hiddenWords(words: Messages, reason: HiddenReason): string {
  const all: Readonly<Record<HiddenReason, string>> = {
    sector: words.hiddenSector,
    "position-unknown": words.hiddenUnknown,
    "position-stale": words.hiddenStale,
    other: words.hiddenOther,
  };
  return all[reason];
}

/** What the round does; `left`: until it goes on, where that is known. */
export function roundWords(words: Messages, round: RoundStatus, left: string | null): string {
  switch (round.state) {
    case "running":
      return words.roundRunning;
    case "paused":
      return words.roundPaused;
    case "resting":
      return left === null ? words.roundResting : words.roundRestingFor(left);
    case "failed":
      return round.detail === "" ? words.roundFailed : `${words.roundFailed}: ${round.detail}`;
  }
}

export function asksWords(words: Messages, waiter: Waiter): string {
  return waiter.reason === "" ? words.asksForControl(waiter.name) : words.asksForControlBecause(waiter.name, waiter.reason);
}

/** Null for what the page itself says prominently. */
export function changeWords(words: Messages, change: Change): string | null {
  switch (change.kind) {
    case "asked":
      return null;
    case "granted":
      return words.granted;
    case "lost": {
      const { name, reason } = change.to;
      if (change.wasReserved) return reason === "" ? words.reservationBroken(name) : words.reservationBrokenBecause(name, reason);
      return reason === "" ? words.lostTo(name) : words.lostToBecause(name, reason);
    }
  }
}
