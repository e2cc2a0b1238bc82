/** The service's words as this page reads them (docs/reference/openapi.json). */

import { asBoolean, asDate, asNumber, asRecord, asString, listOf, nullable, oneOf, or, type Reader } from "./decode";

export interface Person {
  readonly username: string;
  readonly displayName: string;
  readonly role: string | null;
}

export const CAMERA_STATES = ["live", "offline", "connecting", "unknown"] as const;
export type CameraState = (typeof CAMERA_STATES)[number];

/** Who may hold a camera: a patrol and an event give way to people. */
export const HOLDER_KINDS = ["person", "event", "patrol"] as const;
export type HolderKind = (typeof HOLDER_KINDS)[number];

export interface Holder {
  readonly name: string;
  readonly role: string | null;
  readonly kind: HolderKind;
  /** Only the control socket knows whether it is you. */
  readonly you: boolean;
  /** Why it was taken over or reserved; may be empty. */
  readonly reason: string;
  readonly reserved: boolean;
  /** How long the lease (or the reservation) lasts from the moment of the message; null when it is not said. */
  readonly expiresInMs: number | null;
  /** The lease ends then, used or not, because others wait; null while nobody does. */
  readonly cappedInMs: number | null;
  /** What is left of the reservation itself; after it the lease may still go on. Null when it is not said. */
  readonly reservedInMs: number | null;
  readonly sinceMs: number | null;
}

/** What ends a motion when the link to the camera is gone: the camera itself, short steps, or nothing. */
export const SAFETY_NETS = ["timeout", "steps", "none"] as const;
export type SafetyNet = (typeof SAFETY_NETS)[number];

export interface Abilities {
  readonly panTilt: boolean;
  readonly zoom: boolean;
  readonly home: boolean;
  readonly presets: boolean;
}

export interface May {
  readonly live: boolean;
  readonly control: boolean;
  readonly presets: boolean;
  /** Write, start and stop patrols. */
  readonly patrols: boolean;
}

/** A camera that its owner shares in emergencies only. */
export interface EmergencySharing {
  /** Whether this person may say that there is one. */
  readonly mayOpen: boolean;
  /** Until when it is open for this person; null while it is not. */
  readonly openUntil: Date | null;
}

export interface Camera {
  readonly id: string;
  readonly name: string;
  readonly area: { readonly code: string; readonly name: string };
  readonly state: CameraState;
  readonly stateDetail: string;
  readonly steerable: boolean;
  /** Its sound may be heard, if it has any. */
  readonly audio: boolean;
  readonly abilities: Abilities;
  readonly may: May;
  readonly holder: Holder | null;
  /** Null for a camera that needs no emergency. */
  readonly emergency: EmergencySharing | null;
}

/** The rules by which the service refuses something to a person (`Why` of auth/policy.py). */
export const WHYS_NOT = ["disabled", "denied", "role", "area", "owner", "emergency", "hours", "over", "not-yet", "waiting"] as const;
export type WhyNot = (typeof WHYS_NOT)[number];

/** Why a person may not do these things with a camera; null for what they may, and for a rule that this page does not know. */
export interface Reasons {
  readonly live: WhyNot | null;
  readonly control: WhyNot | null;
  readonly emergency: WhyNot | null;
}

export const NO_REASONS: Reasons = { live: null, control: null, emergency: null };

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Preset {
  readonly token: string;
  readonly name: string;
}

const flag = or(asBoolean, false);
const text = or(asString, "");
/** Roles are the city's own to name; who has none has an empty one. */
export const readRole: Reader<string | null> = (value, where) => or(asString, "")(value, where) || null;
export const readCameraState = oneOf(CAMERA_STATES, "unknown" as const);
export const readSafetyNet = oneOf(SAFETY_NETS, "timeout" as const);

export const readPerson: Reader<Person> = (value, where) => {
  const fields = asRecord(value, where);
  const username = asString(fields["username"], `${where}.username`);
  return {
    username,
    displayName: or(asString, username)(fields["display_name"], `${where}.display_name`),
    role: readRole(fields["role"], `${where}.role`),
  };
};

