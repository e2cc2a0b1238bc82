/** What a video session is shown, and what may be asked of it. */

import { asRecord, oneOf, type Reader } from "./decode";
import { callJson } from "./http";
import type { Result } from "./result";

export const QUALITIES = ["main", "sub"] as const;
export type Quality = (typeof QUALITIES)[number];

export const WISHES = ["auto", "main", "sub"] as const;
export type QualityWish = (typeof WISHES)[number];

export const WHYS = ["only", "pinned", "tile", "start", "link", "good"] as const;
export type Why = (typeof WHYS)[number];

export interface VideoView {
  /** Null before the first picture. */
  readonly quality: Quality | null;
  readonly why: Why | null;
}

const readView: Reader<VideoView> = (value, where) => {
  const fields = asRecord(value, where);
  return { quality: oneOf(QUALITIES, null)(fields["quality"], "quality"), why: oneOf(WHYS, null)(fields["why"], "why") };
};

/** What this page knows of its own picture and link, for the service's choice. */
export interface Demand {
  readonly wish: QualityWish;
  /** The picture's height in device pixels; 0: unknown. */
  readonly heightPx: number;
  readonly isSlow: boolean;
}

export function demandQuery(demand: Demand): string {
  return new URLSearchParams({ quality: demand.wish, height_px: String(demand.heightPx), slow: String(demand.isSlow) }).toString();
}

/** `session`: the address that the service gave the session. */
export function showVideo(session: string): Promise<Result<VideoView>> {
  return callJson(session, {}, readView);
}

export function askQuality(session: string, demand: Demand): Promise<Result<VideoView>> {
  const json = { quality: demand.wish, height_px: demand.heightPx, is_slow: demand.isSlow };
  return callJson(`${session}/quality`, { method: "PUT", json }, readView);
}
