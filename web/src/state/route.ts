/**
 * Where in the page one is: #/ is the list, #/account one's own account, #/emergencies what was opened in emergencies, #/cameras/{id} a
 * live camera.
 */

import { signal } from "@preact/signals";

export type Route =
  | { readonly name: "list" }
  | { readonly name: "account" }
  | { readonly name: "emergencies" }
  | { readonly name: "live"; readonly id: string };

const LIVE = /^#\/cameras\/([^/]+)$/;

export const ACCOUNT = "#/account";
export const EMERGENCIES = "#/emergencies";

export function routeOf(hash: string): Route {
  if (hash === ACCOUNT) return { name: "account" };
  if (hash === EMERGENCIES) return { name: "emergencies" };
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
