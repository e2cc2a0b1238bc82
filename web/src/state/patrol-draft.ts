/** A patrol while it is being written: what the form holds, and what it means. Pure. */

import type { Patrol, PatrolPlan, PatrolWindow } from "../api/patrols";

export interface DraftStation {
  readonly preset: string;
  readonly dwell: string;
  readonly speed: number | null;
}

export type Schedule = "always" | "daily" | "kept";

export interface PatrolDraft {
  readonly name: string;
  readonly stations: readonly DraftStation[];
  /** "kept": a schedule that this form cannot show; it stays as it is. */
  readonly schedule: Schedule;
  readonly from: string;
  readonly until: string;
}

export const LEAST_DWELL_S = 1;
export const MOST_DWELL_S = 86_400;
export const MOST_STATIONS = 64;
export const LONGEST_NAME = 80;
const FIRST_DWELL_S = 15;
const FIRST_FROM = "06:00";
const FIRST_UNTIL = "18:00";
const EVERY_DAY: readonly number[] = [0, 1, 2, 3, 4, 5, 6];

export type DraftFault = "name" | "stations" | "dwell" | "window";

const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/;

function isDaily(window: PatrolWindow): boolean {
  return CLOCK.test(window.to) && EVERY_DAY.every((day) => window.days.includes(day)); // "24:00" is no time of a clock
}

export function newStation(preset: string): DraftStation {
  return { preset, dwell: String(FIRST_DWELL_S), speed: null };
}

/** `patrol` null: a new one, that begins with the camera's first preset. */
export function draftOf(patrol: Patrol | null, firstPreset: string | null): PatrolDraft {
  if (patrol === null) {
    return { name: "", stations: firstPreset === null ? [] : [newStation(firstPreset)], schedule: "always", from: FIRST_FROM, until: FIRST_UNTIL };
  }
  const [first, ...more] = patrol.windows;
  const stations = patrol.stations.map(({ preset, dwellS, speed }): DraftStation => ({ preset, dwell: String(dwellS), speed }));
  const daily = first !== undefined && more.length === 0 && isDaily(first) ? first : null;
  return {
    name: patrol.name,
    stations,
    schedule: first === undefined ? "always" : daily === null ? "kept" : "daily",
    from: daily?.from ?? FIRST_FROM,
    until: daily?.to ?? FIRST_UNTIL,
  };
}

/** The plan to be saved, or the first thing that is wrong. `kept`: the windows of a schedule that stays. */
export function planOf(draft: PatrolDraft, kept: readonly PatrolWindow[]): PatrolPlan | DraftFault {
  const name = draft.name.trim();
  if (name === "") return "name";
  if (draft.stations.length === 0) return "stations";
  const stations = draft.stations.map(({ preset, dwell, speed }) => ({ preset, dwellS: Number(dwell.trim().replace(",", ".") || NaN), speed }));
  if (stations.some(({ dwellS }) => !(dwellS >= LEAST_DWELL_S && dwellS <= MOST_DWELL_S))) return "dwell";
  if (draft.schedule === "kept") return { name, stations, windows: kept };
  if (draft.schedule === "always") return { name, stations, windows: [] };
  const { from, until } = draft;
  if (!CLOCK.test(from) || !CLOCK.test(until) || from === until) return "window";
  return { name, stations, windows: [{ days: EVERY_DAY, from, to: until }] };
}
