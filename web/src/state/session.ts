/** Who is signed in; the proof itself is a cookie that no script can read. */

import { signal } from "@preact/signals";
import { passkeySignIn, passkeySignInOptions, secondFactor } from "../api/account";
import { signIn, signOut, whoAmI } from "../api/calls";
import type { Person } from "../api/model";
import type { Problem } from "../api/problem";
import type { Result } from "../api/result";
import { askPasskey } from "../drivers/passkeys";

export type Session =
  | { readonly name: "checking" }
  | { readonly name: "unreachable"; readonly problem: Problem }
  /** `lapsed`: there was a session, and it ended without being asked to. */
  | { readonly name: "out"; readonly lapsed: boolean }
  | { readonly name: "in"; readonly person: Person };

export const session = signal<Session>({ name: "checking" });

/** Ask the service who we are; a lost network does not sign anybody out. */
export async function checkSession(): Promise<void> {
  const answer = await whoAmI();
  if (answer.kind === "success") session.value = { name: "in", person: answer.value };
  else if (answer.kind === "error" && answer.problem.kind === "not-signed-in") lapse();
  else if (answer.kind === "error" && session.value.name !== "in") session.value = { name: "unreachable", problem: answer.problem };
}

/** The problem, or null when one is in. */
export async function enter(username: string, password: string): Promise<Problem | null> {
  return admitted(await signIn(username, password));
}

/** The second step, after a problem of kind "second-factor-needed" that said `pending`. */
export async function enterByCode(pending: string, code: string): Promise<Problem | null> {
  return admitted(await secondFactor(pending, code));
}

export type PasskeyEntry = { readonly kind: "in" | "aborted" | "cancelled" | "failed" } | { readonly kind: "refused"; readonly problem: Problem };

/** `fillIn`: wait quietly until one is chosen among what the browser fills in. */
export async function enterByPasskey(fillIn: boolean, signal?: AbortSignal): Promise<PasskeyEntry> {
  const options = await passkeySignInOptions(signal);
  if (options.kind === "aborted") return options;
  if (options.kind === "error") return { kind: "refused", problem: options.problem };
  const asked = await askPasskey(options.value, fillIn, signal);
  if (asked.kind !== "answer") return { kind: asked.kind === "known" ? "failed" : asked.kind };
  const problem = admitted(await passkeySignIn(asked.answer));
  return problem === null ? { kind: "in" } : { kind: "refused", problem };
}

function admitted(answer: Result<Person>): Problem | null {
  if (answer.kind === "success") session.value = { name: "in", person: answer.value };
  return answer.kind === "error" ? answer.problem : null;
}

export async function leave(): Promise<void> {
  await signOut();
  session.value = { name: "out", lapsed: false };
}

/** The service says that we are not signed in. */
export function lapse(): void {
  session.value = { name: "out", lapsed: session.value.name === "in" };
}
