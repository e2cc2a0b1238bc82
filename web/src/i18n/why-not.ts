/** Why something is refused, in the present language; the plain refusal where the rule is not known. */

import type { WhyNot } from "../api/model";
import type { Messages } from "./id";

/** The second half of a sentence: "your grant for this holds at other hours." */
function clause(words: Messages, why: WhyNot): string {
  const all: Readonly<Record<WhyNot, string>> = {
    disabled: words.whyNotDisabled,
    denied: words.whyNotDenied,
    role: words.whyNotRole,
    area: words.whyNotArea,
    owner: words.whyNotOwner,
    emergency: words.whyNotEmergency,
    hours: words.whyNotHours,
    over: words.whyNotOver,
    "not-yet": words.whyNotYet,
    waiting: words.whyNotWaiting,
  };
  return all[why];
}

/** Of the picture. */
export function notSeenWords(words: Messages, why: WhyNot | null): string {
  return why === null ? words.viewNotAllowed : words.mayNotSee(clause(words, why));
}

export function notSteeredWords(words: Messages, why: WhyNot | null): string {
  return why === null ? words.viewOnlyYou : words.mayNotSteer(clause(words, why));
}

/** Of a camera that is opened in emergencies. */
export function notOpenedWords(words: Messages, why: WhyNot | null): string {
  return why === null ? words.emergencyNotYours : words.mayNotOpen(clause(words, why));
}

/** Of a request, whatever it was. */
export function forbiddenWords(words: Messages, why: WhyNot | null): string {
  return why === null ? words.problemForbidden : words.mayNotDo(clause(words, why));
}
