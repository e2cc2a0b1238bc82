/** Every request this page makes, by name. */

import { API, call, callJson, callNothing } from "./http";
import { readCamera, readPage, readPerson, readPresets, readReasons, readSignIn, type Camera, type Page, type Person, type Preset, type Reasons } from "./model";
import type { Result } from "./result";
import { demandQuery, type Demand } from "./video";

export function signIn(username: string, password: string): Promise<Result<Person>> {
  return callJson(`${API}/auth/login`, { method: "POST", json: { username, password } }, readSignIn);
}

export function signOut(): Promise<Result<null>> {
  return callNothing(`${API}/auth/logout`, { method: "POST" });
}

export function whoAmI(): Promise<Result<Person>> {
  return callJson(`${API}/me`, {}, readPerson);
}

const PAGE_SIZE = 200;

export function cameras(after: string | null, signal?: AbortSignal): Promise<Result<Page<Camera>>> {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (after !== null) query.set("after", after);
  return callJson(`${API}/cameras?${query.toString()}`, signal === undefined ? {} : { signal }, readPage(readCamera));
}

export function cameraPath(id: string): string {
  return `${API}/cameras/${encodeURIComponent(id)}`;
}

export function camera(id: string, signal: AbortSignal): Promise<Result<Camera>> {
  return callJson(cameraPath(id), { signal }, readCamera);
}

/** Why the person may not do what they may not do with this camera. */
export function reasons(id: string, signal: AbortSignal): Promise<Result<Reasons>> {
  return callJson(`${cameraPath(id)}/permissions`, { signal }, readReasons);
}

export function presets(id: string): Promise<Result<readonly Preset[]>> {
  return callJson(`${cameraPath(id)}/presets`, {}, readPresets);
}

/** Stop by HTTP, for when the socket cannot carry it; outlives the page. */
export function stopCamera(id: string): Promise<Result<null>> {
  return callNothing(`${cameraPath(id)}/ptz/stop`, { method: "POST", keepalive: true, timeoutMs: 5_000 });
}

export interface WhepAnswer {
  /** The answer, or after a restart the fragment with the service's new ICE credentials. */
  readonly sdp: string;
  /** Where the session is restarted (PATCH) and ends (DELETE); null when the service named none. */
  readonly session: string | null;
  /** The Link header: the relays there are. */
  readonly links: string | null;
}

/** The first pull of a camera may take some seconds: it is dialled while the request waits. */
const OFFER_TIMEOUT_MS = 20_000;

export function whep(id: string, offer: string, demand: Demand): Promise<Result<WhepAnswer>> {
  const path = `${cameraPath(id)}/whep?${demandQuery(demand)}`;
  const request = { method: "POST", body: offer, contentType: "application/sdp", accept: "application/sdp", timeoutMs: OFFER_TIMEOUT_MS } as const;
  return call(path, request, readWhep);
}

async function readWhep(response: Response): Promise<WhepAnswer> {
  return { sdp: await response.text(), session: response.headers.get("Location"), links: response.headers.get("Link") };
}

const FRAGMENT = "application/trickle-ice-sdpfrag";
/** Asked while the network changes: an answer that is not there by now is lost. */
const RESTART_TIMEOUT_MS = 2_500;

/** Restart ICE, whatever the session's ETag is by now: an answer to an earlier restart may have been lost. */
export function restartWhep(session: string, fragment: string): Promise<Result<WhepAnswer>> {
  const request = { method: "PATCH", body: fragment, contentType: FRAGMENT, accept: FRAGMENT, ifMatch: "*", timeoutMs: RESTART_TIMEOUT_MS } as const;
  return call(session, request, readWhep);
}

export function endWhep(session: string): Promise<Result<null>> {
  return callNothing(session, { method: "DELETE", keepalive: true, timeoutMs: 5_000 });
}

/** ws: or wss: address of a camera's control socket. */
export function controlAddress(id: string, page: Location = location): string {
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${cameraPath(id)}/control`;
}

/** ws: or wss: address of a camera's picture as MP4. */
export function feedAddress(id: string, quality: "main" | "sub", page: Location = location): string {
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${cameraPath(id)}/feed?quality=${quality}`;
}

/** A camera's small picture, one a second; the answer has no end. */
export function jpegs(id: string, signal: AbortSignal): Promise<Result<ReadableStream<Uint8Array>>> {
  const path = `${cameraPath(id)}/jpegs`;
  return call(path, { signal, accept: "multipart/x-mixed-replace", timeoutMs: OFFER_TIMEOUT_MS }, (response) => {
    if (response.body === null) throw new TypeError("an answer without a body");
    return Promise.resolve(response.body);
  });
}
