/** Coming in by a link or as the first administrator: what is checked before the service is asked, and being in. */

import type { Person } from "../api/model";
import type { Problem } from "../api/problem";
import type { Result } from "../api/result";
import type { Messages } from "../i18n/id";
import { problemWords } from "../i18n/problems";
import { session } from "./session";

const LEAST_CHARACTERS = 8;
const USERNAME = /^[a-z0-9]([a-z0-9._@+-]{0,62}[a-z0-9])?$/i;

/** What is wrong with the fields, in words; null when the service may be asked. */
export function faultOf(words: Messages, fields: Readonly<Record<string, string>>): string | null {
  if (Object.values(fields).some((value) => value.trim() === "")) return words.fillAll;
  const { username, password = "" } = fields;
  if (username !== undefined && !USERNAME.test(username.trim())) return words.usernameWrong;
  return password.length < LEAST_CHARACTERS ? words.passwordShort : null;
}

/** The problem in the words of somebody who comes in; `lost` is said where the service knows of no such thing. */
export function joinProblemWords(words: Messages, problem: Problem, lost: string, wrong: string): string {
  if (problem.kind === "bad-input") return words.joinRefused;
  if (problem.kind === "not-found") return lost;
  if (problem.kind === "not-done") return words.linkMakerLost;
  return problem.kind === "wrong-sign-in" ? wrong : problemWords(words, problem);
}

/** The secret leaves the address, and one is in the list. */
export function toTheList(): void {
  history.replaceState(null, "", "#/");
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Null when one is in. */
export function comeIn(answer: Result<Person>): Problem | null {
  if (answer.kind === "success") {
    toTheList();
    session.value = { name: "in", person: answer.value };
  }
  return answer.kind === "error" ? answer.problem : null;
}
