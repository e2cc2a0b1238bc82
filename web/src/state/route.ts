/**
 * Where in the page one is: #/ is the list, #/account and #/sessions one's own, #/people those one looks after, #/emergencies what was opened in emergencies,
 * #/cameras/{id} a live camera, #/invitation/{secret} a one-time link.
 */

import { signal } from "@preact/signals";

export type Route =
  | { readonly name: "list" }
  | { readonly name: "account" }
  | { readonly name: "emergencies" }
  | { readonly name: "live"; readonly id: string }
  | { readonly name: "people" }
  | { readonly name: "sessions" }
  | { readonly name: "setup" }
  | { readonly name: "city-failed" }
  | { readonly name: "city-unavailable" }
  | { readonly name: "invitation"; readonly secret: string };

const LIVE = /^#\/cameras\/([^/]+)$/;

const INVITATION = /^#\/invitation\/([\w-]{1,256})$/;

export const ACCOUNT = "#/account";
export const EMERGENCIES = "#/emergencies";
export const PEOPLE = "#/people";
export const SESSIONS = "#/sessions";

const PLAIN: ReadonlyMap<string, Route> = new Map<string, Route>([
  [ACCOUNT, { name: "account" }],
  [EMERGENCIES, { name: "emergencies" }],
  [PEOPLE, { name: "people" }],
  [SESSIONS, { name: "sessions" }],
  ["#/setup", { name: "setup" }],
  ["#/city-sign-in-failed", { name: "city-failed" }],
  ["#/city-sign-in-unavailable", { name: "city-unavailable" }],
]);

export function routeOf(hash: string): Route {
  const plain = PLAIN.get(hash);
  if (plain !== undefined) return plain;
  const secret = INVITATION.exec(hash)?.[1];
  if (secret !== undefined) return { name: "invitation", secret };
  const id = LIVE.exec(hash)?.[1];
  if (id === undefined) return { name: "list" };
  try {
    return { name: "live", id: decodeURIComponent(id) };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return { name: "list" };
  }
}

export const route = signal<Route>(routeOf(location.hash));

export function followHash(): void {
  addEventListener("hashchange", () => (route.value = routeOf(location.hash)));
}

export function cameraHref(id: string): string {
  return `#/cameras/${encodeURIComponent(id)}`;
}

export function goToList(): void {
  location.hash = "#/";
}
