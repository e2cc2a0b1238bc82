/** Links that the person may make and withdraw, while their screen is looked at; areas as one types them. */

import { signal } from "@preact/signals";
import { approvals, areas, roles, unusedLinks, type Approval, type Area, type NewLink, type UnusedLink } from "../api/people";
import type { Problem } from "../api/problem";
import type { Messages } from "../i18n/id";
import { problemWords } from "../i18n/problems";
import { lapse } from "./session";

export interface LookingAfter {
  readonly links: readonly UnusedLink[];
  readonly approvals: readonly Approval[];
  readonly roles: readonly string[];
  readonly areas: readonly Area[];
}

/** Null until it came. */
export const lookingAfter = signal<LookingAfter | null>(null);
export const peopleProblem = signal<Problem | null>(null);
/** The link that was just made, while it is shown. */
export const newLink = signal<NewLink | null>(null);

export async function loadPeople(): Promise<void> {
  const answers = await Promise.all([unusedLinks(), roles(), areas(), approvals()]);
  const problem = answers.map((answer) => (answer.kind === "error" ? answer.problem : null)).find((one) => one !== null) ?? null;
  peopleProblem.value = problem;
  if (problem?.kind === "not-signed-in") lapse();
  const [links, names, tree, waiting] = answers;
  if (links.kind === "success" && names.kind === "success" && tree.kind === "success" && waiting.kind === "success") {
    lookingAfter.value = { links: links.value, roles: names.value, areas: tree.value, approvals: waiting.value };
  }
}

export function forgetPeople(): void {
  lookingAfter.value = null;
  peopleProblem.value = null;
  newLink.value = null; // whoever comes to this screen next must not find it
}

/** "Gambir, Gambir (31.71.01.1001)": a district and one of its quarters often have the same name. */
export function areaLabel(area: Area, all: readonly Area[]): string {
  const above = all.find((one) => one.code === area.parent);
  return `${area.name}${above === undefined ? "" : `, ${above.name}`} (${area.code})`;
}

/** The area that was typed: by its label, its code, or a name that is one area's only; null for none. */
export function areaOf(typed: string, all: readonly Area[]): Area | null {
  const text = typed.trim().toLowerCase();
  const code = /\(([\d.]+)\)$/.exec(text)?.[1] ?? text;
  const named = all.filter((area) => area.name.toLowerCase() === text);
  return all.find((area) => area.code === code) ?? (named.length === 1 ? (named[0] ?? null) : null);
}

/** Areas by their names, where they are known. */
export function areaNames(codes: readonly string[], all: readonly Area[]): string {
  return codes.map((code) => all.find((area) => area.code === code)?.name ?? code).join(", ");
}

/** Why an invitation was not made. */
export function inviteProblemWords(words: Messages, problem: Problem): string {
  if (problem.kind === "forbidden") return words.inviteForbidden;
  if (problem.kind === "bad-input") return words.inviteRefused;
  return problem.kind === "not-done" ? words.inviteTooMany : problemWords(words, problem);
}

/** Why no link for a new password was made. */
export function renewProblemWords(words: Messages, problem: Problem): string {
  return problem.kind === "not-found" || problem.kind === "bad-input" ? words.renewNobody : inviteProblemWords(words, problem);
}
