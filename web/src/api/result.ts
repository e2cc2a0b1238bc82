/** What came of a request: a value, a wilful end, or a problem that can be put in words. Requests never throw. */

import type { Problem } from "./problem";

export type Result<T> =
  | { readonly kind: "success"; readonly value: T }
  | { readonly kind: "aborted" }
  | { readonly kind: "error"; readonly problem: Problem };

export function success<T>(value: T): Result<T> {
  return { kind: "success", value };
}

export const ABORTED = { kind: "aborted" } as const;

export function failure(problem: Problem): Result<never> {
  return { kind: "error", problem };
}
