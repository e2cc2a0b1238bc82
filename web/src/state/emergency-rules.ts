/** What an opening in an emergency means for this person. Pure. */

import type { Opening } from "../api/emergencies";

export function isRunning(opening: Opening, nowMs: number): boolean {
  return nowMs < opening.overAt.getTime();
}

/** Somebody has to judge it yet. */
export function isUnjudged(opening: Opening): boolean {
  return opening.state !== "justified" && opening.state !== "unjustified";
}

/** Somebody else's, and this person closes or judges such: a camera's owner, or a supervisor. */
export function concerns(opening: Opening, me: string): boolean {
  return opening.by.username !== me && (opening.mayClose || opening.mayReview);
}

/** Of what concerns this person, what is open or waits for their judgement. */
export function countPending(pending: readonly Opening[], me: string, nowMs: number): number {
  return pending.filter((one) => concerns(one, me) && (isRunning(one, nowMs) || (one.mayReview && isUnjudged(one)))).length;
}

/** What this person has to be told now: what runs when they come, later whatever is new. `known`: ids that were there before. */
export function newsOf(pending: readonly Opening[], known: ReadonlySet<string> | null, me: string, nowMs: number): readonly Opening[] {
  return pending.filter((one) => concerns(one, me) && (known === null ? isRunning(one, nowMs) : !known.has(one.id)));
}

/** This person's opening of the camera that runs now. */
export function ownRunning(openings: readonly Opening[], cameraId: string, me: string, nowMs: number): Opening | null {
  return openings.find((one) => one.cameraId === cameraId && one.by.username === me && isRunning(one, nowMs)) ?? null;
}

/** Newest first; what was told again takes the place of what was known of it. */
export function merged(known: readonly Opening[], told: readonly Opening[]): readonly Opening[] {
  const all = new Map([...known, ...told].map((one) => [one.id, one]));
  return [...all.values()].sort((a, b) => b.openedAt.getTime() - a.openedAt.getTime());
}

export type WhyEnded = { readonly kind: "unknown" | "time" | "self" } | { readonly kind: "closed"; readonly by: string };

/** Why this person's newest opening of a camera is over, from the camera's openings, newest first. */
export function whyEnded(openings: readonly Opening[], me: string, nowMs: number): WhyEnded {
  const mine = openings.find((one) => one.by.username === me);
  if (mine === undefined || isRunning(mine, nowMs)) return { kind: "unknown" };
  if (mine.closedBy === "") return { kind: "time" };
  return mine.closedBy === me ? { kind: "self" } : { kind: "closed", by: mine.closedBy };
}
