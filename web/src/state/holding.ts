/** What a camera's control state means for this person, and what of a change is to be said. Pure. */

import type { Holder } from "../api/model";
import type { ControlState, Waiter } from "../drivers/control/messages";

/** What can be done about control with one tap. */
export type MainAction = "take" | "release" | "take-over" | "break" | "request" | "withdraw" | "none";

export function ownPlace(control: ControlState): number | null {
  const index = control.queue.findIndex((waiter) => waiter.you);
  return index < 0 ? null : index + 1;
}

/** A plain touch gets the camera. */
export function isOpenToMe(control: ControlState): boolean {
  return control.mayControl && (control.holder === null || control.mayTake);
}

/** "break": taking over would end somebody's reservation. */
export function takeOverKind(control: ControlState): "take-over" | "break" | null {
  const { holder } = control;
  if (!control.mayControl || holder === null || holder.you || isOpenToMe(control)) return null;
  if (holder.reserved) return control.mayBreak ? "break" : null;
  return control.mayTakeOver ? "take-over" : null;
}

/** A reservation can be made, or made anew. */
export function mayReserve(control: ControlState): boolean {
  return control.holder?.you === true || isOpenToMe(control);
}

/** One may get into the queue: somebody else has it and one is not in it yet. */
export function mayRequest(control: ControlState): boolean {
  return control.mayControl && !mayReserve(control) && ownPlace(control) === null;
}

export function mainAction(control: ControlState): MainAction {
  if (!control.mayControl) return "none";
  if (control.holder?.you === true) return "release";
  if (ownPlace(control) !== null) return "withdraw";
  if (isOpenToMe(control)) return "take";
  return takeOverKind(control) ?? "request";
}

export type Deadline =
  | { readonly kind: "reserved"; readonly inMs: number }
  | { readonly kind: "capped"; readonly inMs: number }
  | { readonly kind: "idle"; readonly inMs: number };

/** When the holder's lease ends, as far as the message says; null while it goes on by being used. */
export function deadline(holder: Holder, isMoving: boolean): Deadline | null {
  const reservedMs = holder.reservedInMs ?? holder.expiresInMs;
  if (holder.reserved) return reservedMs === null ? null : { kind: "reserved", inMs: reservedMs };
  const idleMs = isMoving ? Infinity : (holder.expiresInMs ?? Infinity);
  if (holder.cappedInMs !== null && holder.cappedInMs <= idleMs) return { kind: "capped", inMs: holder.cappedInMs };
  return Number.isFinite(idleMs) ? { kind: "idle", inMs: idleMs } : null;
}

export type Change =
  | { readonly kind: "asked"; readonly waiter: Waiter } // somebody wants control of what we hold
  | { readonly kind: "granted" } // our turn has come
  | { readonly kind: "lost"; readonly to: Holder; readonly wasReserved: boolean };

/** What this person has to be told, beyond what the page shows anyway. */
export function changes(before: ControlState | null, after: ControlState): readonly Change[] {
  const wasOurs = isOurs(before);
  if (isOurs(after)) {
    const waited = before !== null && !wasOurs && ownPlace(before) !== null;
    const granted: readonly Change[] = waited ? [{ kind: "granted" }] : [];
    return [...newcomers(wasOurs ? before : null, after), ...granted];
  }
  if (!wasOurs || after.holder === null) return [];
  return [{ kind: "lost", to: after.holder, wasReserved: before?.holder?.reserved ?? false }];
}

function isOurs(control: ControlState | null): boolean {
  return control?.holder?.you ?? false;
}

function newcomers(before: ControlState | null, after: ControlState): readonly Change[] {
  const known = new Set(before?.queue.map((waiter) => waiter.ticket));
  return after.queue.filter((waiter) => !waiter.you && !known.has(waiter.ticket)).map((waiter) => ({ kind: "asked", waiter }));
}
