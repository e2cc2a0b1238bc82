/** What a person has entered to open a camera in an emergency. Pure, but for what is kept of it while they are signed in. */

import type { Category, EmergencyWish } from "../api/emergencies";

export interface EmergencyDraft {
  readonly category: Category | null;
  readonly incident: string;
  readonly reason: string;
  readonly minutes: number;
}

export const MINUTES = [15, 30, 60] as const;
export const LONGEST_INCIDENT = 40;
export const LONGEST_REASON = 120;

const INCIDENT = /^[0-9A-Za-z][0-9A-Za-z ./_-]{0,39}$/; // as the service has it

export const EMPTY_DRAFT: EmergencyDraft = { category: null, incident: "", reason: "", minutes: 30 };

export type Fault = "no-category" | "no-incident" | "wrong-incident" | "no-reason";

/** By field, what is missing or wrong; an empty object for what can be asked. */
export interface Faults {
  readonly category?: Fault;
  readonly incident?: Fault;
  readonly reason?: Fault;
}

export function faultsOf({ category, incident, reason }: EmergencyDraft): Faults {
  const number = incident.trim();
  return {
    ...(category === null && { category: "no-category" }),
    ...(!INCIDENT.test(number) && { incident: number === "" ? "no-incident" : "wrong-incident" }),
    ...(reason.trim() === "" && { reason: "no-reason" }),
  };
}

/** The request, or null while something is missing. */
export function wishOf(draft: EmergencyDraft): EmergencyWish | null {
  if (draft.category === null || Object.keys(faultsOf(draft)).length > 0) return null;
  return { category: draft.category, incident: draft.incident.trim(), reason: draft.reason.trim(), minutes: draft.minutes };
}

/** By camera: a sheet that was closed by mistake, or a page left for another, loses nothing. */
const kept = new Map<string, EmergencyDraft>();

export function draftOf(camera: string): EmergencyDraft {
  return kept.get(camera) ?? EMPTY_DRAFT;
}

export function keepDraft(camera: string, draft: EmergencyDraft): void {
  kept.set(camera, draft);
}

export function forgetDraft(camera: string): void {
  kept.delete(camera);
}

/** The next person on this phone sees nothing of it. */
export function forgetDrafts(): void {
  kept.clear();
}
