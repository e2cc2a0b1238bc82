/** What the control socket says, read with care; an unknown kind is null, so that a newer service does no harm. */

import { asBoolean, asNumber, asRecord, asString, DecodeError, listOf, nullable, oneOf, or, type Fields, type Reader } from "../../api/decode";
import { readCameraState, readHolder, readRole, readSafetyNet, type CameraState, type Holder, type SafetyNet } from "../../api/model";

export const REFUSALS = [
  "held",
  "cannot-steer",
  "forbidden",
  "bad-input",
  "rate-limited",
  "camera-fault",
  "not-on-record",
  "priority-too-low",
  "reserved",
  "fenced",
  "not-holder",
  "not-waiting",
  "queue-full",
  "nothing-to-release",
  "released",
  "stale",
] as const;
export type Refusal = (typeof REFUSALS)[number] | "unknown";

export interface Ack {
  readonly type: "ack";
  readonly seq: number;
  readonly kind: string;
  readonly cameraMs: number | null;
}

export interface Refused {
  readonly type: "error";
  readonly seq: number | null;
  readonly code: Refusal;
  readonly detail: string;
  readonly holderName: string | null;
}

/** One who waits for control; `ticket` names the place to the holder, who may hand over. */
export interface Waiter {
  readonly ticket: number;
  readonly name: string;
  readonly role: string | null;
  readonly you: boolean;
  readonly reason: string;
  readonly waitingMs: number;
}

export const ROUND_STATES = ["running", "paused", "resting", "failed"] as const;
export type RoundState = (typeof ROUND_STATES)[number];

/** The patrol or event that runs or waits on the camera. */
export interface RoundStatus {
  readonly id: string;
  readonly name: string;
  readonly isEvent: boolean;
  readonly state: RoundState;
  /** The station it is at or on the way to, counted from 0, of `stops`. */
  readonly stop: number;
  readonly stops: number;
  readonly resumesInMs: number | null;
  readonly detail: string;
}

/** Why viewers get a card instead of the picture. */
export const HIDDEN_REASONS = ["sector", "position-unknown", "position-stale"] as const;
export type HiddenReason = (typeof HIDDEN_REASONS)[number] | "other";

export interface ControlState {
  readonly type: "state";
  readonly holder: Holder | null;
  /** In the order in which they will be served. */
  readonly queue: readonly Waiter[];
  /** The newest lease's number when it is ours. */
  readonly fence: number | null;
  readonly moving: boolean;
  readonly mayControl: boolean;
  /** A plain touch gets the camera: it is free, ours, or a patrol's or event's that gives way. */
  readonly mayTake: boolean;
  readonly mayTakeOver: boolean;
  readonly mayBreak: boolean;
  readonly hidden: HiddenReason | null;
  readonly round: RoundStatus | null;
  readonly safetyNet: SafetyNet;
  /** How long a move lives on this link unless it is repeated. */
  readonly lifeMs: number | null;
  /** Whether the camera confirmed the last Stop; null while that is open or there was none. */
  readonly stopConfirmed: boolean | null;
  readonly camera: { readonly state: CameraState; readonly detail: string };
  readonly viewers: number | null;
}

export interface Closing {
  readonly type: "closing";
  readonly reason: string;
}

/** One of our video sessions on this camera is over: the service ended it, or lost it. */
export interface VideoEnded {
  readonly type: "video_ended";
  readonly video: string;
}

export type ServerMessage = Ack | Refused | ControlState | Closing | VideoEnded;

export interface MoveMessage {
  readonly type: "move";
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
  readonly gesture: number;
  readonly at_ms: number;
  readonly fence?: number;
  readonly delay_ms?: number;
}

export interface StopMessage {
  readonly type: "stop";
  readonly gesture?: number;
  readonly fence?: number;
}

/** What is asked once and answered over the socket. */
export type Wish =
  | { readonly type: "take" | "release" | "withdraw" | "unreserve" }
  | { readonly type: "home"; readonly fence?: number }
  | { readonly type: "goto"; readonly preset: string; readonly fence?: number }
  | { readonly type: "take_over"; readonly reason: string }
  | { readonly type: "request"; readonly reason?: string }
  | { readonly type: "hand_over"; readonly ticket: number }
  | { readonly type: "reserve"; readonly reason: string; readonly limit_s: number };

