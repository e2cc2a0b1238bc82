/** Times to come, for people. Pure but for the hook, which looks at the clock twice a second. */

import { useEffect, useState } from "preact/hooks";

/** "9 s" is for the caller's words; this is "4:05" or "1:02:03". */
export function clockOf(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Whole seconds until `endsAt` on performance.now()'s clock; null when there is no end or it has passed. */
export function useSecondsLeft(endsAt: number | null): number | null {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (endsAt === null) return undefined;
    const look = (): void => setNow(performance.now());
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [endsAt]);
  if (endsAt === null || endsAt <= now) return null;
  return Math.ceil((endsAt - now) / 1000);
}
