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
  | { readonly name: "invitation"; readonly secret: string };

const LIVE = /^#\/cameras\/([^/]+)$/;

const INVITATION = /^#\/invitation\/([\w-]{1,256})$/;

export const ACCOUNT = "#/account";
export const EMERGENCIES = "#/emergencies";
export const PEOPLE = "#/people";
export const SESSIONS = "#/sessions";

export function routeOf(hash: string): Route {
  if (hash === ACCOUNT) return { name: "account" };
  if (hash === EMERGENCIES) return { name: "emergencies" };
  if (hash === PEOPLE) return { name: "people" };
  if (hash === SESSIONS) return { name: "sessions" };
  if (hash === "#/setup") return { name: "setup" };
  if (hash === "#/city-sign-in-failed") return { name: "city-failed" };
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