export const readSignIn: Reader<Person> = (value, where) => readPerson(asRecord(value, where)["person"], `${where}.person`);

export const readHolder: Reader<Holder> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    name: asString(fields["name"], `${where}.name`),
    role: readRole(fields["role"], `${where}.role`),
    kind: oneOf(HOLDER_KINDS, "person")(fields["kind"], `${where}.kind`),
    you: flag(fields["you"], `${where}.you`),
    reason: text(fields["reason"], `${where}.reason`),
    reserved: flag(fields["reserved"], `${where}.reserved`),
    expiresInMs: nullable(asNumber)(fields["expires_in_ms"], `${where}.expires_in_ms`),
    cappedInMs: nullable(asNumber)(fields["capped_in_ms"], `${where}.capped_in_ms`),
    reservedInMs: nullable(asNumber)(fields["reserved_in_ms"], `${where}.reserved_in_ms`),
    sinceMs: nullable(asNumber)(fields["since_ms"], `${where}.since_ms`),
  };
};

const readArea: Reader<Camera["area"]> = (value, where) => {
  const fields = asRecord(value, where);
  return { code: asString(fields["code"], `${where}.code`), name: text(fields["name"], `${where}.name`) };
};

const readAbilities: Reader<Abilities> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    panTilt: flag(fields["pan_tilt"], `${where}.pan_tilt`),
    zoom: flag(fields["zoom"], `${where}.zoom`),
    home: flag(fields["home"], `${where}.home`),
    presets: flag(fields["presets"], `${where}.presets`),
  };
};

const readMay: Reader<May> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    live: flag(fields["live"], `${where}.live`),
    control: flag(fields["control"], `${where}.control`),
    presets: flag(fields["presets"], `${where}.presets`),
    patrols: flag(fields["patrols"], `${where}.patrols`),
  };
};

const readEmergency: Reader<EmergencySharing> = (value, where) => {
  const fields = asRecord(value, where);
  return { mayOpen: flag(fields["may_open"], `${where}.may_open`), openUntil: nullable(asDate)(fields["open_until"], `${where}.open_until`) };
};

export const readCamera: Reader<Camera> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    id: asString(fields["id"], `${where}.id`),
    name: asString(fields["name"], `${where}.name`),
    area: readArea(fields["area"], `${where}.area`),
    state: readCameraState(fields["state"], `${where}.state`),
    stateDetail: text(fields["state_detail"], `${where}.state_detail`),
    steerable: flag(fields["steerable"], `${where}.steerable`),
    audio: flag(fields["audio"], `${where}.audio`),
    abilities: readAbilities(fields["abilities"] ?? {}, `${where}.abilities`),
    may: readMay(fields["may"] ?? {}, `${where}.may`),
    holder: nullable(readHolder)(fields["holder"], `${where}.holder`),
    emergency: nullable(readEmergency)(fields["emergency"], `${where}.emergency`),
  };
};

export const readWhyNot = oneOf(WHYS_NOT, null);

export const readReasons: Reader<Reasons> = (value, where) => {
  const decisions = asRecord(asRecord(value, where)["items"], `${where}.items`);
  const why = (capability: keyof Reasons): WhyNot | null => {
    const place = `${where}.items.${capability}`;
    const decision = nullable(asRecord)(decisions[capability], place);
    return decision === null ? null : readWhyNot(decision["why"], place);
  };
  return { live: why("live"), control: why("control"), emergency: why("emergency") };
};

export function readPage<T>(read: Reader<T>): Reader<Page<T>> {
  return (value, where) => {
    const fields = asRecord(value, where);
    return { items: listOf(read)(fields["items"], `${where}.items`), next: nullable(asString)(fields["next"], `${where}.next`) };
  };
}

export const readPresets: Reader<readonly Preset[]> = (value, where) =>
  listOf((item, place): Preset => {
    const fields = asRecord(item, place);
    return { token: asString(fields["token"], `${place}.token`), name: text(fields["name"], `${place}.name`) };
  })(asRecord(value, where)["items"], `${where}.items`);
