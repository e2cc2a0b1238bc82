/** One's own account on the page, and what waits for a fresh proof. */

import { signal } from "@preact/signals";
import { account as ask, type Account } from "../api/account";
import type { Problem } from "../api/problem";
import type { Result } from "../api/result";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { notify } from "./notices";

export const account = signal<Account | null>(null);
export const accountProblem = signal<Problem | null>(null);
/** What is to be done again once the person has proved themselves; null when nothing waits. */
export const waiting = signal<(() => void) | null>(null);

export async function loadAccount(): Promise<void> {
  const answer = await ask();
  if (answer.kind === "success") [account.value, accountProblem.value] = [answer.value, null];
  else if (answer.kind === "error") accountProblem.value = answer.problem;
}

function sayProblem(problem: Problem): void {
  notify(problemWords(words.value, problem), "warn");
}

/** The value, or null when it was not done; says why, or asks for a proof and does it again after that. */
export async function attempt<T>(act: () => Promise<Result<T>>, again: () => void, say = sayProblem): Promise<{ readonly value: T } | null> {
  const answer = await act();
  if (answer.kind === "success") return { value: answer.value };
  if (answer.kind === "error" && answer.problem.kind === "step-up-needed") waiting.value = again;
  else if (answer.kind === "error") say(answer.problem);
  return null;
}

/** A field of a form; empty for none. */
export function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}
