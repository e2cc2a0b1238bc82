/** Who is signed in; the proof itself is a cookie that no script can read. */

import { signal } from "@preact/signals";
import { signIn, signOut, whoAmI } from "../api/calls";
import type { Person } from "../api/model";
import type { Problem } from "../api/problem";

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
  const answer = await signIn(username, password);
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
