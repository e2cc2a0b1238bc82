/** Typed fetch: every request has a time limit, can be aborted, and ends in a Result. */

import { DecodeError, type Reader } from "./decode";
import { localProblem, problemOf } from "./problem";
import { ABORTED, failure, success, type Result } from "./result";
import { heardDate } from "./server-clock";

export const API = "/api/v1";

export interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly json?: unknown;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Let the request outlive the page (for Stop and for ending sessions). */
  readonly keepalive?: boolean;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The answer itself, when its status is 2xx; `read` may take the body. */
export async function call<T>(path: string, request: Request, read: (response: Response) => Promise<T>): Promise<Result<T>> {
  const limit = timeLimit(request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const signal = request.signal === undefined ? limit.signal : AbortSignal.any([request.signal, limit.signal]);
  try {
    const response = await fetch(path, init(request, signal));
    heardDate(response.headers.get("Date"));
    if (!response.ok) return failure(problemOf(response.status, response.headers.get("Retry-After"), await bodyOf(response)));
    return success(await read(response));
  } catch (error) {
    if (request.signal?.aborted === true) return ABORTED;
    if (limit.signal.aborted) return failure(localProblem("timeout"));
    if (error instanceof DecodeError || error instanceof SyntaxError) return failure(localProblem("garbled", error.message));
    return failure(localProblem("network", error instanceof Error ? error.message : ""));
  } finally {
    limit.lift(); // a body that goes on without an end is not limited
  }
}

interface TimeLimit {
  readonly signal: AbortSignal;
  lift(): void;
}

function timeLimit(ms: number): TimeLimit {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  return { signal: abort.signal, lift: () => clearTimeout(timer) };
}

export function callJson<T>(path: string, request: Request, read: Reader<T>): Promise<Result<T>> {
  return call(path, request, async (response) => read((await response.json()) as unknown, "answer"));
}

export function callNothing(path: string, request: Request): Promise<Result<null>> {
  return call(path, request, () => Promise.resolve(null));
}

function init(request: Request, signal: AbortSignal): RequestInit {
  const headers: Record<string, string> = { Accept: request.accept ?? "application/json" };
  if (request.json !== undefined) headers["Content-Type"] = "application/json";
  if (request.contentType !== undefined) headers["Content-Type"] = request.contentType;
  if (request.ifMatch !== undefined) headers["If-Match"] = request.ifMatch;
  const body = request.json === undefined ? request.body : JSON.stringify(request.json);
  return {
    method: request.method ?? "GET",
    headers,
    body: body ?? null,
    signal,
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    keepalive: request.keepalive ?? false,
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
