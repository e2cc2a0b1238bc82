/** The service's clock, as its answers tell it: a phone's own may be off by hours. */

/** A Date header counts whole seconds and was some time on its way; less than this says nothing. */
const TOO_LITTLE_MS = 3_000;
const HALF_SECOND_MS = 500;

let aheadMs = 0;

/** An answer with this Date header (RFC 9110 6.6.1) has just come. */
export function heardDate(header: string | null, nowMs = Date.now()): void {
  const toldMs = header === null ? NaN : Date.parse(header);
  if (Number.isNaN(toldMs)) return;
  const foundMs = toldMs + HALF_SECOND_MS - nowMs;
  aheadMs = Math.abs(foundMs) < TOO_LITTLE_MS ? 0 : foundMs;
}

/** Milliseconds since 1970, by the service's clock. */
export function serverNow(): number {
  return Date.now() + aheadMs;
}
