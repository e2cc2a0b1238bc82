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
  hidden: "M3 3l18 18M10 5.2A11 11 0 0112 5c6 0 10 7 10 7a17 17 0 01-3 3.6M6 7a17 17 0 00-4 5s4 7 10 7a10 10 0 004-1",
  steer: "M12 3v5M12 16v5M3 12h5M16 12h5M12 10a2 2 0 100 4 2 2 0 000-4z",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2 20c0-4 3-6 7-6s7 2 7 6M16 4.5a3.5 3.5 0 010 6.5M18 14.5c2.5.7 4 2.6 4 5.5",
  person: "M12 12a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM4 21c0-4.5 3.5-6.5 8-6.5s8 2 8 6.5",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14zM20 20l-4-4",
  fill: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  sound: "M4 9v6h4l5 4V5L8 9zM16.5 8.5a5 5 0 010 7M19 6a9 9 0 010 12",
  swap: "M4 8h15l-4-4M20 16H5l4 4",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  warn: "M12 3l10 18H2zM12 10v5M12 18v.01",
  siren: "M6 19v-5a6 6 0 0112 0v5M3 19h18M12 2v2M4 5.5l1.5 1.3M20 5.5l-1.5 1.3",
  check: "M4 12.5l5.5 5.5L20 6.5",
  clock: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 7v5l3.5 2",
  cross: "M6 6l12 12M18 6L6 18",
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
