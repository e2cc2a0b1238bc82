/** Cameras opened in an emergency: opening, listing, closing and judging (docs/reference/openapi.json). */

import { cameraPath } from "./calls";
import { asBoolean, asDate, asRecord, asString, oneOf, or, type Reader } from "./decode";
import { API, callJson, callNothing } from "./http";
import { readPage, type Page } from "./model";
import type { Result } from "./result";

export const CATEGORIES = ["flood", "fire", "accident", "crime", "unrest", "medical", "missing-person", "disaster", "other"] as const;
export type Category = (typeof CATEGORIES)[number];

export const OPENING_STATES = ["open", "unreviewed", "overdue", "justified", "unjustified"] as const;
export type OpeningState = (typeof OPENING_STATES)[number];

/** One camera, opened by one person. */
export interface Opening {
  readonly id: string;
  readonly cameraId: string;
  readonly cameraName: string;
  readonly by: { readonly username: string; readonly displayName: string };
  readonly category: Category;
  readonly incident: string;
  readonly reason: string;
  readonly state: OpeningState;
  readonly openedAt: Date;
  /** When it ends or ended. */
  readonly overAt: Date;
  /** Who closed it before its time; empty when the clock did or will. */
  readonly closedBy: string;
  readonly reviewBy: Date;
  readonly reviewer: string;
  readonly review: string;
  readonly mayClose: boolean;
  readonly mayReview: boolean;
}

export interface EmergencyWish {
  readonly category: Category;
  readonly incident: string;
  readonly reason: string;
  readonly minutes: number;
}

const text = or(asString, "");
const flag = or(asBoolean, false);

export const readOpening: Reader<Opening> = (value, where) => {
  const fields = asRecord(value, where);
  const by = asRecord(fields["opened_by"], `${where}.opened_by`);
  const cameraId = asString(fields["camera_id"], `${where}.camera_id`);
  const username = asString(by["username"], `${where}.opened_by.username`);
  return {
    id: asString(fields["id"], `${where}.id`),
    cameraId,
    cameraName: text(fields["camera_name"], `${where}.camera_name`) || cameraId,
    by: { username, displayName: text(by["display_name"], `${where}.opened_by.display_name`) || username },
    category: oneOf(CATEGORIES, "other")(fields["category"], `${where}.category`),
    incident: asString(fields["incident"], `${where}.incident`),
    reason: asString(fields["reason"], `${where}.reason`),
    state: oneOf(OPENING_STATES, "unreviewed")(fields["state"], `${where}.state`),
    openedAt: asDate(fields["opened_at"], `${where}.opened_at`),
    overAt: asDate(fields["over_at"], `${where}.over_at`),
    closedBy: text(fields["closed_by"], `${where}.closed_by`),
    reviewBy: asDate(fields["review_by"], `${where}.review_by`),
    reviewer: text(fields["reviewer"], `${where}.reviewer`),
    review: text(fields["review"], `${where}.review`),
    mayClose: flag(fields["may_close"], `${where}.may_close`),
    mayReview: flag(fields["may_review"], `${where}.may_review`),
  };
};

export interface OpeningsQuery {
  /** Only what is open now and what nobody has judged yet. */
  readonly pending?: boolean;
  readonly camera?: string;
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
}

function path(id: string): string {
  return `${API}/emergencies/${encodeURIComponent(id)}`;
}

/** Newest first. */
export function openings({ pending, camera, after, limit }: OpeningsQuery, signal?: AbortSignal): Promise<Result<Page<Opening>>> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (pending === true) query.set("pending", "true");
  if (camera !== undefined) query.set("camera", camera);
  if (after !== undefined) query.set("after", after);
  return callJson(`${API}/emergencies?${query.toString()}`, signal === undefined ? {} : { signal }, readPage(readOpening));
}

/** Asked again while it is open, it is the same opening. */
export function openCamera(camera: string, wish: EmergencyWish): Promise<Result<Opening>> {
  return callJson(`${cameraPath(camera)}/emergency`, { method: "POST", json: wish }, readOpening);
}

/** One that is over already stays as it is. */
export function closeOpening(id: string): Promise<Result<null>> {
  return callNothing(path(id), { method: "DELETE" });
}

export function judgeOpening(id: string, isJustified: boolean, words: string): Promise<Result<Opening>> {
  return callJson(`${path(id)}/review`, { method: "POST", json: { justified: isJustified, words } }, readOpening);
}
