/** What the service says on a feed's socket beside the pictures. */

import { asNumber, asRecord, asString, DecodeError, nullable, or } from "../../api/decode";
import { problemOf, type Problem } from "../../api/problem";

export type FeedMessage =
  | { readonly type: "init"; readonly codecs: string }
  | { readonly type: "hidden"; readonly isHidden: boolean }
  | { readonly type: "pong"; readonly seq: number; readonly waitingMs: number }
  | { readonly type: "closing"; readonly problem: Problem | null }
  | { readonly type: "other" };

/** Throws DecodeError for what is no message of the service. */
export function readFeedMessage(text: string): FeedMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DecodeError("message: not JSON");
  }
  const fields = asRecord(value, "message");
  switch (asString(fields["type"], "type")) {
    case "init":
      return { type: "init", codecs: asString(fields["codecs"], "codecs") };
    case "hidden":
      return { type: "hidden", isHidden: nullable(asString)(fields["reason"], "reason") !== null };
    case "pong":
      return { type: "pong", seq: asNumber(fields["seq"], "seq"), waitingMs: or(asNumber, 0)(fields["waiting_ms"], "waiting_ms") };
    case "closing":
      return { type: "closing", problem: closingProblem(fields["problem"]) };
    default:
      return { type: "other" };
  }
}

function closingProblem(value: unknown): Problem | null {
  if (value === undefined || value === null) return null;
  return problemOf(asNumber(asRecord(value, "problem")["status"], "status"), null, value);
}
