/** A camera's patrols (docs/reference/openapi.json). */

import { cameraPath } from "./calls";
import { asBoolean, asNumber, asRecord, asString, listOf, nullable, or, type Reader } from "./decode";
import { callJson, callNothing } from "./http";
import type { Result } from "./result";

export interface Station {
  readonly preset: string;
  readonly dwellS: number;
  /** 0 to 1 of the camera's fastest; null: as the camera likes. */
  readonly speed: number | null;
}

/** When a patrol runs: days 0 (Monday) to 6, from "HH:MM" to "HH:MM"; to an earlier time is the next day. */
export interface PatrolWindow {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

/** What a person writes of a patrol; without windows it always runs. */
export interface PatrolPlan {
  readonly name: string;
  readonly stations: readonly Station[];
  readonly windows: readonly PatrolWindow[];
}

export interface Patrol extends PatrolPlan {
  readonly id: string;
  readonly enabled: boolean;
  readonly priority: number | null;
}

export interface PatrolBook {
  readonly patrols: readonly Patrol[];
  /** In which their windows are meant, such as "Asia/Jakarta". */
  readonly timeZone: string;
}

const readStation: Reader<Station> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    preset: asString(fields["preset"], `${where}.preset`),
    dwellS: asNumber(fields["dwell_s"], `${where}.dwell_s`),
    speed: nullable(asNumber)(fields["speed"], `${where}.speed`),
  };
};

const readWindow: Reader<PatrolWindow> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    days: listOf(asNumber)(fields["days"], `${where}.days`),
    from: asString(fields["from"], `${where}.from`),
    to: asString(fields["to"], `${where}.to`),
  };
};

export const readPatrol: Reader<Patrol> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    id: asString(fields["id"], `${where}.id`),
    name: asString(fields["name"], `${where}.name`),
    enabled: or(asBoolean, false)(fields["enabled"], `${where}.enabled`),
    priority: nullable(asNumber)(fields["priority"], `${where}.priority`),
    stations: listOf(readStation)(fields["stops"], `${where}.stops`),
    windows: or(listOf(readWindow), [])(fields["windows"], `${where}.windows`),
  };
};

const readBook: Reader<PatrolBook> = (value, where) => {
  const fields = asRecord(value, where);
  return { patrols: listOf(readPatrol)(fields["items"], `${where}.items`), timeZone: or(asString, "")(fields["time_zone"], `${where}.time_zone`) };
};

function bodyOf(plan: PatrolPlan): object {
  return {
    name: plan.name,
    stops: plan.stations.map(({ preset, dwellS, speed }) => ({ preset, dwell_s: dwellS, speed })),
    windows: plan.windows,
  };
}

function patrolPath(camera: string, patrol: string): string {
  return `${cameraPath(camera)}/patrols/${encodeURIComponent(patrol)}`;
}

export function patrolsOf(camera: string): Promise<Result<PatrolBook>> {
  return callJson(`${cameraPath(camera)}/patrols`, {}, readBook);
}

/** A new one is off until it is started. */
export function addPatrol(camera: string, plan: PatrolPlan): Promise<Result<null>> {
  return callNothing(`${cameraPath(camera)}/patrols`, { method: "POST", json: bodyOf(plan) });
}

export function changePatrol(camera: string, patrol: Patrol, plan: PatrolPlan): Promise<Result<null>> {
  return callNothing(patrolPath(camera, patrol.id), { method: "PUT", json: { ...bodyOf(plan), enabled: patrol.enabled, priority: patrol.priority } });
}

export function removePatrol(camera: string, patrol: string): Promise<Result<null>> {
  return callNothing(patrolPath(camera, patrol), { method: "DELETE" });
}

/** Enable or disable it; it then runs whenever its schedule and the people at the camera let it. */
export function switchPatrol(camera: string, patrol: string, isOn: boolean): Promise<Result<null>> {
  return callNothing(`${patrolPath(camera, patrol)}/${isOn ? "start" : "stop"}`, { method: "POST" });
}
