/** Short vibrations that say without looking what happened; nothing where the device cannot. */

const PATTERNS = { press: [8], stop: [28], refused: [20, 60, 20], asked: [60, 80, 60], granted: [120] } as const;

export function vibrate(kind: keyof typeof PATTERNS): void {
  if ("vibrate" in navigator && navigator.userActivation.hasBeenActive) navigator.vibrate([...PATTERNS[kind]]);
}
