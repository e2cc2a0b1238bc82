/** Why a grant waits for a second person, in the present language. */

import type { SecondLook } from "../api/people";
import type { Messages } from "./id";

export function secondLookWords(words: Messages, why: SecondLook): string {
  const all: Readonly<Record<SecondLook, string>> = {
    "whole-city": words.linkWaitsCity,
    "larger-part": words.linkWaitsPart,
    owner: words.linkWaitsOwner,
  };
  return all[why];
}