export type ClientMessage =
  | MoveMessage
  | StopMessage
  | Wish
  | { readonly type: "datagrams"; readonly video: string }
  | { readonly type: "ping"; readonly at_ms: number };

/** The message, or null when it is of a kind unknown here; throws DecodeError or SyntaxError when it is not readable. */
export function readMessage(data: unknown): ServerMessage | null {
  if (typeof data !== "string") throw new DecodeError("message is not a text");
  const fields = asRecord(JSON.parse(data) as unknown, "message");
  switch (fields["type"]) {
    case "ack":
      return readAck(fields);
    case "error":
      return readRefused(fields);
    case "state":
      return readState(fields);
    case "closing":
      return { type: "closing", reason: or(asString, "")(fields["reason"], "reason") };
    case "video_ended":
      return { type: "video_ended", video: asString(fields["video"], "video") };
    default:
      return null;
  }
}

function readAck(fields: Fields): Ack {
  return {
    type: "ack",
    seq: asNumber(fields["seq"], "seq"),
    kind: or(asString, "")(fields["kind"], "kind"),
    cameraMs: nullable(asNumber)(fields["camera_ms"], "camera_ms"),
  };
}

function readRefused(fields: Fields): Refused {
  const holder = nullable(asRecord)(fields["holder"], "holder");
  return {
    type: "error",
    seq: nullable(asNumber)(fields["seq"], "seq"),
    code: oneOf(REFUSALS, "unknown")(fields["code"], "code"),
    detail: or(asString, "")(fields["detail"], "detail"),
    holderName: holder === null ? null : nullable(asString)(holder["name"], "holder.name"),
  };
}

const flag = or(asBoolean, false);
const text = or(asString, "");

const readWaiter: Reader<Waiter> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    ticket: asNumber(fields["ticket"], `${where}.ticket`),
    name: asString(fields["name"], `${where}.name`),
    role: readRole(fields["role"], `${where}.role`),
    you: flag(fields["you"], `${where}.you`),
    reason: text(fields["reason"], `${where}.reason`),
    waitingMs: or(asNumber, 0)(fields["waiting_ms"], `${where}.waiting_ms`),
  };
};

const readRound: Reader<RoundStatus> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    id: text(fields["id"], `${where}.id`),
    name: text(fields["name"], `${where}.name`),
    isEvent: fields["kind"] === "event",
    state: oneOf(ROUND_STATES, "running")(fields["state"], `${where}.state`),
    stop: or(asNumber, 0)(fields["stop"], `${where}.stop`),
    stops: or(asNumber, 0)(fields["stops"], `${where}.stops`),
    resumesInMs: nullable(asNumber)(fields["resumes_in_ms"], `${where}.resumes_in_ms`),
    detail: text(fields["detail"], `${where}.detail`),
  };
};

const readHidden: Reader<HiddenReason> = oneOf(HIDDEN_REASONS, "other" as const);

function readState(fields: Fields): ControlState {
  const camera = nullable(asRecord)(fields["camera"], "camera") ?? {};
  return {
    type: "state",
    holder: nullable(readHolder)(fields["holder"], "holder"),
    queue: or(listOf(readWaiter), [])(fields["queue"], "queue"),
    fence: nullable(asNumber)(fields["fence"], "fence"),
    moving: flag(fields["moving"], "moving"),
    mayControl: flag(fields["may_control"], "may_control"),
    mayTake: flag(fields["may_take"], "may_take"),
    mayTakeOver: flag(fields["may_take_over"], "may_take_over"),
    mayBreak: flag(fields["may_break"], "may_break"),
    hidden: nullable(readHidden)(fields["hidden"], "hidden"),
    round: nullable(readRound)(fields["patrol"], "patrol"),
    safetyNet: readSafetyNet(fields["safety_net"], "safety_net"),
    lifeMs: nullable(asNumber)(fields["life_ms"], "life_ms"),
    stopConfirmed: nullable(asBoolean)(fields["stop_confirmed"], "stop_confirmed"),
    camera: { state: readCameraState(camera["state"], "camera.state"), detail: text(camera["detail"], "camera.detail") },
    viewers: nullable(asNumber)(fields["viewers"], "viewers"),
  };
}
