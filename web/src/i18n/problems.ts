/** Problems and faults in the present language. */

import type { Problem, ProblemKind } from "../api/problem";
import type { Refusal, Refused } from "../drivers/control/messages";
import type { PictureFault } from "../drivers/whep/states";
import type { Messages } from "./id";
import { forbiddenWords } from "./why-not";

type Plain = { [Key in keyof Messages]: Messages[Key] extends string ? Key : never }[keyof Messages];

const BY_KIND: Readonly<Record<Exclude<ProblemKind, "held" | "codec" | "forbidden">, Plain>> = {
  network: "problemNetwork",
  timeout: "problemTimeout",
  garbled: "problemGarbled",
  unknown: "problemUnknown",
  "bad-input": "problemBadInput",
  "too-large": "problemBadInput",
  "media-type": "problemBadInput",
  "stale-etag": "problemUnknown",
  "no-precondition": "problemUnknown",
  "cross-site": "problemForbidden",
  "not-signed-in": "problemNotSignedIn",
  "wrong-sign-in": "problemWrongSignIn",
  "second-factor-needed": "problemSecondFactorNeeded",
  "second-factor-over": "problemSecondFactorOver",
  "wrong-code": "problemWrongCode",
  "wrong-proof": "problemWrongProof",
  "passkey-refused": "problemPasskeyRefused",
  "step-up-needed": "problemStepUpNeeded",
  "no-passkeys-here": "passkeyNeedsName",
  "not-found": "problemNotFound",
  "not-live": "problemNotLive",
  outranked: "priorityTooLow",
  "not-done": "problemNotDone",
  hidden: "hiddenOther",
  "cannot-steer": "problemCannotSteer",
  "camera-fault": "problemCameraFault",
  "not-on-record": "problemNotOnRecord",
  "bad-offer": "pictureAnswer",
  method: "problemUnknown",
  internal: "problemUnknown",
  unavailable: "problemOverloaded",
  overloaded: "problemOverloaded",
  "no-place": "problemNoPlace",
  "gave-way": "problemGaveWay",
  "too-many-sessions": "problemTooManySessions",
  "rate-limited": "problemRateLimited",
};

const BY_FAULT: Readonly<Record<string, Plain>> = {
  unreachable: "faultUnreachable",
  timeout: "faultTimeout",
  "bad-credentials": "faultBadCredentials",
  "not-found": "faultNotFound",
  busy: "faultBusy",
  protocol: "faultProtocol",
  certificate: "faultCertificate",
  "no-video": "faultNoVideo",
  refused: "faultRefused",
  unsupported: "faultUnsupported",
};

function faultKey(fault: string | null): Plain | undefined {
  return fault === null ? undefined : BY_FAULT[fault];
}

export function problemWords(words: Messages, problem: Problem): string {
  if (problem.kind === "held") return heldWords(words, problem.holderName);
  if (problem.kind === "codec") return words.pictureCodec(problem.codec ?? words.codecUnknown);
  if (problem.kind === "forbidden") return forbiddenWords(words, problem.why);
  return words[faultKey(problem.fault) ?? BY_KIND[problem.kind]];
}

function heldWords(words: Messages, name: string | null): string {
  return name === null ? words.problemHeldUnknown : words.problemHeld(name);
}

const BY_REFUSAL: Readonly<Record<Exclude<Refusal, "held" | "reserved">, Plain | null>> = {
  "cannot-steer": "problemCannotSteer",
  forbidden: "problemForbidden",
  "bad-input": "problemUnknown",
  "rate-limited": null,
  "camera-fault": "problemCameraFault",
  "not-on-record": "problemNotOnRecord",
  "priority-too-low": "priorityTooLow",
  fenced: "problemFenced",
  "not-holder": "problemNotHolder",
  "not-waiting": "problemNotWaiting",
  "queue-full": "problemQueueFull",
  "nothing-to-release": "nothingToRelease",
  released: null,
  stale: null,
  unknown: "problemUnknown",
};

/** Null for refusals that need no words: the finger feels them. */
export function refusalWords(words: Messages, refused: Refused): string | null {
  const { code, holderName } = refused;
  if (code === "held") return heldWords(words, holderName);
  if (code === "reserved") return holderName === null ? words.problemReservedUnknown : words.problemReserved(holderName);
  const key = BY_REFUSAL[code];
  return key === null ? null : words[key];
}

export function pictureWords(words: Messages, fault: PictureFault): string {
  switch (fault.kind) {
    case "refused":
      return problemWords(words, fault.problem);
    case "unsupported":
      return words.noWebRtc;
    case "answer":
      return words.pictureAnswer;
    case "ice":
      return words.pictureIce;
    case "no-picture":
      return words.pictureNone;
    case "stalled":
      return words.pictureStalled;
    case "ended":
      return words.pictureEnded;
    case "lost":
      return words.pictureLost;
    case "decode":
      return words.pictureDecode;
  }
}
