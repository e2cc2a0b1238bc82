import type { JSX } from "preact";

const PATHS = {
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  home: "M4 11l8-7 8 7M6 10v9h12v-9",
  presets: "M7 4h10v16l-5-4-5 4z",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 100 6 3 3 0 000-6z",
  steer: "M12 3v5M12 16v5M3 12h5M16 12h5M12 10a2 2 0 100 4 2 2 0 000-4z",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14zM20 20l-4-4",
  fill: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  swap: "M4 8h15l-4-4M20 16H5l4 4",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  warn: "M12 3l10 18H2zM12 10v5M12 18v.01",
  off: "M3 3l18 18M10 6h5v4l5-3v10M14 18H3V7h2",
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside words or an aria-label; never the only carrier of meaning. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
