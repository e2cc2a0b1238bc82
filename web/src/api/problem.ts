/** Problems as the service reports them (RFC 9457), and those that happen before it is reached. */

import { asNumber, asRecord, asString, DecodeError, nullable, oneOf, or } from "./decode";
import { readWhyNot, type WhyNot } from "./model";

const URN = "urn:camctl:problem:";

const SERVICE_KINDS = [
  "bad-input",
  "not-signed-in",
  "wrong-sign-in",
  "second-factor-needed",
  "second-factor-over",
  "wrong-code",
  "wrong-proof",
  "passkey-refused",
  "step-up-needed",
  "no-passkeys-here",
  "forbidden",
  "not-found",
  "held",
  "outranked",
  "not-done",
  "hidden",
  "not-live",
  "codec",
  "cannot-steer",
  "camera-fault",
  "not-on-record",
  "too-large",
  "media-type",
  "bad-offer",
  "method",
  "too-many-sessions",
  "internal",
  "unavailable",
  "overloaded",
  "no-place",
  "gave-way",
  "rate-limited",
  "stale-etag",
  "no-precondition",
  "cross-site",
] as const;

/** `network`: no answer; `timeout`: too late; `garbled`: an answer that is not ours; `unknown`: a problem this page has no words for. */
export type ProblemKind = (typeof SERVICE_KINDS)[number] | "network" | "timeout" | "garbled" | "unknown";

export interface Problem {
  readonly kind: ProblemKind;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** A sentence in English from the service; empty when it said none. */
  readonly detail: string;
  readonly retryAfterMs: number | null;
  /** Why a stream or a camera failed (StreamFault or CameraFault of the service). */
  readonly fault: string | null;
  readonly codec: string | null;
  /** The rule that refused it, where the service named one that this page knows. */
  readonly why: WhyNot | null;
  readonly holderName: string | null;
  /** Stands for the right password until the second factor is given. */
  readonly pending: string | null;
}

export function localProblem(kind: "network" | "timeout" | "garbled", detail = "", status = 0): Problem {
  return { kind, status, detail, retryAfterMs: null, fault: null, codec: null, why: null, holderName: null, pending: null };
}

/** Retry-After in seconds (RFC 9110 10.2.3); a date is not used by the service and reads as null. */
export function retryAfterMs(header: string | null): number | null {
  if (header === null || !/^\d{1,6}$/.test(header.trim())) return null;
  return Number(header) * 1000;
}

/** The problem that a non-2xx answer stands for, whatever its body is. */
export function problemOf(status: number, retryAfter: string | null, body: unknown): Problem {
  const wait = retryAfterMs(retryAfter);
  try {
    const fields = asRecord(body, "problem");
    const type = or(asString, "")(fields["type"], "type");
    const holder = nullable(asRecord)(fields["holder"], "holder");
    return {
      kind: type.startsWith(URN) ? oneOf(SERVICE_KINDS, "unknown")(type.slice(URN.length), "type") : kindOfStatus(status),
      status,
      detail: or(asString, "")(fields["detail"], "detail"),
      retryAfterMs: wait ?? nullable(asNumber)(fields["retry_after_ms"], "retry_after_ms"),
      fault: nullable(asString)(fields["fault"], "fault"),
      codec: nullable(asString)(fields["codec"], "codec"),
      why: readWhyNot(fields["why"], "why"),
      pending: nullable(asString)(fields["pending"], "pending"),
      holderName: holder === null ? null : nullable(asString)(holder["name"], "holder.name"),
    };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { ...localProblem("garbled", "", status), kind: kindOfStatus(status), retryAfterMs: wait };
  }
}

function kindOfStatus(status: number): ProblemKind {
  const kinds: Readonly<Record<number, ProblemKind>> = {
    400: "bad-input",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    406: "codec",
    413: "too-large",
    415: "media-type",
    422: "bad-input",
    429: "rate-limited",
    503: "overloaded",
  };
  return kinds[status] ?? "unknown";
}
