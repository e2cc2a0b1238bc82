/** One's own sessions and tokens while their screen is looked at. */

import { signal } from "@preact/signals";
import { ownAccess, ownSessions, ownTokens, type OwnSession, type OwnToken } from "../api/links";
import type { Problem } from "../api/problem";
import type { Result } from "../api/result";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { notify } from "./notices";
import { lapse } from "./session";

export interface Access {
  readonly sessions: readonly OwnSession[];
  readonly tokens: readonly OwnToken[];
  readonly capabilities: readonly string[];
}

/** Null until it came. */
export const access = signal<Access | null>(null);
export const accessProblem = signal<Problem | null>(null);

export async function loadAccess(): Promise<void> {
  const [sessions, tokens, me] = await Promise.all([ownSessions(), ownTokens(), ownAccess()]);
  const problem = [sessions, tokens, me].map((answer) => (answer.kind === "error" ? answer.problem : null)).find((one) => one !== null);
  accessProblem.value = problem ?? null;
  if (problem?.kind === "not-signed-in") lapse();
  if (sessions.kind === "success" && tokens.kind === "success" && me.kind === "success") {
    access.value = { sessions: sessions.value, tokens: tokens.value, capabilities: me.value.capabilities };
  }
}

/** Carry it out, say why not if so, and show how things are then; the value, or null. */
export async function act<T>(asked: Promise<Result<T>>): Promise<{ readonly value: T } | null> {
  const answer = await asked;
  if (answer.kind === "error") notify(problemWords(words.value, answer.problem), "warn");
  await loadAccess();
  return answer.kind === "success" ? { value: answer.value } : null;
}
