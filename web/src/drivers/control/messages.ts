/** What the control socket says, read with care; an unknown kind is null, so that a newer service does no harm. */

import { asBoolean, asNumber, asRecord, asString, DecodeError, nullable, oneOf, or, type Fields } from "../../api/decode";
import { readCameraState, readHolder, type CameraState, type Holder } from "../../api/model";

export const REFUSALS = [
  "held",
  "cannot-steer",
  "forbidden",
  "bad-input",
  "rate-limited",
  "camera-fault",
  "priority-too-low",
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

export interface ControlState {
  readonly type: "state";
  readonly holder: Holder | null;
  readonly moving: boolean;
  readonly mayControl: boolean;
  readonly mayTakeOver: boolean;
  /** Whether the camera confirmed the last Stop; null while that is open or there was none. */
  readonly stopConfirmed: boolean | null;
  readonly camera: { readonly state: CameraState; readonly detail: string };
  readonly viewers: number | null;
}

export interface Closing {
  readonly type: "closing";
  readonly reason: string;
}

export type ServerMessage = Ack | Refused | ControlState | Closing;

export type ClientMessage =
  | { readonly type: "move"; readonly pan: number; readonly tilt: number; readonly zoom: number; readonly gesture: number; readonly at_ms: number }
  | { readonly type: "stop" | "take" | "release" | "home" }
  | { readonly type: "take_over"; readonly reason: string }
  | { readonly type: "goto"; readonly preset: string }
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

function readState(fields: Fields): ControlState {
  const camera = nullable(asRecord)(fields["camera"], "camera") ?? {};
  const flag = or(asBoolean, false);
  return {
    type: "state",
    holder: nullable(readHolder)(fields["holder"], "holder"),
    moving: flag(fields["moving"], "moving"),
    mayControl: flag(fields["may_control"], "may_control"),
    mayTakeOver: flag(fields["may_take_over"], "may_take_over"),
    stopConfirmed: nullable(asBoolean)(fields["stop_confirmed"], "stop_confirmed"),
    camera: { state: readCameraState(camera["state"], "camera.state"), detail: or(asString, "")(camera["detail"], "camera.detail") },
    viewers: nullable(asNumber)(fields["viewers"], "viewers"),
  };
}
