/** The sheets of the live page; one is open at a time. */
export type LiveSheet = "none" | "presets" | "more" | "delay" | "control" | "take-over" | "request" | "reserve" | "patrols" | "emergency";
